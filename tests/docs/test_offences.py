"""docs/offences.md: its example is a catalogue, and its table names those that ship."""

from __future__ import annotations

import re
from pathlib import Path

from forensics.offences.catalogue import all_offences, parse

PAGE = (Path(__file__).parents[2] / "docs/offences.md").read_text(encoding="utf-8")


def test_the_example_is_a_catalogue() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (offence,) = parse(example.encode(), "example")
    assert (offence.name, offence.repealed) == ("mx-xyz/142-bis", "2025-01-01")


def test_the_table_has_the_catalogues_that_ship_and_their_dates(tmp_path: Path) -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \|.*\| (\d{4}-\d\d-\d\d)", PAGE, re.MULTILINE)
    assert set(listed) == {(offence.catalogue, offence.version) for offence in all_offences(tmp_path)}
