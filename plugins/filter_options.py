"""Options that say what a scan examines and what it must not."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from forensics.errors import PatternError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


class Size(click.ParamType[int]):
    """A number of bytes, as ``500``, ``10k``, ``1.5G``; units are decimal, as disks are sold."""

    name = "size"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> int:  # noqa: ANN401 - as in click
        """Read a size."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,3})?)\s?([kmgt]?)b?", str(value).strip().lower())
        if match is None:
            self.fail(f"'{value}' is no size: write a number of bytes, or 10k, 2M, 1.5G", parameter, context)
        return int(float(match[1]) * _UNITS[match[2]])


class Glob(click.ParamType[str]):
    """A pattern of paths (:mod:`forensics.triage.path_pattern`)."""

    name = "glob"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> str:  # noqa: ANN401 - as in click
        """Check a pattern."""
        from forensics.triage.path_pattern import PathPattern

        try:
            PathPattern.parse(str(value))
        except PatternError as error:
            self.fail(f"{error.what}; {error.remedy}", parameter, context)
        return str(value)


_OPTIONS = (
    click.option("--include", multiple=True, type=Glob(), metavar="GLOB",
                 help="Examine only what matches: Users/*/Desktop from the root, *.jpg at any depth. Repeatable."),
    click.option("--exclude", multiple=True, type=Glob(), metavar="GLOB", help="Leave out what matches. Repeatable."),
    click.option("--type", "kinds", multiple=True, type=click.Choice(("picture", "video")),
                 help="Examine only files that are this by their extension. Repeatable."),
    click.option("--min-size", "smallest", type=Size(), default=0, metavar="SIZE",
                 help="Examine only files of this size or more: 500, 10k, 2M, 1G."),
    click.option("--max-size", "largest", type=Size(), metavar="SIZE", help="Examine only files of this size or less."),
    click.option("--privileged", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                 help="Withhold what the patterns in this file match: it is not read, its name is not recorded."),
    click.option("--include-privileged", is_flag=True,
                 help="Examine also what earlier scans withheld. The ledger records it."),
)  # fmt: skip


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options above; the command takes ``filters`` and ``include_privileged``."""

    @wraps(function)
    def command(
        *arguments: Any,  # noqa: ANN401 - the command's own
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        kinds: tuple[str, ...],
        smallest: int,
        largest: int | None,
        privileged: Path | None,
        **options: Any,  # noqa: ANN401 - the command's own
    ) -> Any:  # noqa: ANN401 - the command's own
        from forensics.media.extension import NamedKind
        from forensics.triage.selection import Filters, PrivilegeFilter

        if largest is not None and largest < smallest:
            raise click.UsageError("--max-size is smaller than --min-size: nothing would be examined")
        withheld = None if privileged is None else PrivilegeFilter.read(privileged)
        chosen = frozenset(map(NamedKind, kinds))
        return function(*arguments, filters=Filters(include, exclude, chosen, smallest, largest, withheld), **options)

    wrapped: Callable[..., Any] = command
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
