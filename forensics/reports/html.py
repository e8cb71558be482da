"""The report as one HTML page that needs nothing else: no script, no font, no picture, no network.

Templates say how it looks, :mod:`forensics.reports.translation` in which words; here stands what goes in. Every value
that a template prints is made printable, then escaped; a value that is missing prints as "not stated", never as
nothing, zero or ``None``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from forensics import __version__
from forensics.case import utc
from forensics.case.reader import CaseReader, Hit
from forensics.case.recorder import NAMING_ARGUMENTS
from forensics.case.status import status
from forensics.new_file import new_file, refuse_existing
from forensics.reason import NOTHING_TO_EXAMINE
from forensics.reports.circumstances import MAP_CELLS, gather_circumstances
from forensics.reports.printable import printable
from forensics.reports.proceedings import gather_proceedings, wording
from forensics.reports.pseudonym import Pseudonyms
from forensics.reports.recipient import Disclosure, Recipient, disclosure
from forensics.reports.resemblance import resemblance
from forensics.reports.results import TIERS, gather
from forensics.reports.translation import translation

MOST_GAPS = 500
"""How many things not examined are listed one by one."""

MOST_CONTENTS = 200
"""How many contents are listed one by one; the table of hits has them all."""

MOST_STREAMS = 10
"""How many streams are listed of each content."""

MOST_LEDGER_ROWS = 500
"""How many rows of the ledger are printed; the case file has them all."""

HITS_FILE = "hits.csv"
GAPS_FILE = "not-examined.csv"
"""The tables that lie beside the page, to which it points for what it does not list."""

_BAR_COLOURS = {"hashed": "#17365d", "skipped": "#9fb0c3", "failed": "#c77700", "pending": "#e3e7ec"}
"""Drawings carry their colours themselves: the typesetter of the PDF does not look for them in the style sheet."""

_BAR_WIDTH = 1000
_LEAST_WIDTH = 4


def write_html(case: CaseReader, output: Path, language: str, recipient: Recipient) -> None:
    """Write the report.

    Args:
        case: The case, opened read-only.
        output: The file to write; must not exist.
        language: ``es`` or ``en``.
        recipient: For whom; decides what may be in it.

    Raises:
        ReportError: The file exists or cannot be written, the language is unknown, or the case's key is missing.
    """
    refuse_existing(output)
    page = render(case, language, recipient)
    with new_file(output) as file:
        file.write(page.encode())


def render(case: CaseReader, language: str, recipient: Recipient, *, for_pdf: bool = False) -> str:
    """Make the page.

    Args:
        case: The case, opened read-only.
        language: ``es`` or ``en``.
        recipient: For whom; decides what may be in it.
        for_pdf: Lay it out for the typesetter of :mod:`forensics.reports.pdf`.

    Raises:
        ReportError: The language is unknown, or the case's key is missing.
    """
    template = environment(language).get_template("report.html")
    context, words = _context(case, recipient, disclosure(recipient)), translation(language)
    return template.render(context, for_pdf=for_pdf, resemblance=partial(resemblance, words), said=wording(words))


@cache
def environment(language: str) -> Environment:
    """What templates are filled with in a language.

    Raises:
        ReportError: There is no such language.
    """
    words = translation(language)
    not_stated = Markup('<abbr title="%s">%s</abbr>') % (words.gettext("not stated"), words.gettext("n/s"))

    def finalize(value: object) -> object:
        if value is None:
            return not_stated
        return printable(value) if type(value) is str else value

    environment = Environment(
        loader=PackageLoader("forensics.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(words.filters())
    environment.globals.update(_=words.gettext, ngettext=words.ngettext, percent=words.percent, language_tag=words.tag)
    return environment


def _context(case: CaseReader, recipient: Recipient, allowed: Disclosure) -> dict[str, Any]:
    pseudonyms = Pseudonyms.of_case(case.path) if allowed.rows else None
    state = status(case)
    results = gather(case, MOST_CONTENTS, MOST_STREAMS)
    reasons = Counter(gap["reason"] for gap in state["not_examined"])
    set_labels = {known_set["uuid"]: f"L{number}" for number, known_set in enumerate(case.sets_used(), start=1)}

    def name(hit: Hit) -> str:
        return "" if pseudonyms is None else pseudonyms.of_path(hit.stored_path)

    def content_name(hit: Hit) -> str:
        return "" if pseudonyms is None else pseudonyms.of_content(hit.sha256)

    return {
        "recipient": str(recipient),
        "allowed": allowed,
        "generated": utc.now(),
        "tool_version": __version__,
        "info": state["case"],
        "examiners": case.examiners(),
        "status": state,
        "unwalked": case.unwalked_volumes(),
        "bar": _bar(state),
        "bar_colours": _BAR_COLOURS,
        "nothing_to_examine": NOTHING_TO_EXAMINE,
        "gap_reasons": sorted(reasons.items(), key=lambda item: (-item[1], item[0])),
        "gaps": state["not_examined"][:MOST_GAPS],
        "exhibits": _exhibits(case),
        "proceedings": gather_proceedings(case.store),
        "sets": case.sets_used(),
        "disagreements": case.disagreements(),
        "crowded_entries": case.crowded_entries(),
        "set_labels": set_labels,
        "results": results,
        "circumstances": gather_circumstances(case),
        "map_cells": MAP_CELLS,
        "set_rows": lambda uuid: sorted(
            ((key, tally) for key, tally in results.by_set.items() if key.set_uuid == uuid),
            key=lambda item: (item[0].scheme or "", item[0].category or "", TIERS.index(item[0].tier)),
        ),
        "tiers": TIERS,
        "pseudonym": name,
        "content_name": content_name,
        "scans": [
            scan | {"configuration": [*_flat(_arguments(scan, allowed)), *_flat(scan["environment"])]}
            for scan in state["scans"]
        ],
        "ledger_rows": list(case.ledger())[-MOST_LEDGER_ROWS:] if allowed.ledger_rows else [],
        "broken_row": case.first_broken_ledger_row(),
        "logical_digest": case.logical_digest(),
        "hits_file": HITS_FILE,
        "gaps_file": GAPS_FILE,
    }


def _bar(state: dict[str, Any]) -> list[tuple[str, float, float]]:
    """The parts of the coverage bar: state, left edge, width. What exists is visible, however small its share."""
    counts = {key: state["streams"][key] for key in ("hashed", "skipped", "failed")} | {"pending": state["pending"]}
    shown = {key: count for key, count in counts.items() if count}
    room = _BAR_WIDTH - _LEAST_WIDTH * len(shown)
    parts, left = [], 0.0
    for key, count in shown.items():
        width = _LEAST_WIDTH + room * count / sum(shown.values())
        parts.append((key, round(left, 2), round(width, 2)))
        left += width
    return parts


def _exhibits(case: CaseReader) -> list[dict[str, Any]]:
    """Exhibits with their sources, each with what its digests say of its integrity."""
    sources = [source | {"integrity": integrity(source["digests"], source["first_scan"])} for source in case.sources()]
    return [
        exhibit | {"sources": [source for source in sources if source["exhibit"] == exhibit["label"]]}
        for exhibit in case.exhibits()
    ]


def integrity(digests: list[dict[str, Any]], first_scan: int) -> str:
    """What the digests that scans computed over the files of a source say.

    Args:
        digests: Its digests, as :meth:`forensics.case.reader.CaseReader.sources` gives them.
        first_scan: The scan that brought the source into the case, and hashed its first streams.

    Returns:
        ``changed`` if any two of one algorithm differ; ``unchanged`` if they agree and one was taken after a scan;
        ``late`` if none was taken by the first scan; ``not-repeated`` if none was taken after one;
        ``not-computed`` if there is none.
    """
    computed = [digest for digest in digests if digest["phase"] in {"before", "after"}]
    values = {(digest["algorithm"], digest["value"]) for digest in computed}
    if len(values) > len({algorithm for algorithm, _ in values}):
        return "changed"
    if not computed:
        return "not-computed"
    if min(digest["scan_id"] for digest in computed) > first_scan:
        return "late"
    before = {digest["algorithm"] for digest in computed if digest["phase"] == "before"}
    after = {digest["algorithm"] for digest in computed if digest["phase"] == "after"}
    return "unchanged" if before & after else "not-repeated"


def _arguments(scan: Mapping[str, Any], allowed: Disclosure) -> dict[str, Any]:
    """Parameters of a scan; names of evidence files and patterns of paths only for those who may know them."""
    shown = {"sources": allowed.source_names, **dict.fromkeys(NAMING_ARGUMENTS - {"sources"}, allowed.paths)}
    return {name: value for name, value in scan["arguments"].items() if shown.get(name, True)}


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested names and values as one list of both."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} ")
        elif isinstance(value, list):
            yield prefix + name, ", ".join(str(part) for part in value)
        else:
            yield prefix + name, "" if value is None else str(value)
