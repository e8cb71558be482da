"""What people stated and decided of a case, as a report tells it: grounds, exhibits, custody, offences, referrals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.case.authorities import authorities
from forensics.case.custody import chain, custody_events, gaps
from forensics.case.exhibits import Field, exhibits
from forensics.case.offence_tags import offence_tags
from forensics.case.referrals import referrals
from forensics.case.stated import Missing, Stated
from forensics.case.store import CaseStore
from forensics.reports.printable import printable
from forensics.reports.translation import Translation

_TOLD = (Field.KIND, Field.DESCRIPTION, Field.MAKE, Field.MODEL, Field.SERIAL_NUMBER, Field.RECORD_NUMBER)
"""What is told of an exhibit; the data sheet of its custody has the rest."""


def gather_proceedings(store: CaseStore) -> dict[str, Any]:
    """Read what holds at present: rows that were corrected or taken away stand in the case, not in a report.

    Returns:
        ``authorities``; ``exhibits`` (label, ``facts``, ``chain``, ``gaps``); ``tags``; ``referrals``; for
        ``proceedings.html``.
    """
    events = list(custody_events(store))
    broken = list(gaps(events))
    return {
        "authorities": [one for one in authorities(store) if one.corrected_by is None],
        "exhibits": [
            {
                "label": exhibit.label,
                "parent": exhibit.parent,
                "facts": {str(field): exhibit.facts[field] for field in _TOLD},
                "chain": chain(event for event in events if event.hand_over.exhibit == exhibit.label),
                "gaps": [gap for gap in broken if gap.exhibit == exhibit.label],
            }
            for exhibit in exhibits(store)
        ],
        "tags": list(offence_tags(store)),
        "referrals": [one for one in referrals(store) if one.corrected_by is None],
    }


def wording(words: Translation) -> Callable[..., str]:
    """How something stated is put into words: the value, or why there is none."""

    def said(what: Stated, context: str | None = None) -> str:
        if isinstance(what, Missing):
            return words.code(what, "missing")
        return words.code(what, context) if context else printable(what)

    return said
