"""What contents show: known pictures and films are found turned, framed, within others and behind pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forensics.case.findings import FindingRecorder
from forensics.case.reader import CaseReader
from forensics.case.store import CaseStore
from forensics.hashing.pdq import pdq_hash
from forensics.hashing.vpdq import film_hash
from forensics.media import film as film_module
from forensics.media.film import FILM_DECODE_PATH, sample
from forensics.triage.catch_up import match_contents
from forensics.triage.progress import NoDisplay
from forensics.triage.scan import Profile, ScanResult
from hashsets.format import Disposition
from hashsets.library import Library
from hashsets.match import Match
from tests.films import film, moving
from tests.pictures import Pixels, encoded, gradient, photo, plasma

RunScan = Callable[..., ScanResult]
Hit = tuple[str, str, str, str]

KNOWN = photo(480, 640, seed=41)


def known_film() -> list[Pixels]:
    return moving(120, rate=10, cut=1.0, height=240, width=320)


def other_film(frames: int) -> list[Pixels]:
    return [np.ascontiguousarray(plasma(240, 320, seed=1000 + index // 10).astype(np.uint8)) for index in range(frames)]


def bordered(pixels: Pixels, share: float) -> Pixels:
    sides = [(int(length * share),) * 2 for length in pixels.shape[:2]]
    return np.pad(pixels, (*sides, (0, 0)))


def with_thumbnail(pixels: Pixels, shown: Pixels) -> bytes:
    """A JPEG whose Exif thumbnail shows another picture, as after a careless replacement."""
    small = io.BytesIO()
    Image.fromarray(shown).resize((160, 120)).save(small, "JPEG", quality=90)
    thumbnail = small.getvalue()
    # TIFF header, an empty IFD0, and IFD1 with the place and length of the thumbnail
    entries = (0x0201).to_bytes(2, "big") + b"\0\4\0\0\0\1" + (44).to_bytes(4, "big")
    entries += (0x0202).to_bytes(2, "big") + b"\0\4\0\0\0\1" + len(thumbnail).to_bytes(4, "big")
    exif = b"MM\0*\0\0\0\x08" + b"\0\0\0\0\0\x0e" + b"\0\2" + entries + b"\0\0\0\0"
    exif = exif.ljust(44, b"\0") + thumbnail
    return encoded(pixels, "JPEG", quality=90, exif=b"Exif\0\0" + exif)


@pytest.fixture
def lists(tmp_path: Path, library: Path) -> Path:
    """The library with one known picture and one known film."""
    value, _ = pdq_hash(KNOWN)
    (tmp_path / "pictures.csv").write_text(f"pdq,category\n{value},1\n")
    frames = film_hash(sample(io.BytesIO(film(known_film()))), FILM_DECODE_PATH).frames
    lines = [f"{number},{each.quality},{each.value},{each.milliseconds / 1000}" for number, each in enumerate(frames)]
    (tmp_path / "film.txt").write_text("\n".join(lines) + "\n")
    with Library(library) as opened:
        opened.import_list(tmp_path / "pictures.csv", "pictures", Disposition.NOTABLE)
        opened.import_list(tmp_path / "film.txt", "films", Disposition.NOTABLE)
    return library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Known things in many shapes, and innocent ones."""
    folder = tmp_path / "seized"
    folder.mkdir()
    innocent = photo(400, 600, seed=77)
    animation = [Image.fromarray(photo(480, 640, seed=seed)) for seed in (51, 52)] + [Image.fromarray(KNOWN)]
    moving_picture = io.BytesIO()
    animation[0].save(moving_picture, "WEBP", save_all=True, append_images=animation[1:], quality=90)
    known = film(known_film())
    files = {
        "as-it-is.png": encoded(KNOWN, "PNG"),
        "turned.jpg": encoded(np.rot90(KNOWN).copy(), "JPEG", quality=80),
        "mirrored.jpg": encoded(KNOWN[:, ::-1].copy(), "JPEG", quality=80),
        "framed.jpg": encoded(bordered(KNOWN, 0.08), "JPEG", quality=85),
        "framed-and-turned.jpg": encoded(bordered(np.rot90(KNOWN), 0.08), "JPEG", quality=85),
        "moving.webp": moving_picture.getvalue(),
        "replaced.jpg": with_thumbnail(innocent, KNOWN),
        "motion.jpg": encoded(innocent, "JPEG", quality=91) + known,
        "film-again.mp4": film(known_film(), options={"qscale": "20"}),
        "film-third.mkv": film(known_film()[40:80], "matroska"),
        "film-hidden.mp4": film([*other_film(150), *known_film(), *other_film(100)]),
        "innocent.jpg": encoded(innocent, "JPEG", quality=90),
        "innocent.mp4": film(other_film(60)),
        "flat.png": encoded(gradient(300, 300, 0.5, 0.1), "PNG"),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def hits(case: Path) -> set[Hit]:
    with CaseReader.open(case) as reader:
        return {(hit.path, hit.basis, hit.tier, hit.probe or "") for hit in reader.hits()}


def test_known_pictures_and_films_are_found_in_every_shape(
    run_scan: RunScan, lists: Path, folder: Path, tmp_path: Path
) -> None:
    assert lists
    run_scan("a.case", folder, allow_writable=True)
    found = hits(tmp_path / "a.case")
    assert {hit for hit in found if hit[1] == "pdq"} == {
        ("as-it-is.png", "pdq", "near", "original"),
        ("turned.jpg", "pdq", "similar", "rotate-270"),
        ("mirrored.jpg", "pdq", "similar", "flip-left-right"),
        ("framed.jpg", "pdq", "similar", "trimmed"),
        ("framed-and-turned.jpg", "pdq", "similar", "trimmed/rotate-270"),
        ("moving.webp", "pdq", "similar", "frame-3"),
        ("replaced.jpg", "pdq", "similar", "thumbnail"),
    }
    assert {(path, tier) for path, basis, tier, _ in found if basis == "vpdq"} == {
        ("motion.jpg", "near"),
        ("film-again.mp4", "near"),
        ("film-third.mkv", "near"),
        ("film-hidden.mp4", "near"),
    }
    with CaseReader.open(tmp_path / "a.case") as reader:
        covered = {hit.path: (hit.query_covered, hit.known_covered) for hit in reader.hits() if hit.basis == "vpdq"}
        assert reader.stream_counts().reconciles
    of_third, of_hidden = covered["film-third.mkv"], covered["film-hidden.mp4"]
    assert None not in {*of_third, *of_hidden}
    assert of_third[0] > 0.8 > 0.5 > of_third[1]  # type: ignore[operator]  # checked above
    assert of_hidden[1] > 0.8 > 0.5 > of_hidden[0]  # type: ignore[operator]


def test_stored_hashes_answer_to_a_list_that_comes_later(
    run_scan: RunScan, library: Path, folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run_scan("late.case", folder, allow_writable=True)
    assert not hits(tmp_path / "late.case")
    lists = request.getfixturevalue("lists")
    run_scan("early.case", folder, allow_writable=True)
    with Library(lists) as opened:
        uuids = [known_set.uuid for known_set in opened.sets()]
    with CaseStore.open(tmp_path / "late.case") as store:
        # a case must know the sets it has hits of; here they are only matched
        listening = _Listening(store)
        assert match_contents(store, listening, library, uuids, NoDisplay()) == len(listening.found)
    assert {basis for _, basis, _ in listening.found} >= {"pdq", "vpdq"}
    with CaseReader.open(tmp_path / "early.case") as reader:
        early = {(hit.sha256, hit.basis, hit.tier) for hit in reader.hits()}
    assert set(listening.found) == early


class _Listening(FindingRecorder):
    """Notes matches instead of recording them."""

    def __init__(self, store: CaseStore) -> None:
        super().__init__(store)
        self.found: list[tuple[str, str, str]] = []

    def add_matches(self, sha256: str, matches: Iterable[Match]) -> None:
        self.found.extend((sha256, match.basis, match.tier) for match in matches)


def test_the_quick_profile_hashes_key_frames(run_scan: RunScan, lists: Path, folder: Path, tmp_path: Path) -> None:
    assert lists
    run_scan("quick.case", folder, allow_writable=True, profile=Profile.QUICK)
    with CaseReader.open(tmp_path / "quick.case") as reader:
        sampling = reader._connection.execute("SELECT DISTINCT sampling FROM films").fetchall()
    assert sampling == [("key-frames",)]


def test_films_of_which_key_frames_were_hashed_are_examined_again_at_every_second(
    run_scan: RunScan, lists: Path, folder: Path, tmp_path: Path
) -> None:
    assert lists
    run_scan("fresh.case", folder, allow_writable=True)
    run_scan("a.case", folder, allow_writable=True, profile=Profile.QUICK)
    assert digest(tmp_path / "a.case") != digest(tmp_path / "fresh.case")
    run_scan("a.case", folder, allow_writable=True)
    assert digest(tmp_path / "a.case") == digest(tmp_path / "fresh.case")
    run_scan("a.case", folder, allow_writable=True, profile=Profile.QUICK)
    assert digest(tmp_path / "a.case") == digest(tmp_path / "fresh.case")


def digest(case: Path) -> str:
    with CaseReader.open(case) as reader:
        return reader.logical_digest()


def test_films_are_examined_again_once_they_can_be_decoded(
    run_scan: RunScan, lists: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lists
    run_scan("fresh.case", folder, allow_writable=True)
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "av.py").write_text("raise ImportError('not installed')\n")
    with monkeypatch.context() as without:
        without.syspath_prepend(str(hidden))  # workers take the path over
        run_scan("a.case", folder, allow_writable=True)
    assert {basis for _, basis, _, _ in hits(tmp_path / "a.case")} == {"pdq"}
    run_scan("a.case", folder, allow_writable=True)
    assert digest(tmp_path / "a.case") == digest(tmp_path / "fresh.case")


def test_without_film_support_films_are_skipped_and_say_why(
    run_scan: RunScan, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert film_module.is_supported()
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "av.py").write_text("raise ImportError('not installed')\n")
    monkeypatch.syspath_prepend(str(hidden))  # workers take the path over
    run_scan("a.case", folder, allow_writable=True)
    with CaseReader.open(tmp_path / "a.case") as reader:
        states = reader._connection.execute(
            "SELECT DISTINCT perceptual, perceptual_reason FROM contents WHERE media_type LIKE 'video/%'"
        ).fetchall()
    assert states == [("skipped", "video-support-missing")]
