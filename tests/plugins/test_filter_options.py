"""Options of a scan that say what is examined: read as meant, refused in one line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from forensics.errors import PatternError
from forensics.media.extension import NamedKind
from forensics.triage.selection import Filters
from plugins.filter_options import filter_options


def chosen(*words: str) -> Filters:
    found: list[Filters] = []

    @click.command()
    @filter_options
    def command(filters: Filters, include_privileged: bool) -> None:
        found.append(filters)

    result = CliRunner().invoke(command, words)
    if result.exit_code == 2:
        raise click.UsageError(result.output)
    if result.exception:
        raise result.exception
    return found[0]


def test_options_become_filters() -> None:
    assert chosen() == Filters()
    words = ("--include", "a/*", "--exclude", "*.txt", "--type", "video", "--min-size", "10k", "--max-size", "1.5G")
    kinds = frozenset({NamedKind.VIDEO})
    assert chosen(*words) == Filters(("a/*",), ("*.txt",), kinds, 10_000, 1_500_000_000)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--include", "a\\b"), "backslash"),
        (("--exclude", ""), "empty"),
        (("--min-size", "-1"), "is no size"),
        (("--max-size", "ten"), "is no size"),
        (("--max-size", "9e99"), "is no size"),
        (("--min-size", "2k", "--max-size", "1k"), "nothing would be examined"),
        (("--type", "music"), "music"),
    ],
)
def test_wrong_options_are_refused(words: tuple[str, ...], what: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        chosen(*words)
    assert what in str(raised.value)


def test_a_privilege_filter_is_recorded_by_its_digest(tmp_path: Path) -> None:
    file = tmp_path / "privileged.txt"
    file.write_text("Users/*/Mail\n*.pst\n")
    recorded = chosen("--privileged", str(file)).recorded()["privileged"]
    assert recorded == {"patterns": 2, "file_sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    with pytest.raises(PatternError, match="cannot be read"):
        chosen("--privileged", str(tmp_path / "absent"))
