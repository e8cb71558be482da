"""What a scan examines and leaves out: decided once, recorded with its reason, decided anew by every scan."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.case.reader import CaseReader
from forensics.case.status import status
from forensics.errors import CaseError, LocatorError
from forensics.evidence.stream import Allocation
from forensics.media.extension import NamedKind
from forensics.reason import Reason
from forensics.triage import selection
from forensics.triage.locate import locate
from forensics.triage.priority import Priority
from forensics.triage.scan import Profile, ScanResult
from forensics.triage.selection import Filters, PrivilegeFilter, Selection
from hashsets.format import Disposition
from hashsets.library import Library
from hashsets.listed_sizes import ListedSizes
from tests.conftest import Evidence
from tests.pictures import encoded, plasma

RunScan = Callable[..., ScanResult]
MARKER = "Despacho Ibarra"


def rows(case: Path, query: str) -> list[tuple[object, ...]]:
    with CaseReader.open(case) as reader:
        return reader._connection.execute(query).fetchall()


def logical_digest(case: Path) -> str:
    with CaseReader.open(case) as reader:
        return reader.logical_digest()


def reasons(case: Path) -> dict[object, object]:
    return dict(rows(case, "SELECT reason, count(*) FROM streams WHERE reason IS NOT NULL GROUP BY reason"))  # type: ignore[arg-type]


# The decision


def test_filters_leave_out_what_they_say() -> None:
    def left_out(path: bytes, size: int = 100, **options: object) -> Reason | None:
        return Selection(Filters(**options)).place(path, size, "allocated").reason  # type: ignore[arg-type]

    out = Reason.EXCLUDED_BY_FILTER
    assert left_out(b"a/b.jpg", include=("a",)) is None
    assert left_out(b"b/b.jpg", include=("a",)) is out
    assert left_out(b"a/b.jpg", include=("a",), exclude=("*.jpg",)) is out
    assert left_out(b"a/b.jpg", kinds=frozenset({NamedKind.PICTURE})) is None
    assert left_out(b"a/b.mp4", kinds=frozenset({NamedKind.PICTURE})) is out
    assert left_out(b"a", 99, smallest=100) is out
    assert left_out(b"a", 100, smallest=100, largest=100) is None
    assert left_out(b"a", 101, largest=100) is out


@pytest.mark.parametrize(
    ("path", "size", "looks", "listed", "reason"),
    [
        (b"Users/a/b.jpg", 5000, None, (), None),
        (b"Users/a/b.dat", 5000, None, (), None),  # its first bytes decide
        (b"Windows/b.jpg", 5000, None, (), None),
        (b"Windows/b.dat", 5000, None, (), Reason.EXCLUDED_BY_PROFILE),
        (b"Windows/b.dat", 5000, True, (5000,), None),
        (b"Windows/b.dat", 5001, True, (5000,), Reason.EXCLUDED_BY_PROFILE),
        (b"Users/a/b.jpg", 5001, True, (5000,), None),  # it may look like a listed one
        (b"Users/a/b.jpg", 5001, False, (5000,), Reason.SIZE_NOT_LISTED),
        (b"Users/a/b.jpg", 0, False, (5000,), None),
    ],
)
def test_a_quick_scan_takes_media_and_listed_sizes(
    path: bytes, size: int, looks: bool | None, listed: tuple[int, ...], reason: Reason | None
) -> None:
    sizes = None if looks is None else ListedSizes(np.array(listed, np.int64), looks)
    assert Selection(quick=True, sizes=sizes).place(path, size, "allocated").reason is reason
    assert Selection(quick=True, sizes=sizes).place(path, size, "deleted").reason is Reason.EXCLUDED_BY_PROFILE


@given(st.binary(max_size=60), st.integers(0, 1 << 40), st.sampled_from(Allocation))
def test_what_is_privileged_is_withheld_whatever_else_is_asked_for(path: bytes, size: int, kind: Allocation) -> None:
    everything = PrivilegeFilter((Selection(Filters(include=("**",)))._include[0],), "0" * 64)
    for quick in (True, False):
        filters = Filters(include=("*.jpg",), smallest=10, privileged=everything)
        assert Selection(filters, quick=quick).place(path, size, kind).reason is Reason.PRIVILEGED


# Whole scans


def test_an_excluded_stream_is_counted_and_a_later_scan_takes_it_up(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path
) -> None:
    case = tmp_path / "a.case"
    result = run_scan("a.case", evidence.image, filters=Filters(exclude=("deep", "text0*")))
    assert result.gaps is False
    assert reasons(case)["excluded-by-filter"] == 6 + 10
    with CaseReader.open(case) as reader:
        document = status(reader)
    assert "the scan's filters left streams out" in document["incomplete"]
    assert document["scans"][0]["arguments"]["exclude"] == ["deep", "text0*"]
    assert "text0" not in json.dumps([row[0] for row in rows(case, "SELECT details FROM ledger")])
    run_scan("a.case", evidence.image, filters=Filters(include=("deep",)))
    assert reasons(case)["excluded-by-filter"] == 10  # what is examined stays so; what waited is chosen anew
    run_scan("a.case", evidence.image)
    run_scan("b.case", evidence.image)
    assert logical_digest(case) == logical_digest(tmp_path / "b.case")


def test_a_quick_scan_finds_renamed_pictures_and_leaves_texts(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path
) -> None:
    run_scan("a.case", evidence.image, profile=Profile.QUICK)
    hashed = {row[0] for row in rows(tmp_path / "a.case", "SELECT path FROM streams WHERE state = 'hashed'")}
    assert hashed == {"copy.jpg", "hard-link.jpg", "empty", *(f"deep/er/picture{n}.dat" for n in range(6))}
    assert reasons(tmp_path / "a.case")["excluded-by-profile"] == 51  # fifty texts, and what was deleted


def test_a_quick_scan_with_sizes_in_all_lists_reads_only_listed_sizes(
    run_scan: RunScan, evidence: Evidence, library: Path, tmp_path: Path
) -> None:
    with Library(library) as opened:
        opened.remove("known")
        file = tmp_path / "sized.csv"
        file.write_text(f"md5,size\n{evidence.md5['text07.txt']},{2 * (1 + 97 * 7)}\n")
        opened.import_list(file, "sized", Disposition.NOTABLE)
    run_scan("a.case", evidence.image, profile=Profile.QUICK)
    case = tmp_path / "a.case"
    assert rows(case, "SELECT path FROM streams WHERE state = 'hashed' AND size > 0") == [("text07.txt",)]
    assert reasons(case)["size-not-listed"] == 49 + 6 + 2
    with CaseReader.open(case) as reader:
        assert [hit.path for hit in reader.hits()] == ["text07.txt"]
        assert "the scan's profile left streams out" in status(reader)["incomplete"]
    run_scan("a.case", evidence.image)
    assert "size-not-listed" not in reasons(case)


def test_the_case_does_not_depend_on_the_order(
    run_scan: RunScan, evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_scan("a.case", evidence.image)
    monkeypatch.setattr(selection, "priority_of", lambda path, *_: Priority(sum(path) % len(Priority)))
    run_scan("b.case", evidence.image)
    classes = [rows(tmp_path / case, "SELECT path, priority FROM streams ORDER BY 1") for case in ("a.case", "b.case")]
    assert classes[0] != classes[1]
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "b.case")


# Privilege


@pytest.fixture
def lawyers(tmp_path: Path) -> Path:
    """An ext4 volume with letters to a lawyer, and the list of patterns that names them."""
    if shutil.which("mke2fs", path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
        pytest.skip("mke2fs is missing (Debian package e2fsprogs)")
    folder = tmp_path / "tree/home/ana" / MARKER
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{MARKER} {number}.jpg").write_bytes(encoded(plasma(64, 64, seed=number), "JPEG"))
    (tmp_path / "tree/home/ana/cat.jpg").write_bytes(encoded(plasma(64, 64, seed=9), "JPEG"))
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    image = tmp_path / "lawyers.raw"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tmp_path / "tree", image, "8M"], check=True, env=environment)
    (tmp_path / "privileged.txt").write_text(f"{MARKER}\n")
    return image


def privileged(tmp_path: Path) -> Filters:
    return Filters(privileged=PrivilegeFilter.read(tmp_path / "privileged.txt"))


def test_what_is_privileged_is_counted_not_read_and_its_name_is_nowhere(
    run_scan: RunScan, lawyers: Path, tmp_path: Path
) -> None:
    run_scan("a.case", lawyers, filters=privileged(tmp_path))
    case = tmp_path / "a.case"
    query = "SELECT path, path_bytes, modified, physical_offset, content FROM streams WHERE reason = 'privileged'"
    assert rows(case, query) == [("[privileged]", None, None, None, None)] * 3
    assert rows(case, "SELECT path FROM streams WHERE state = 'hashed' AND size > 0") == [("home/ana/cat.jpg",)]
    for file in tmp_path.glob("a.case*"):
        assert MARKER.encode() not in file.read_bytes(), file.name
    with CaseReader.open(case) as reader:
        document = status(reader)
        assert MARKER not in json.dumps(document)
        assert "streams were withheld as privileged" in document["incomplete"]
        stated = document["scans"][0]["arguments"]["privileged"]
    assert stated["patterns"] == 1
    assert len(stated["file_sha256"]) == 64


def test_a_privileged_stream_is_not_located(run_scan: RunScan, lawyers: Path, tmp_path: Path) -> None:
    run_scan("a.case", lawyers, filters=privileged(tmp_path))
    ((locator,), *_) = rows(tmp_path / "a.case", "SELECT locator FROM streams WHERE reason = 'privileged'")
    with CaseReader.open(tmp_path / "a.case") as reader, pytest.raises(LocatorError, match="privileged"):
        locate(reader, str(locator), lawyers)


def test_a_filter_stays_until_it_is_lifted_and_the_ledger_says_so(
    run_scan: RunScan, lawyers: Path, tmp_path: Path
) -> None:
    run_scan("a.case", lawyers, filters=privileged(tmp_path))
    withheld = logical_digest(tmp_path / "a.case")
    with pytest.raises(CaseError, match="--privileged"):
        run_scan("a.case", lawyers)
    run_scan("a.case", lawyers, filters=privileged(tmp_path))
    assert logical_digest(tmp_path / "a.case") == withheld
    run_scan("a.case", lawyers, include_privileged=True)
    run_scan("b.case", lawyers)
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "b.case")
    (details,) = rows(tmp_path / "a.case", "SELECT details FROM ledger WHERE action = 'privilege lifted'")
    assert json.loads(str(details[0]))["streams"] == 3
    run_scan("a.case", lawyers)  # once lifted it is lifted


def test_a_filter_that_comes_too_late_is_refused(run_scan: RunScan, lawyers: Path, tmp_path: Path) -> None:
    run_scan("a.case", lawyers)
    with pytest.raises(CaseError, match="examined 3 streams"):
        run_scan("a.case", lawyers, filters=privileged(tmp_path))


def test_names_that_an_earlier_scan_listed_and_did_not_examine_are_removed(
    run_scan: RunScan, lawyers: Path, tmp_path: Path
) -> None:
    case = tmp_path / "a.case"
    run_scan("a.case", lawyers, filters=Filters(exclude=("home",)))
    assert MARKER.encode() in case.read_bytes()
    run_scan("a.case", lawyers, filters=privileged(tmp_path))
    assert reasons(case)["privileged"] == 3
    assert MARKER.encode() not in case.read_bytes()
