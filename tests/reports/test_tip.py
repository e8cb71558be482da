"""A tip's digests, read from what tips come as and held against a case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.errors import ReportError
from forensics.hashing.digests import digests_of
from forensics.reports.tip import Answer, look_up, read_tip
from tests.reports.conftest import NOTABLE, NewCase, match

ONE, TWO, ABSENT = (digests_of([data]) for data in (b"one", b"two", b"absent"))


@pytest.fixture
def case(new_case: NewCase) -> Path:
    writer = new_case()
    writer.add(b"a/one.jpg", b"one", match(NOTABLE, 1))
    writer.add(b"b/copy.jpg", b"one")
    writer.add(b"two.txt", b"two")
    return writer.finish()


def answer(case: Path, text: str | bytes) -> Answer:
    tip = case.parent / "tip"
    tip.write_bytes(text.encode() if isinstance(text, str) else text)
    with CaseReader.open(case) as reader:
        return look_up(reader, read_tip(tip))


FORMS: dict[str, str | bytes] = {
    "a digest a line": f"{ONE.md5}\n{ABSENT.sha1.upper()}\n",
    "with a byte-order mark and CRLF": f"\ufeff{ONE.md5}\r\n{ABSENT.sha1}\r\n",
    "UTF-16": f"\ufeff{ONE.md5}\n{ABSENT.sha1}\n".encode("utf-16"),
    "CSV": f"file,MD5,SHA1\nx.jpg,{ONE.md5},{ONE.sha1}\ny.jpg,{ABSENT.md5},{ABSENT.sha1}\n",
    "XML": f'<r>\n<originalFileHash hashType="md5">{ONE.md5}</originalFileHash>\n<h>{ABSENT.md5}</h></r>',
    "JSON objects": json.dumps({"files": [{"md5": ONE.md5, "sha1": ONE.sha1}, {"fileHash": ABSENT.sha256}]}),
    "JSON texts": json.dumps([ONE.md5, ABSENT.sha1]),
}


@pytest.mark.parametrize("form", FORMS)
def test_it_reads_what_tips_come_as(case: Path, form: str) -> None:
    found = answer(case, FORMS[form])
    assert [[stream["path"] for stream in finding.streams] for finding in found.findings] == [
        ["a/one.jpg", "b/copy.jpg"], [],
    ]  # fmt: skip
    assert (found.found, found.not_among_hashed) == (1, 1)
    assert "md5" in found.findings[0].agreeing
    assert found.findings[0].disagreeing == ()


def test_a_file_with_its_digests_is_one_and_two_files_on_a_line_are_two(case: Path) -> None:
    (both,) = answer(case, f"{ONE.md5} {ONE.sha1} {ONE.sha256}").findings
    assert both.agreeing == ("md5", "sha1", "sha256")
    found = answer(case, f"{ONE.md5},{TWO.md5}").findings
    assert [finding.place for finding in found] == [1, 1]
    assert [len(finding.streams) for finding in found] == [2, 1]


def test_digests_that_contradict_each_other_are_said(case: Path) -> None:
    (finding,) = answer(case, f"{ONE.md5} {ABSENT.sha1}").findings
    assert (finding.agreeing, finding.disagreeing) == (("md5",), ("sha1",))
    assert len(finding.streams) == 2


def test_the_answer_says_what_it_rests_on_and_which_files_lists_know(case: Path) -> None:
    found = answer(case, ONE.md5)
    with CaseReader.open(case) as reader:
        counts = reader.stream_counts()
    assert found.coverage["streams"] == {"seen": counts.seen, "hashed": counts.hashed, "skipped": 0, "failed": 0}
    assert found.coverage["complete"] is False  # an exhibit without a source, an encrypted volume
    assert found.coverage["not_examined"] == 2
    assert [stream["hits"] for stream in found.findings[0].streams] == [1, 1]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("no digest here\n", "holds no digest"),
        ("", "holds no digest"),
        ("a" * 33, "holds no digest"),
        (ONE.md5 + "x", "holds no digest"),
        ('{"md5": ', "no JSON"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_tip_is_answered_in_one_line(case: Path, text: str, what: str) -> None:
    with pytest.raises(ReportError, match=what) as error:
        answer(case, text)
    assert "\n" not in str(error.value)


def test_a_tip_that_is_missing_is_answered_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read"):
        read_tip(tmp_path / "none")
