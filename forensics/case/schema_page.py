"""The tables of a case for ``docs/case-schema.md``, made from the schema itself: ``make docs``.

Names, types, keys and references are what SQLite makes of the schema; what a table and a column mean are the comments
in it (those before a table; those of a column behind it, or on lines of their own before it); codes are those that a
CHECK allows.
"""

from __future__ import annotations

import ast
import inspect
import re
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from forensics import reason
from forensics.case import schema

BEGIN, END = "<!-- tables: made by make docs from the schema -->", "<!-- end of tables -->"
"""Between these lines of the page stands what is made here."""

_TABLE = re.compile(r"((?:^--[^\n]*\n)*)^CREATE TABLE (\w+) \(\n(.*?)^\) STRICT", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"(\w+) (?:TEXT|INTEGER|REAL)\b")
_COMMENT = re.compile(r"-- (.*)$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        type: What SQLite stores, and whether it may be NULL.
        references: ``table.column`` it points at; ``None`` if at none.
        codes: All values that a CHECK allows; empty if any text or number may stand there.
        codes_where: The same, where they hold only for some value of another column: that value, and the codes.
        meaning: The comment.
    """

    name: str
    type: str
    references: str | None
    codes: tuple[str, ...]
    codes_where: tuple[tuple[str, str], ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, what one row of it is, and its columns."""

    name: str
    meaning: str
    columns: tuple[Column, ...]


def tables() -> Iterator[Table]:
    """All tables of a case, in the order of the schema."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(schema.statements())
        for comment, name, body in _TABLE.findall(schema.statements()):
            meanings = _meanings(body)
            references = {
                row[3]: f"{row[2]}.{row[4]}" for row in connection.execute(f"PRAGMA foreign_key_list({name})")
            }
            columns = tuple(
                Column(
                    column, _type(kind, not_null, key), references.get(column), _codes(body, column),
                    tuple(_codes_where(body, column)), meanings[column],
                )
                for _, column, kind, not_null, _, key in connection.execute(f"PRAGMA table_info({name})")
            )  # fmt: skip
            yield Table(name, " ".join(line.removeprefix("-- ") for line in comment.splitlines()), columns)
    finally:
        connection.close()


def page_part() -> str:
    """What stands between :data:`BEGIN` and :data:`END`, in Markdown."""
    lines = []
    for table in tables():
        lines += [
            f"### `{table.name}`",
            "",
            table.meaning,
            "",
            "| column | stored as | what it says |",
            "|---|---|---|",
        ]
        for column in table.columns:
            kind = column.type + (f", `{column.references}`" if column.references else "")
            said = ": ".join(filter(None, (column.meaning, " ".join(f"`{code}`" for code in column.codes))))
            said = "; ".join((said, *(f"where {where}: {codes}" for where, codes in column.codes_where)))
            lines.append(f"| `{column.name}` | {kind} | {said.replace('|', '&#124;')} |")
        lines.append("")
    lines += ["### Reason codes", "", "| code | why |", "|---|---|"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in reason_codes()]
    return "\n".join(lines) + "\n"


def reason_codes() -> Iterator[tuple[str, str]]:
    """Every :class:`forensics.reason.Reason` with the words that stand under it."""
    (body,) = (
        node.body
        for node in ast.parse(inspect.getsource(reason)).body
        if isinstance(node, ast.ClassDef) and node.name == "Reason"
    )
    for statement, words in pairwise(body):
        if isinstance(statement, ast.Assign) and isinstance(words, ast.Expr):
            yield ast.literal_eval(statement.value), " ".join(ast.literal_eval(words.value).replace("``", "`").split())


def rewritten(page: str) -> str:
    """The page with its tables made anew.

    Raises:
        ValueError: The lines between which they stand are missing.
    """
    before, begin, rest = page.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"{END}\n")
    if not begin or not end:
        raise ValueError(f"no line '{BEGIN}', or no line '{END}' after it")
    return f"{before}{begin}\n{page_part()}\n{end}{after}"


def _meanings(body: str) -> dict[str, str]:
    """The comment of each column of a table."""
    meanings: dict[str, str] = {}
    waiting: list[str] = []
    column = ""
    for line in body.splitlines():
        code, comment = line.partition("--")[0].strip(), _COMMENT.search(line)
        found = _COLUMN.match(code)
        if found:
            column = found[1]
            meanings[column] = " ".join(waiting)
            waiting = []
        if comment:
            if code:
                meanings[column] = f"{meanings[column]} {comment[1]}".strip()
            else:
                waiting.append(comment[1])
    return {name: meaning.strip() for name, meaning in meanings.items()}


def _type(kind: str, not_null: int, key: int) -> str:
    if key:
        return f"{kind}, key"
    return kind if not_null else f"{kind} or NULL"


def _codes(body: str, column: str) -> tuple[str, ...]:
    """What a CHECK of the column's own allows."""
    found = re.search(rf"CHECK \({column} IN \(([^)]*)\)\)", body)
    return tuple(re.findall(r"'([^']*)'", found[1])) if found else ()


def _codes_where(body: str, column: str) -> Iterator[tuple[str, str]]:
    """What a CHECK allows for some value of another column."""
    for other, value, codes in re.findall(rf"CHECK \((\w+) <> '(\w+)' OR {column} IN \(([^)]*)\)\)", body):
        yield f"`{other}` is `{value}`", " ".join(f"`{code}`" for code in re.findall(r"'([^']*)'", codes))


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(rewritten(file.read_text("utf-8")), "utf-8")
