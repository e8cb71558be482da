r"""Tables as CSV (RFC 4180): every hit, and everything that was not examined.

UTF-8 with a byte-order mark, without which spreadsheet programs read accents wrong; a comma between fields, CRLF at
the end of lines, the first line holds the names of the columns, an empty field means that nothing is known.

Spreadsheet programs run a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula, and a file name can begin
with any of them. Such a cell, and one that begins with an apostrophe, gets an apostrophe before it; to have the value
back, remove one leading apostrophe. In many countries they take the semicolon for the separator, so one before such a
character is written as an escape, ``\u003b``. Control characters are written as escapes everywhere.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from forensics.case.content_walk import Scope
from forensics.case.reader import PUBLIC_HIT_FIELDS, CaseReader, Hit
from forensics.new_file import new_file
from forensics.reports.exporter import Exporter
from forensics.reports.printable import printable
from forensics.reports.pseudonym import Pseudonyms
from forensics.reports.recipient import Disclosure, Recipient, require

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_FORMULA_STARTS = ("=", "+", "-", "@", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What must not begin a cell; the last four are the full-width forms, which some programs take for the same."""

_HIDDEN_FORMULA = re.compile(rf';(?=[\s"]*[{re.escape("".join(_FORMULA_STARTS))}])')

_FURTHER_FIELDS = (
    "content", "entry", "reference", "volume", "modified", "accessed", "changed", "created", "agreeing", "disagreeing",
    "recovery",
)  # fmt: skip
_DIGESTS = frozenset({"md5", "sha1", "sha256"})

GAP_COLUMNS = ("locator", "reason", "detail")


class CsvExporter(Exporter):
    """All hits but those in benign sets, one row for each stream and entry of a set, as ``tamiz hits`` lists them."""

    name = "csv"

    def export(self, case: CaseReader, output: Path, recipient: Recipient, scope: Scope = Scope.HITS) -> None:  # noqa: ARG002
        """Write the table of hits.

        Raises:
            ReportError: The file exists or cannot be written, the case's key is missing, or the recipient gets no rows.
        """
        allowed = require(recipient, "rows", "table of hits")
        columns = hit_columns(allowed)
        pseudonyms = Pseudonyms.of_case(case.path)
        write_table(output, columns, (_hit_row(hit, columns, pseudonyms) for hit in case.hits()))


def write_gaps(case: CaseReader, output: Path) -> None:
    """Write the table of everything that was not examined.

    Args:
        case: The case.
        output: The file to write.

    Raises:
        ReportError: The file exists or cannot be written.
    """
    write_table(output, GAP_COLUMNS, ((gap.locator, gap.reason, gap.detail) for gap in case.gaps()))


def hit_columns(allowed: Disclosure) -> tuple[str, ...]:
    """The columns of the table of hits for a recipient, in order.

    ``pseudonym`` stands for ``path``; the laboratory has both, so that it can lead one back to the other. ``content``
    is the pseudonym of the content, ``entry`` the place of the entry in its list.
    """
    columns: list[str] = []
    for field in (*PUBLIC_HIT_FIELDS, *_FURTHER_FIELDS):
        if field == "path":
            columns += ["path", "pseudonym"] if allowed.paths else ["pseudonym"]
        elif not (field in _DIGESTS and not allowed.digests) and not (field == "reference" and not allowed.references):
            columns.append(field)
    return tuple(columns)


def _hit_row(hit: Hit, columns: Sequence[str], pseudonyms: Pseudonyms) -> list[str]:
    made = {
        "pseudonym": pseudonyms.of_path(hit.stored_path),
        "content": pseudonyms.of_content(hit.sha256),
        "entry": str(hit.position),
        "agreeing": " ".join(hit.agreeing),
        "disagreeing": " ".join(hit.disagreeing),
    }
    return [made[column] if column in made else _text(getattr(hit, column)) for column in columns]


def _text(value: str | float | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    return "" if value is None else str(value)


def cell(text: str) -> str:
    """A text as it may stand in a cell: printable, and no formula."""
    if not text.isprintable():
        text = printable(text)
    if ";" in text:
        text = _HIDDEN_FORMULA.sub(r"\\u003b", text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) else text


def write_table(output: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table to a new file.

    Args:
        output: The file.
        columns: Names of the columns.
        rows: As many texts each; what could be taken for a formula is escaped.

    Raises:
        ReportError: The file exists or cannot be written.
    """
    with new_file(output) as file:
        file.write(BYTE_ORDER_MARK)
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([cell(value) for value in row] for row in rows)
        text.flush()
        text.detach()
