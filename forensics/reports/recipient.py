"""For whom a report is, and what each recipient may see: one table, used by every report and export.

Even a list of digests lets its holder test files of their own; a file name can name or describe a victim. So what
leaves the laboratory is the least with which the recipient can do their work. Perceptual hash values are shown to
nobody, and no report can ask for them. ``docs/reports.md`` explains the table to people.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from forensics.errors import ReportError


class Recipient(StrEnum):
    """For whom a report or an export is written."""

    PROSECUTOR = "prosecutor"
    COURT = "court"
    LABORATORY = "laboratory"
    DEFENCE = "defence"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What one recipient may see beyond what everyone sees.

    Everyone sees counts, coverage, reasons, the digests of the evidence files, the digest and size of every list used,
    the versions of the tool and the head of the ledger.

    Attributes:
        rows: Hits one by one, and what was not examined one by one, each with its locator and, instead of its path,
            a pseudonym.
        paths: Names stored on the evidence: paths of streams, descriptions of volumes.
        digests: MD5, SHA-1 and SHA-256 of the contents that were hit.
        references: The issuer's own identifier of an entry (it may be the name of a series or an operation).
        set_names: Name, issuer, authority, version, handling and file name of each known-hash set.
        source_names: Names of the evidence files; others know a source by its label and digest.
        acquisition_record: What the acquisition tool stored in the image (free text).
        configuration: Parameters and environment of every scan.
        ledger_rows: The ledger row by row, so that its chain can be recomputed.
        unmatched: Digests and metadata of contents that no list knows.
        custody: Who handed exhibits over, where and why; what is stated of exhibits; notes and referrals.
        small_cells: Statistics with every count, also those so small that they may single somebody out.
    """

    rows: bool
    paths: bool
    digests: bool
    references: bool
    set_names: bool
    source_names: bool
    acquisition_record: bool
    configuration: bool
    ledger_rows: bool
    unmatched: bool
    custody: bool
    small_cells: bool


DISCLOSURES = {
    Recipient.LABORATORY: Disclosure(
        rows=True, paths=True, digests=True, references=True,
        set_names=True, source_names=True, acquisition_record=True, configuration=True, ledger_rows=True,
        unmatched=True, custody=True, small_cells=True,
    ),
    Recipient.PROSECUTOR: Disclosure(
        rows=True, paths=False, digests=True, references=False,
        set_names=True, source_names=False, acquisition_record=True, configuration=True, ledger_rows=False,
        unmatched=False, custody=True, small_cells=False,
    ),
    Recipient.DEFENCE: Disclosure(
        rows=True, paths=False, digests=False, references=False,
        set_names=True, source_names=False, acquisition_record=True, configuration=True, ledger_rows=True,
        unmatched=False, custody=True, small_cells=False,
    ),
    Recipient.COURT: Disclosure(
        rows=False, paths=False, digests=False, references=False,
        set_names=False, source_names=False, acquisition_record=False, configuration=False, ledger_rows=False,
        unmatched=False, custody=False, small_cells=False,
    ),
}  # fmt: skip
"""The table. The laboratory sees everything a case may tell; the others see less, each for what they do."""


def disclosure(recipient: Recipient) -> Disclosure:
    """What a recipient may see."""
    return DISCLOSURES[recipient]


_WITHOUT = {
    "rows": "counts only",
    "digests": "no digests of contents",
    "unmatched": "nothing of contents that were not hit",
}
"""What a recipient gets instead, in words, by the field of :class:`Disclosure` that an export cannot do without."""


def require(recipient: Recipient, field: str, what: str) -> Disclosure:
    """What a recipient may see, if an export makes sense for them at all.

    Args:
        recipient: For whom.
        field: The field of :class:`Disclosure` that the export cannot do without: ``rows``, ``digests``, ``unmatched``.
        what: The export, as in "no table of hits".

    Raises:
        ReportError: The recipient may not see it.
    """
    allowed = disclosure(recipient)
    if not getattr(allowed, field):
        raise ReportError(
            f"the recipient '{recipient}' gets {_WITHOUT[field]}, no {what}", None, "use 'tamiz report' instead"
        )
    return allowed
