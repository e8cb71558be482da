"""What a case holds of films, of parts of pictures, and of how far a film and a known one cover each other."""

from __future__ import annotations

import dataclasses
import sqlite3

import pytest

from forensics.case.findings import FindingRecorder
from forensics.case.reader import PUBLIC_HIT_FIELDS, CaseReader
from forensics.case.sources import SourceRecorder
from forensics.case.status import status, status_lines
from forensics.case.store import CaseStore
from forensics.outcome import ExaminedContent, Outcome, PerceptualState
from forensics.reason import Reason
from hashsets.match import EntryReference, Match, Tier
from tests.case.conftest import content, description, film, picture, stream


@pytest.fixture
def record(store: CaseStore, sources: SourceRecorder, findings: FindingRecorder) -> Recorder:
    return Recorder(store, sources, findings)


class Recorder:
    """Records contents, each in a stream of its own."""

    def __init__(self, store: CaseStore, sources: SourceRecorder, findings: FindingRecorder) -> None:
        self.findings = findings
        self._sources = sources
        self._source_id = sources.register(description(store.path.with_name("disk.raw")), None, None).id
        self._count = 0

    def __call__(self, *contents: ExaminedContent) -> None:
        volume = self._sources.volumes(self._source_id)[0]
        streams = [stream(self._count + number) for number in range(len(contents))]
        self._count += len(contents)
        self.findings.add_walked(self._source_id, volume.id, streams, last=True)
        waiting = list(self.findings.pending(self._source_id))
        self.findings.add_outcomes(
            [
                Outcome(each.id, 3, sha256=examined.digests.sha256, content=examined)
                for each, examined in zip(waiting, contents, strict=True)
            ]
        )


def film_match(query_covered: float | None = 0.97, known_covered: float | None = 1 / 3) -> Match:
    return Match(
        EntryReference("n", 1), "vpdq", 7, Tier.NEAR, "original", ("vpdq",),
        query_covered=query_covered, known_covered=known_covered,
    )  # fmt: skip


def test_a_film_comes_back_as_it_was_hashed(record: Recorder) -> None:
    examined = film(b"film")
    record(examined, picture(b"picture"), content(b"text"))
    stored = {each.digests: each for each in record.findings.contents_after("", 10)}
    assert examined.film is not None
    assert stored[examined.digests].film == examined.film.hashed
    assert [each.film for each in stored.values() if each.digests != examined.digests] == [None, None]


def test_what_the_file_states_of_a_film_is_kept(record: Recorder, store: CaseStore) -> None:
    examined = film(b"one")
    assert examined.film is not None
    unknown = dataclasses.replace(film(b"two"), film=dataclasses.replace(examined.film, duration=None))
    record(examined, unknown)
    rows = store.connection.execute("SELECT duration_ms, rotation, sampling, frames, algorithm, decode FROM films")
    assert sorted(rows, key=str) == [
        (9500, 90, "one-a-second", 9, "vpdq", "film-v1"),
        (None, 90, "one-a-second", 9, "vpdq", "film-v1"),
    ]
    assert store.connection.execute("SELECT count(*) FROM film_frames").fetchone() == (10,)


def test_a_film_examined_again_changes_nothing(record: Recorder, store: CaseStore) -> None:
    record(film(b"film", film_match()))
    before = CaseReader(store).logical_digest()
    with store.transaction():
        record.findings._add_contents([film(b"film", film_match())])
    assert CaseReader(store).logical_digest() == before


def test_a_content_spared_by_one_scan_is_completed_by_another(record: Recorder, store: CaseStore) -> None:
    examined = film(b"film")
    spared = dataclasses.replace(
        examined,
        perceptual=PerceptualState.SKIPPED,
        perceptual_reason=Reason.BENIGN,
        width=None,
        height=None,
        film=None,
    )
    record(spared)
    assert status(CaseReader(store))["videos_hashed"] == 0
    with store.transaction():
        record.findings._add_contents([examined])
    (stored,) = record.findings.contents_after("", 10)
    assert examined.film is not None
    assert stored.film == examined.film.hashed
    assert status(CaseReader(store))["videos_hashed"] == 1


def test_hits_say_how_far_films_cover_each_other(record: Recorder, store: CaseStore) -> None:
    record(
        film(b"film", film_match()), picture(b"picture", Match(EntryReference("n", 2), "pdq", 3, Tier.NEAR, "original"))
    )
    of_film, of_picture = sorted(CaseReader(store).hits(), key=lambda hit: hit.position)
    assert (of_film.query_covered, of_film.known_covered) == (0.97, 1 / 3)
    assert (of_picture.query_covered, of_picture.known_covered) == (None, None)
    assert PUBLIC_HIT_FIELDS[-5:-2] == ("probe", "query_covered", "known_covered")


@pytest.mark.parametrize("shares", [(0.5, None), (None, 0.5), (1.01, 0.5), (0.5, -0.01)])
def test_shares_are_of_one_at_most_and_both_or_none(
    record: Recorder, store: CaseStore, shares: tuple[float | None, float | None]
) -> None:
    record(film(b"film"))
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        record.findings.add_matches(film(b"film").digests.sha256, [film_match(*shares)])


@pytest.mark.parametrize(
    ("perceptual", "reason", "width"),
    [
        (PerceptualState.SKIPPED, None, None),
        (PerceptualState.FAILED, None, None),
        (PerceptualState.NOT_APPLICABLE, Reason.BENIGN, None),
        (PerceptualState.HASHED, None, None),
        (PerceptualState.FAILED, Reason.UNDECODABLE, 5),
    ],
)
def test_a_fate_that_makes_no_sense_is_refused(
    store: CaseStore, perceptual: PerceptualState, reason: Reason | None, width: int | None
) -> None:
    digests = content(b"x").digests
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        store.connection.execute(
            "INSERT INTO contents VALUES (?, ?, ?, 1, 'image/png', ?, ?, ?, ?)",
            (digests.sha256, digests.sha1, digests.md5, perceptual, reason, width, width),
        )


def test_the_account_of_pictures_and_films(record: Recorder, store: CaseStore) -> None:
    def failed(examined: ExaminedContent, reason: Reason) -> ExaminedContent:
        return dataclasses.replace(
            examined, perceptual=PerceptualState.FAILED, perceptual_reason=reason, width=None, height=None,
            perceptual_hashes=(), film=None,
        )  # fmt: skip

    record(
        picture(b"p1"),
        picture(b"p2", reason=Reason.TRUNCATED_PICTURE),
        failed(picture(b"p3"), Reason.UNDECODABLE),
        dataclasses.replace(picture(b"p4"), media_type="application/x-odd"),
        film(b"f1"),
        film(b"f2", reason=Reason.TRUNCATED_PICTURE),
        dataclasses.replace(film(b"f3"), media_type="application/octet-stream"),
        dataclasses.replace(film(b"motion photo"), media_type="image/jpeg"),
        failed(film(b"f4"), Reason.UNDECODABLE),
        failed(film(b"f5"), Reason.UNDECODABLE),
        content(b"text"),
    )
    document = status(CaseReader(store))
    assert {key: document[key] for key in ("contents", "pictures", "pictures_hashed", "videos", "videos_hashed")} == {
        "contents": 11,
        "pictures": 5,
        "pictures_hashed": 4,
        "videos": 5,
        "videos_hashed": 3,
    }
    assert document["pictures_not_hashed"] == [{"perceptual": "failed", "reason": Reason.UNDECODABLE, "count": 1}]
    assert document["videos_not_hashed"] == [{"perceptual": "failed", "reason": Reason.UNDECODABLE, "count": 2}]
    assert document["partly_hashed"] == [{"perceptual": "hashed", "reason": Reason.TRUNCATED_PICTURE, "count": 2}]
    assert (document["pictures_not_compared"], document["videos_not_compared"]) == (0, 0)
    text = "\n".join(status_lines(document))
    assert "of them 5 pictures, 5 videos" in text
    assert "partly    2 pictures and videos have perceptual hashes of a part: truncated-picture" in text


def test_the_logical_digest_covers_films(record: Recorder, store: CaseStore) -> None:
    record(film(b"film", film_match()))
    reader, connection = CaseReader(store), store.connection
    digests = [reader.logical_digest()]
    for change in (
        "UPDATE films SET rotation = 0",
        "UPDATE films SET duration_ms = NULL",
        "UPDATE film_frames SET quality = 99 WHERE milliseconds = 3000",
        "DELETE FROM film_frames WHERE milliseconds = 3000",
        "UPDATE hits SET known_covered = 0.5",
    ):
        connection.execute(change)
        digests.append(reader.logical_digest())
    assert len(set(digests)) == 6


def test_times_that_no_number_of_a_case_holds_end_nothing(record: Recorder, store: CaseStore) -> None:
    examined = film(b"film")
    assert examined.film is not None
    frame = dataclasses.replace(examined.film.hashed.frames[0], milliseconds=1 << 72)
    hashed = dataclasses.replace(examined.film.hashed, frames=(frame,))
    record(dataclasses.replace(examined, film=dataclasses.replace(examined.film, duration=1 << 72, hashed=hashed)))
    query = "SELECT duration_ms, milliseconds FROM films JOIN film_frames ON films.content = film_frames.content"
    assert store.connection.execute(query).fetchall() == [((1 << 63) - 1, (1 << 63) - 1)]


def test_contents_are_read_back_in_pages_however_many_frames_they_have(
    record: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(film(b"one"), film(b"two"), picture(b"three"), film(b"four"))
    everything = record.findings.contents_after("", 10)
    assert len(everything) == 4
    monkeypatch.setattr("forensics.case.stored_contents.MOST_FRAMES", 1)  # less than any of the films has
    pages, last = [], ""
    while page := record.findings.contents_after(last, 10):
        pages.append(page)
        last = page[-1].digests.sha256
    assert [content for page in pages for content in page] == everything
    assert all(sum(content.film is not None for content in page) <= 1 for page in pages)


def test_what_shows_too_little_to_be_compared_is_counted(record: Recorder, store: CaseStore) -> None:
    """Below a quality of 50 a hash is kept and never compared: who reads the report must know how often."""

    def of_quality(examined: ExaminedContent, *qualities: int) -> ExaminedContent:
        hashes = [
            dataclasses.replace(each, quality=quality)
            for each, quality in zip(examined.perceptual_hashes, qualities, strict=True)
        ]
        return dataclasses.replace(examined, perceptual_hashes=tuple(hashes))

    def without_frames(examined: ExaminedContent) -> ExaminedContent:
        assert examined.film is not None
        hashed = dataclasses.replace(examined.film.hashed, frames=())
        return dataclasses.replace(examined, film=dataclasses.replace(examined.film, hashed=hashed))

    record(
        of_quality(picture(b"dark"), 49, 0),
        of_quality(picture(b"dark, but not inside its border"), 49, 50),
        picture(b"clear"),
        dataclasses.replace(of_quality(picture(b"dark, with a film"), 0, 0), film=film(b"x").film),
        without_frames(film(b"dark film")),
        film(b"clear film"),
    )
    document = status(CaseReader(store))
    assert (document["pictures_not_compared"], document["videos_not_compared"]) == (1, 1)
    text = "\n".join(status_lines(document))
    assert "pictures  1 show too little to be compared: matched by digest only" in text
    assert "videos    1 show too little to be compared: matched by digest only" in text
