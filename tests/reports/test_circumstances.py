"""Where, when and how often contents with hits lie: every figure against the rows it is drawn from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.evidence.stream import Allocation
from forensics.reports.circumstances import MAP_CELLS, Timeline, _Times, gather_circumstances
from forensics.reports.folder_role import FolderRole
from forensics.reports.html import write_html
from forensics.reports.recipient import Recipient
from hashsets.match import Tier
from tests.reports.conftest import NOTABLE, REFERENCE, NewCase, match


@pytest.fixture
def case(new_case: NewCase) -> Path:
    writer = new_case()
    writer.add(b"Users/x/Downloads/a.jpg", b"one", match(NOTABLE, 17))
    writer.add(b"Users/x/Dropbox/Downloads/b.jpg", b"one", match(NOTABLE, 17))
    writer.add(b"Users/x/c.jpg", b"two", match(NOTABLE, 18, Tier.NEAR, 8), allocation=Allocation.DELETED)
    writer.add(b"Users/x/Downloads/d.jpg", b"three", match(NOTABLE, 19, Tier.SIMILAR, 29))
    writer.add(b"Users/x/Downloads/e.jpg", b"four", match(REFERENCE, 20))
    return writer.finish()


def test_only_firm_hits_of_notable_sets_are_told_of(case: Path) -> None:
    with CaseReader.open(case) as reader:
        found = gather_circumstances(reader)
    assert (found.total.streams, len(found.total.contents)) == (3, 2)
    assert [(name, count.streams) for name, count in found.by_allocation] == [("allocated", 2), ("deleted", 1)]
    assert [(role, count.streams, len(count.contents)) for role, count in found.by_role] == [
        (FolderRole.SYNCHRONISED, 1, 1),
        (FolderRole.DOWNLOADS, 2, 1),
    ]
    assert dict(found.copies) == {(1, 1): 1, (2, 2): 1, (3, 5): 0, (6, 10): 0, (11, None): 0}
    assert (found.most_copies, found.on_several_exhibits) == (2, 0)


def test_a_stream_is_marked_where_it_begins_on_the_medium(case: Path) -> None:
    with CaseReader.open(case) as reader:
        (source,) = reader.sources()
        offsets = [row["physical_offset"] for row in reader.query("SELECT physical_offset FROM streams LIMIT 3")]
        (disk,) = gather_circumstances(reader).maps
    assert disk.cells == ((0, 3),)
    assert all(offset * MAP_CELLS // source["size"] == 0 for offset in offsets)
    assert disk.unplaced == 0
    volume = next(volume for volume in source["volumes"] if volume["label"] == "p1")
    left, width = (round(volume[name] * MAP_CELLS / source["size"], 2) for name in ("offset", "size"))
    assert disk.volumes == (("p1", left, width),)


def timeline(*moments: str | None) -> Timeline:
    times = _Times()
    for moment in moments:
        times.add(moment)
    return times.timeline()


def test_months_without_streams_stand_in_the_timeline_too() -> None:
    line = timeline("2025-11-02T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-28T23:59:59Z", None)
    assert line.periods == (("2025-11", 1), ("2025-12", 0), ("2026-01", 0), ("2026-02", 2))
    assert (line.highest, line.missing, line.outside) == (2, 1, 0)


def test_a_long_time_goes_by_years() -> None:
    line = timeline("2019-11-02T00:00:00Z", "2026-02-01T00:00:00Z")
    assert [period for period, _ in line.periods] == [str(year) for year in range(2019, 2027)]


def test_times_that_no_clock_gives_are_counted_apart() -> None:
    line = timeline("1601-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2107-12-31T23:59:58Z")
    assert (line.periods, line.outside, line.highest) == ((), 3, 0)


def test_the_page_has_the_figures_and_no_name_of_a_folder(case: Path, tmp_path: Path) -> None:
    with CaseReader.open(case) as reader:
        write_html(reader, tmp_path / "r.html", "es", Recipient.COURT)
    page = (tmp_path / "r.html").read_text()
    assert 'data-circumstances="streams">3<' in page
    assert "descargas" in page
    assert not re.search("Downloads|Dropbox/", page)


def test_a_case_without_hits_says_so(new_case: NewCase, tmp_path: Path) -> None:
    with CaseReader.open(new_case().finish()) as reader:
        write_html(reader, tmp_path / "r.html", "en", Recipient.COURT)
    assert "no exact or near hit in a notable set" in (tmp_path / "r.html").read_text()
