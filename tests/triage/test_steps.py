"""What a content shows is hashed step by step, and as far as it is asked for, no further."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.hashing.digests import digests_of
from forensics.hashing.pdq import pdq_hash
from forensics.media.film import Sampling
from forensics.outcome import ExaminedContent
from forensics.triage.appearance import AppearanceExaminer
from forensics.triage.scan import Profile, ScanResult
from forensics.triage.steps import Steps
from hashsets.format import Disposition
from hashsets.library import Library
from plugins import loader
from tests.films import film, moving
from tests.pictures import encoded, photo
from tests.plugin_package import install_picture_hasher
from tests.triage.test_appearance import KNOWN, bordered, with_thumbnail
from tests.triage.test_deaths import SOON, logical_digest

RunScan = Callable[..., ScanResult]

PICTURE = with_thumbnail(bordered(KNOWN, 0.1), photo(400, 600, seed=3))
FILM = film(moving(60, rate=10, height=120, width=160))


def examined(data: bytes, media_type: str, steps: Steps) -> ExaminedContent:
    examiner = AppearanceExaminer(loader.picture_hashers(), None, Sampling.ONE_A_SECOND, lambda: None)
    content = ExaminedContent(digests_of([data]), media_type)
    if media_type.startswith("image/"):
        return examiner.of_picture(content, data, steps)
    return examiner.of_film(content, io.BytesIO(data), steps)


def test_a_step_is_an_algorithm_on_a_view() -> None:
    counted: list[int] = []
    whole = examined(PICTURE, "image/jpeg", Steps(on_step=counted.append)).perceptual_hashes
    views = {each.probe.partition("/")[0] for each in whole} & {"original", "trimmed", "thumbnail"}
    assert views == {"original", "trimmed", "thumbnail"}
    assert counted == list(range(1, len(views) * len(loader.picture_hashers()) + 1))


@pytest.mark.parametrize("most", range(1, 7))
def test_the_steps_before_a_limit_are_those_of_the_whole(most: int) -> None:
    whole = examined(PICTURE, "image/jpeg", Steps()).perceptual_hashes
    counted: list[int] = []
    part = examined(PICTURE, "image/jpeg", Steps(most, counted.append)).perceptual_hashes
    assert part == whole[: len(part)]
    assert len({(each.algorithm, view_of(each.probe)) for each in part}) == most == counted[-1]


def view_of(probe: str) -> str:
    """The view of a probe, whose name says it first unless it is the original's."""
    view = probe.partition("/")[0]
    return view if view in {"trimmed", "thumbnail"} else "original"


def test_a_step_is_a_frame_of_a_film() -> None:
    counted: list[int] = []
    whole = examined(FILM, "video/mp4", Steps(on_step=counted.append)).film
    part = examined(FILM, "video/mp4", Steps(3)).film
    assert whole is not None
    assert part is not None
    assert counted == list(range(1, whole.frames + 1))
    assert part.frames == 3 < whole.frames
    assert part.hashed.frames == whole.hashed.frames[: len(part.hashed.frames)]


def test_frames_of_a_film_behind_a_picture_come_after_its_views() -> None:
    data = encoded(KNOWN, "JPEG", quality=90) + FILM
    whole = examined(data, "image/jpeg", Steps())
    hashers = len(loader.picture_hashers())
    part = examined(data, "image/jpeg", Steps(hashers + 2))
    assert examined(data, "image/jpeg", Steps(hashers)).film is None
    assert whole.film is not None
    assert part.film is not None
    assert part.perceptual_hashes == whole.perceptual_hashes
    assert part.film.frames == 2 < whole.film.frames


@pytest.mark.parametrize(
    ("deed", "reason"),
    [("os.abort()", "crashed"), ("while True: pass", "timed-out"), ("raise ValueError", "crashed")],
)
def test_a_view_that_ends_workers_does_not_cost_what_was_hashed_before_it(
    run_scan: RunScan, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, reason: str
) -> None:
    """A known picture is found though its thumbnail was made to bring the decoder down."""
    folder = tmp_path / "seized"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(with_thumbnail(KNOWN, photo(400, 600, seed=3)))
    (tmp_path / "list.csv").write_text(f"pdq,category\n{pdq_hash(KNOWN)[0]},1\n")
    with Library(library) as opened:
        opened.import_list(tmp_path / "list.csv", "pictures", Disposition.NOTABLE)
    plugin = install_picture_hasher(
        tmp_path / "plugin", "brittle", "import os", f"if picture.view == 'thumbnail':\n    {deed}"
    )
    monkeypatch.syspath_prepend(plugin)
    run_scan("a.case", folder, allow_writable=True, limits=SOON)
    with CaseReader.open(tmp_path / "a.case") as reader:
        assert [(hit.basis, hit.tier, hit.probe) for hit in reader.hits() if hit.basis == "pdq"] == [
            ("pdq", "near", "original")
        ]
        ((perceptual, why),) = (
            (row["perceptual"], row["perceptual_reason"]) for row in reader._rows("SELECT * FROM contents")
        )
        assert (perceptual, why) == ("hashed", reason)
        (gap,) = reader.gaps()
        assert (gap.reason, gap.detail) == (reason, "hashed; of what it shows only a part was examined")


def test_steps_left_never_fall_below_none() -> None:
    steps = Steps(2)
    left = [steps.left]
    for _ in itertools.repeat(None, 3):
        steps.count()
        left.append(steps.left)
    assert left == [2, 1, 0, 0]
    assert Steps().left is None


def test_a_picture_whose_hashing_was_cut_short_is_hashed_whole_when_tried_again(
    run_scan: RunScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update: what brought the decoder down yesterday may be decoded today."""
    folder = tmp_path / "seized"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(PICTURE)
    (folder / "b.txt").write_bytes(b"harmless")
    run_scan("whole.case", folder, allow_writable=True)
    plugin = install_picture_hasher(
        tmp_path / "plugin", "brittle", "import os", "if picture.view == 'trimmed':\n    os.abort()"
    )
    with monkeypatch.context() as patched:
        patched.syspath_prepend(plugin)
        run_scan("a.case", folder, allow_writable=True)
    run_scan("a.case", folder, allow_writable=True)  # is not done again unasked
    assert gaps(tmp_path / "a.case") == ["crashed"]
    run_scan("a.case", folder, allow_writable=True, retry_failed=True)
    assert gaps(tmp_path / "a.case") == []
    assert logical_digest(tmp_path / "a.case") == logical_digest(tmp_path / "whole.case")


@pytest.mark.parametrize("profile", list(Profile))
def test_another_try_never_loses_a_hit(
    run_scan: RunScan, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: Profile
) -> None:
    """Not if it may look at less than the first one did, nor if the evidence cannot be read meanwhile."""
    broken = encoded(KNOWN, "PNG")[:50] + bytes(500)
    folder = tmp_path / "seized"
    folder.mkdir()
    (folder / "document.bin").write_bytes(broken)
    (tmp_path / "list.csv").write_text(f"md5\n{digests_of([broken]).md5}\n")
    with Library(library) as opened:
        opened.import_list(tmp_path / "list.csv", "documents", Disposition.NOTABLE)
    run_scan("a.case", folder, allow_writable=True)
    assert found(tmp_path / "a.case") == [("document.bin", "exact")]
    run_scan("a.case", folder, allow_writable=True, retry_failed=True, profile=profile)
    assert found(tmp_path / "a.case") == [("document.bin", "exact")]

    def gone(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("forensics.triage.engine.SourceScan._work_off", gone)
    with pytest.raises(KeyboardInterrupt):
        run_scan("a.case", folder, allow_writable=True, retry_failed=True, profile=profile)
    assert found(tmp_path / "a.case") == [("document.bin", "exact")]


def found(case: Path) -> list[tuple[str, str]]:
    with CaseReader.open(case) as reader:
        return [(hit.path, hit.tier) for hit in reader.hits()]


def gaps(case: Path) -> list[str]:
    with CaseReader.open(case) as reader:
        return [gap.reason for gap in reader.gaps()]
