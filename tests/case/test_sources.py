"""Evidence is recognised by what it is; a place is only where it was last seen."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.case.sources import SourceRecorder
from forensics.case.status import status
from forensics.case.store import CaseStore
from forensics.errors import CaseError, ImageError
from tests.case.conftest import EXAMINER, description

DIGEST = "ab" * 32


def seen(sources: SourceRecorder, path: Path, digest: str | None = DIGEST, exhibit: str | None = None) -> str:
    """Register a source as a scan does, with its digest; give its label."""
    path.touch()
    source = sources.register(description(path), exhibit, digest)
    if digest:
        sources.add_digest(source.id, "before", "sha256", digest)
    return source.label


def test_labels_are_chosen_so_that_old_locators_stay_true(sources: SourceRecorder, tmp_path: Path) -> None:
    assert seen(sources, tmp_path / "a", "01" * 32) == "E1"  # the only exhibit without a source
    assert seen(sources, tmp_path / "a", "01" * 32) == "E1"  # known already
    assert seen(sources, tmp_path / "b", "02" * 32) == "E2"  # a new exhibit
    assert seen(sources, tmp_path / "c", "03" * 32, "E1") == "E1.2"  # a second source of the first exhibit
    assert seen(sources, tmp_path / "d", "04" * 32, "PHONE-1") == "PHONE-1"
    with pytest.raises(CaseError, match="exhibit E1"):
        seen(sources, tmp_path / "a", "01" * 32, "E2")


def test_an_exhibit_the_case_did_not_have_is_announced(sources: SourceRecorder, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert sources.register(description(tmp_path / "a"), "E1", None).new_exhibit is False
    assert sources.register(description(tmp_path / "b"), "E11", None).new_exhibit is True


def test_with_several_exhibits_waiting_the_user_must_choose(
    store: CaseStore, sources: SourceRecorder, tmp_path: Path
) -> None:
    with store.transaction():
        store.add_exhibit("E2")
    with pytest.raises(CaseError, match="Say which with --exhibit"):
        seen(sources, tmp_path / "a")


def test_evidence_that_moved_stays_the_source_it_was(store: CaseStore, sources: SourceRecorder, tmp_path: Path) -> None:
    assert seen(sources, tmp_path / "old") == "E1"
    (tmp_path / "old").rename(tmp_path / "new")
    assert seen(sources, tmp_path / "new", exhibit="E1") == "E1"
    assert CaseReader(store).source_path("E1") == tmp_path / "new"
    assert [row.action for row in CaseReader(store).ledger()][-1] == "source moved"


def test_moved_evidence_without_a_digest_is_asked_for_one(sources: SourceRecorder, tmp_path: Path) -> None:
    seen(sources, tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    with pytest.raises(CaseError, match="Leave out --no-source-digest"):
        seen(sources, tmp_path / "new", digest=None)


def test_a_copy_is_no_second_exhibit_unless_the_user_says_so(sources: SourceRecorder, tmp_path: Path) -> None:
    seen(sources, tmp_path / "a")
    with pytest.raises(CaseError, match="byte for byte source E1"):
        seen(sources, tmp_path / "b")
    assert seen(sources, tmp_path / "b", exhibit="E2") == "E2"


@pytest.mark.parametrize("change", ["size", "volumes", "segments", "digests"])
def test_a_known_place_must_hold_what_it_held(sources: SourceRecorder, tmp_path: Path, change: str) -> None:
    path = tmp_path / "disk.raw"
    seen(sources, path)
    before = description(path)
    volume, file_system = before.volumes[0]
    after = {
        "size": description(path, size=1 << 21),
        "volumes": dataclasses.replace(before, volumes=((dataclasses.replace(volume, offset=512), file_system),)),
        "segments": dataclasses.replace(before, segments=(("disk.raw", 5),)),
        "digests": dataclasses.replace(before, stored_digests={"md5": "1" * 32}),
    }[change]
    with pytest.raises(CaseError, match="not what was scanned before"):
        sources.register(after, None, None)


def test_a_refused_source_is_a_gap_until_it_has_been_examined(
    store: CaseStore, sources: SourceRecorder, tmp_path: Path
) -> None:
    path = tmp_path / "disk.raw"
    path.touch()
    sources.refuse(path, "E1", ImageError("is damaged", str(path)))
    sources.refuse(tmp_path / "mistyped", "E1", ImageError("no such file", "x"))
    document = status(CaseReader(store))
    assert document["complete"] is False
    assert document["not_examined"] == [{"locator": "E1", "reason": "source-refused", "detail": "is damaged"}]
    sources.accept(sources.register(description(path), "E1", None))
    assert status(CaseReader(store))["not_examined"] == []


def test_an_exhibit_without_a_source_is_a_gap(store: CaseStore, sources: SourceRecorder, tmp_path: Path) -> None:
    seen(sources, tmp_path / "a", exhibit="E2")
    gaps = status(CaseReader(store))["not_examined"]
    assert gaps == [{"locator": "E1", "reason": "exhibit-without-source", "detail": ""}]


def test_a_place_that_is_no_text_is_recorded_all_the_same(store: CaseStore, tmp_path: Path) -> None:
    path = tmp_path / "a\udcf1o.raw"
    sources = SourceRecorder(store, EXAMINER, 1)
    error = ImageError("is damaged", str(path))
    assert "a\\xf1o.raw" in str(error)
    path.touch()
    store.connection.execute("PRAGMA foreign_keys = OFF")
    sources.refuse(path, None, error)
