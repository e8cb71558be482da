"""The chain of custody as a data sheet: the fields of the Mexican Registro de Cadena de Custodia, in their order.

It is to be copied into the official form and replaces neither the form nor the signatures. A value that is missing says
why. It is for the laboratory: it names people and places.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from forensics import __version__
from forensics.case import utc
from forensics.case.custody import CustodyEvent, chain, custody_events, gaps
from forensics.case.exhibits import exhibits
from forensics.case.reader import CaseReader
from forensics.case.stated import Missing, Stated
from forensics.case.store import CaseStore
from forensics.new_file import new_file, refuse_existing
from forensics.reports.html import environment
from forensics.reports.printable import printable
from forensics.reports.proceedings import wording
from forensics.reports.translation import translation


def write_custody_sheet(store: CaseStore, output: Path, language: str) -> str:
    """Write the data sheet of every exhibit.

    Args:
        store: The case.
        output: The file to write; must not exist.
        language: ``es`` or ``en``.

    Returns:
        SHA-256 of the file.

    Raises:
        ReportError: The file exists or cannot be written, or there is no such language.
    """
    refuse_existing(output)
    words = translation(language)

    said = wording(words)

    def seals(numbers: Stated) -> str:
        return said(numbers) if isinstance(numbers, Missing) else ", ".join(map(printable, numbers.splitlines()))

    reader = CaseReader(store)
    with reader.snapshot():
        context = _context(store, reader)
    page = environment(language).get_template("custody_sheet.html").render(context, said=said, seals=seals).encode()
    with new_file(output) as file:
        file.write(page)
    return hashlib.sha256(page).hexdigest()


def _context(store: CaseStore, reader: CaseReader) -> dict[str, Any]:
    events = list(custody_events(store))
    *_, head = reader.ledger()
    sources = reader.sources()
    return {
        "info": reader.case_info(),
        "generated": utc.now(),
        "tool_version": __version__,
        "head": head,
        "sheets": [
            {
                "exhibit": exhibit,
                "facts": {str(field): value for field, value in exhibit.facts.items()},
                "chain": (held := chain(event for event in events if event.hand_over.exhibit == exhibit.label)),
                "people": _people(held),
                "corrected": [
                    event for event in events if event.hand_over.exhibit == exhibit.label and event.corrected_by
                ],
                "gaps": [gap for gap in gaps(events) if gap.exhibit == exhibit.label],
                "sources": [source for source in sources if source["exhibit"] == exhibit.label],
            }
            for exhibit in exhibits(store)
        ],
    }


def _people(held: list[CustodyEvent]) -> list[tuple[str, Stated, Stated]]:
    """Everyone who had the exhibit, in order: name, institution and position, the stage in which they first had it."""
    people: dict[str, tuple[Stated, Stated]] = {}
    for event in held:
        this = event.hand_over
        for name, position in ((this.giver, this.giver_position), (this.receiver, this.receiver_position)):
            if not isinstance(name, Missing):
                known, stage = people.get(name, (Missing.NOT_ASSESSED, this.stage))
                people[name] = (position if isinstance(known, Missing) else known, stage)
    return [(name, position, stage) for name, (position, stage) in people.items()]
