"""How exports are written: for whom, what they may include, and as what kind of file."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from forensics.case.content_walk import Scope
from forensics.case.reader import CaseReader
from forensics.errors import ReportError
from forensics.reports.exporter import Exporter, write_export
from forensics.reports.recipient import Recipient
from plugins import loader

EVERY = {
    "csv": {Recipient.LABORATORY, Recipient.PROSECUTOR, Recipient.DEFENCE},
    "vics": {Recipient.LABORATORY, Recipient.PROSECUTOR},
    "case-uco": {Recipient.LABORATORY, Recipient.PROSECUTOR, Recipient.DEFENCE},
    "dfxml": {Recipient.LABORATORY, Recipient.PROSECUTOR, Recipient.DEFENCE},
    "hashdeep": {Recipient.LABORATORY, Recipient.PROSECUTOR},
    "statistics": set(Recipient),
    "referral": {Recipient.LABORATORY},
}
"""Who gets which export."""

EXPORTERS = {exporter.name: exporter for exporter in loader.exporters()}


def write(case: Path, exporter: Exporter, recipient: Recipient, scope: Scope = Scope.HITS, name: str = "out") -> Path:
    output = case.parent / name
    with CaseReader.open(case) as reader:
        written = write_export(exporter, reader, output, recipient, scope)
    assert written.path == output
    assert written.sha256 == hashlib.sha256(output.read_bytes()).hexdigest()
    return output


def test_every_export_is_registered() -> None:
    assert set(EXPORTERS) >= set(EVERY)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("recipient", Recipient)
def test_who_gets_it_gets_a_private_file_and_others_nothing(sample_case: Path, name: str, recipient: Recipient) -> None:
    if recipient in EVERY[name]:
        output = write(sample_case, EXPORTERS[name], recipient)
        assert stat.S_IMODE(output.stat().st_mode) == 0o600
    else:
        with pytest.raises(ReportError, match=f"the recipient '{recipient}' gets"):
            write(sample_case, EXPORTERS[name], recipient)
        assert not (sample_case.parent / "out").exists()
    assert not [path for path in sample_case.parent.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_written_over(sample_case: Path, name: str) -> None:
    (sample_case.parent / "out").write_text("old")
    with pytest.raises(ReportError, match="exists already"):
        write(sample_case, EXPORTERS[name], Recipient.LABORATORY)
    assert (sample_case.parent / "out").read_text() == "old"


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("scope", [Scope.MEDIA, Scope.ALL, Scope.UNMATCHED_MEDIA])
def test_only_the_laboratory_gets_what_was_not_hit_and_only_where_the_format_has_it(
    sample_case: Path, name: str, scope: Scope
) -> None:
    exporter = EXPORTERS[name]
    if scope not in exporter.scopes:
        with pytest.raises(ReportError, match="cannot include"):
            write(sample_case, exporter, Recipient.LABORATORY, scope)
        return
    with pytest.raises(ReportError, match="nothing of contents that were not hit"):
        write(sample_case, exporter, Recipient.PROSECUTOR, scope)
    hits = write(sample_case, exporter, Recipient.LABORATORY, name="hits").stat().st_size
    assert write(sample_case, exporter, Recipient.LABORATORY, scope).stat().st_size > hits


@pytest.mark.parametrize("name", [name for name in EVERY if name != "statistics"])
def test_without_the_key_of_the_case_nothing_is_written(sample_case: Path, name: str) -> None:
    sample_case.with_name(sample_case.name + ".key").unlink()
    with pytest.raises(ReportError, match="key"):
        write(sample_case, EXPORTERS[name], Recipient.LABORATORY)
    assert not (sample_case.parent / "out").exists()


@pytest.mark.parametrize("name", [name for name in EVERY if name != "statistics"])
def test_the_same_case_gives_the_same_file(sample_case: Path, name: str) -> None:
    once, again = (write(sample_case, EXPORTERS[name], Recipient.LABORATORY, name=number) for number in "12")
    assert once.read_bytes() == again.read_bytes()


def test_the_documentation_says_who_gets_what() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    (order,) = [[Recipient(name) for name in row[1:]] for row in rows if row[0] == "Export"]
    documented = {row[0].strip("*"): row[1:] for row in rows if row[0].startswith("**")}
    assert set(documented) == set(EVERY)
    for name, cells in documented.items():
        assert {recipient for recipient, cell in zip(order, cells, strict=True) if cell != "—"} == EVERY[name]
        scopes = {scope for scope in Scope if f"`{scope}`" in cells[0]}
        assert scopes == set(EXPORTERS[name].scopes) - {Scope.HITS}
