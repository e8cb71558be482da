"""One stream: read once, digested whole, decoded only if it is a new picture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from forensics.errors import StreamReadError
from forensics.evidence.filesystem import StreamReader
from forensics.evidence.locator import Locator
from forensics.hashing.perceptual import PerceptualHash, PictureHasher
from forensics.media.picture import Picture
from forensics.outcome import Outcome, PerceptualState
from forensics.reason import Reason
from forensics.triage import examination
from forensics.triage.examination import Examiner
from forensics.triage.plan import Task
from plugins import loader
from tests.films import film, moving
from tests.pictures import encoded, photo

PICTURE = encoded(photo(300, 400, seed=5), "PNG")


class InMemoryStream(StreamReader):
    """A stream whose bytes may end early."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset > len(self.data):
            raise StreamReadError("bytes are missing", "here")
        return self.data[offset : offset + length]


class InMemorySource:
    """Streams by locator; counts how often each is opened."""

    def __init__(self, streams: dict[str, InMemoryStream]) -> None:
        self.streams, self.opened = streams, list[str]()

    def open_stream(self, locator: Locator) -> StreamReader:
        self.opened.append(str(locator))
        return self.streams[str(locator)]


def examiner(source: InMemorySource, seen: set[str] | None = None) -> Examiner:
    return Examiner(source, None, loader.picture_hashers(), seen or set(), lambda _: None)  # type: ignore[arg-type]


def examine(data: bytes, size: int | None = None, seen: set[str] | None = None) -> Outcome:
    size = len(data) if size is None else size
    source = InMemorySource({"E1/p1/ext4:12": InMemoryStream(data, size)})
    return examiner(source, seen).examine(Task(1, "E1/p1/ext4:12", size))


@pytest.mark.parametrize("size", [0, 1, 4096, examination.READ_SIZE, examination.READ_SIZE + 1, 9_000_000])
def test_a_stream_of_any_size_is_digested_whole(size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    outcome = examine(data[:size])
    assert outcome.sha256 == hashlib.sha256(data[:size]).hexdigest()
    assert outcome.content is not None
    assert outcome.content.digests.size == size


def test_a_picture_gets_both_perceptual_hashes() -> None:
    content = examine(PICTURE).content
    assert content is not None
    assert content.perceptual is PerceptualState.HASHED
    assert (content.width, content.height) == (400, 300)
    originals = [item.algorithm for item in content.perceptual_hashes if item.probe == "original"]
    assert originals == ["pdq", "phash"]


def test_a_large_picture_is_hashed_like_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    small = examine(PICTURE).content
    monkeypatch.setattr(examination, "KEPT_BYTES", 10)
    monkeypatch.setattr(examination, "READ_SIZE", 5000)
    assert examine(PICTURE).content == small


def test_a_picture_beyond_the_limit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "PICTURE_BYTES", 10)
    content = examine(PICTURE).content
    assert content is not None
    assert (content.perceptual, content.perceptual_reason) == (PerceptualState.SKIPPED, Reason.TOO_LARGE)


def test_a_stream_that_ends_early_is_never_taken_for_the_whole() -> None:
    outcome = examine(b"half", size=8)
    assert (outcome.sha256, outcome.reason, outcome.detail) == (None, Reason.SHORT_READ, "4 of 8 bytes")


def test_a_stream_that_cannot_be_read_says_why() -> None:
    source = InMemorySource({"E1/p1/ext4:12": InMemoryStream(b"", 8)})
    source.streams["E1/p1/ext4:12"].read_at = lambda *_: (_ for _ in ()).throw(StreamReadError("bad sector", "x"))  # type: ignore[method-assign]
    outcome = examiner(source).examine(Task(1, "E1/p1/ext4:12", 8))
    assert (outcome.reason, outcome.detail) == (Reason.READ_ERROR, "bad sector")


def test_a_content_the_case_holds_is_not_examined_again_unless_asked() -> None:
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    assert examine(PICTURE, seen={sha256}).content is None
    source = InMemorySource({"E1/p1/ext4:12": InMemoryStream(PICTURE, len(PICTURE))})
    outcome = examiner(source, {sha256}).examine(Task(1, "E1/p1/ext4:12", len(PICTURE), whole=True))
    assert outcome.content is not None


def test_another_name_of_the_same_file_is_not_read_again() -> None:
    source = InMemorySource({"E1/p1/ext4:12": InMemoryStream(PICTURE, len(PICTURE))})
    one = examiner(source)
    first = one.examine(Task(1, "E1/p1/ext4:12", len(PICTURE)))
    second = one.examine(Task(2, "E1/p1/ext4:12", len(PICTURE)))
    assert source.opened == ["E1/p1/ext4:12"]
    assert (second.stream_id, second.sha256, second.content) == (2, first.sha256, None)


def test_what_only_seems_to_be_a_picture_is_none() -> None:
    upcase = b"".join(number.to_bytes(2, "little") for number in range(65536))  # NTFS $UpCase, to libmagic a TGA
    content = examine(upcase).content
    assert content is not None
    assert content.perceptual is PerceptualState.NOT_APPLICABLE
    assert not content.media_type.startswith("image/")


def test_a_broken_picture_says_why_it_has_no_perceptual_hash() -> None:
    content = examine(PICTURE[:30] + bytes(1000)).content
    assert content is not None
    assert content.perceptual is PerceptualState.FAILED
    assert content.perceptual_reason is not None


def test_a_film_that_libmagic_does_not_know_is_not_passed_over_in_silence() -> None:
    data = film(moving(50, 25), "mpegts", "mpeg2video", rate=25)
    content = examine(data).content
    assert content is not None
    assert (content.media_type, content.perceptual) == ("application/octet-stream", PerceptualState.HASHED)
    content = examine(data.replace(b"\0\0\1\xb3", b"\0\0\2\xb3")).content  # without the headers of its sequences
    assert content is not None
    assert (content.perceptual, content.perceptual_reason) == (PerceptualState.FAILED, Reason.UNDECODABLE)


def test_a_picture_that_takes_too_much_memory_keeps_its_digests_and_ends_nothing_else() -> None:
    class Greedy(PictureHasher):
        algorithm = "greedy"
        bits = 256

        def hash(self, picture: Picture) -> Iterator[PerceptualHash]:
            yield PerceptualHash("greedy", bytes(2**60).hex(), 100, picture.view, picture.decode)

    source = InMemorySource({"E1/p1/ext4:12": InMemoryStream(PICTURE, len(PICTURE))})
    asked = Examiner(source, None, [Greedy()], set(), lambda _: None)  # type: ignore[arg-type]
    content = asked.examine(Task(1, "E1/p1/ext4:12", len(PICTURE))).content
    assert content is not None
    assert content.digests.sha256 == hashlib.sha256(PICTURE).hexdigest()
    assert (content.perceptual, content.perceptual_reason) == (PerceptualState.FAILED, Reason.OUT_OF_MEMORY)
