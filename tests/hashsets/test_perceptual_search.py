"""Matching pictures and films by perceptual hashes, held against counting bits pair by pair."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.hashing.perceptual import FilmHash, FrameHash, PerceptualHash
from forensics.hashing.vpdq import film_hash
from forensics.media.film import sample
from hashsets.film_search import film_tier
from hashsets.format import Disposition
from hashsets.library import Library
from hashsets.match import Match, Tier, combine
from hashsets.matcher import Matcher
from tests.hashsets.invented import distance, flipped, hexadecimal, picture_hash, seeded

PROBES = ("original", "displayed", "composited", "trimmed", "rotate-90", "trimmed/flip-left-right", "frame-12")


@dataclass(frozen=True)
class Known:
    """An entry of a list: one picture, or one film."""

    pdq: str | None = None
    phash: str | None = None
    frames: tuple[str, ...] = ()


@contextmanager
def matcher_of(known: Sequence[Known], disposition: Disposition = Disposition.NOTABLE) -> Iterator[Matcher]:
    """A matcher with all pictures in one set and all films in another; sets named so that pictures come first."""
    pictures = [f"{each.pdq or ''},{each.phash or ''}" for each in known if not each.frames]
    films = [f"{n},100,{value},{n}.000" for each in known for n, value in enumerate(each.frames)]
    with TemporaryDirectory() as folder, Library(Path(folder) / "library") as library:
        for name, lines in (("a.csv", ["pdq,phash", *pictures] if pictures else []), ("b.txt", films)):
            if lines:
                path = Path(folder) / name
                path.write_text("\n".join(lines) + "\n")
                library.import_list(path, name, disposition)
        with Matcher.open(library.folder, [known_set.uuid for known_set in library.sets()]) as matcher:
            yield matcher


def numbered(known: Sequence[Known], matcher: Matcher, matches: Sequence[Match]) -> dict[int, Match]:
    """Matches by the number of the known item."""
    names = {known_set.uuid: known_set.name for known_set in matcher.sets}
    places: dict[tuple[str, int], int] = {}
    picture_line, film_line = 2, 1
    for number, each in enumerate(known):
        if each.frames:
            places["b.txt", film_line] = number
            film_line += len(each.frames)
        else:
            places["a.csv", picture_line] = number
            picture_line += 1
    found = {places[names[match.entry.set_uuid], match.entry.position]: match for match in matches}
    assert len(found) == len(matches)
    return found


def film(*values: str, quality: int = 100) -> FilmHash:
    """A film with a frame every two seconds."""
    return FilmHash("vpdq", tuple(FrameHash(2000 * n, value, quality) for n, value in enumerate(values)), "film-v1")


def within(value: str, others: Sequence[str], radius: int = 31) -> list[int]:
    """Distances of those that are near."""
    return [bits for other in others if (bits := distance(value, other)) <= radius]


@st.composite
def related_hashes(draw: st.DrawFn, count: int) -> list[str]:
    """Hashes of which many are some 0 to 60 bits from another."""
    chance = seeded(draw(st.integers(0, 2**32)))
    centres = [hexadecimal(chance, 64) for _ in range(4)]
    drawn = [flipped(chance.choice(centres), chance.sample(range(256), chance.randint(0, 30))) for _ in range(count)]
    return [value for value in drawn if 90 <= int(value, 16).bit_count() <= 166]


def picture_oracle(known: Known, hashes: Sequence[PerceptualHash]) -> tuple[Tier, int] | None:
    """The rules, as plainly as they can be said."""
    quality = {each.probe: each.quality for each in hashes if each.algorithm == "pdq"}
    best: list[tuple[bool, int]] = []
    for each in hashes:
        goes_by = quality.get(each.probe, quality.get("original"))
        if goes_by is None or goes_by < 50:
            continue
        faithful = each.probe in {"original", "displayed", "composited"}
        value = known.pdq if each.algorithm == "pdq" else known.phash
        if value is not None:
            bits = distance(each.value, value)
            if bits <= 31 or (each.algorithm == "phash" and bits <= 56):
                best.append((not (faithful and bits <= 31), bits))
        if each.algorithm == "pdq":
            best += [(True, bits) for bits in within(each.value, known.frames)]
    return None if not best else (Tier.SIMILAR if min(best)[0] else Tier.NEAR, min(best)[1])


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_pictures_agree_with_counting_bits(data: st.DataObject) -> None:
    values = data.draw(related_hashes(60))
    chance = random.Random(data.draw(st.integers(0, 2**32)))  # noqa: S311  nothing secret
    known = [Known(pdq=value) for value in values[:6]] + [Known(phash=value) for value in values[6:12]]
    known += [Known(values[12], values[13]), Known(frames=tuple(values[14:19])), Known(frames=tuple(values[19:22]))]
    pictures = [
        [
            picture_hash(chance.choice(values), quality, probe, algorithm)
            for algorithm, quality in (("pdq", chance.choice((49, 50, 100))), ("phash", None))
            for probe in PROBES
            if algorithm == "pdq" or chance.random() < 0.8
        ]
        for _ in range(8)
    ]
    with matcher_of(known) as matcher:
        got = [numbered(known, matcher, matches) for matches in matcher.near(pictures)]
    for hashes, found in zip(pictures, got, strict=True):
        expected = {number: picture_oracle(each, hashes) for number, each in enumerate(known)}
        assert {number: (match.tier, match.distance) for number, match in found.items()} == {
            number: fact for number, fact in expected.items() if fact
        }


def test_a_picture_like_a_frame_of_a_known_film_is_a_lead_however_close() -> None:
    chance = seeded(31)
    frames = tuple(hexadecimal(chance, 64) for _ in range(5))
    known = [Known(frames=frames)]
    with matcher_of(known) as matcher:
        ((match,), nothing) = matcher.near([[picture_hash(frames[3])], [picture_hash(flipped(frames[3], range(32)))]])
        (by_hand,) = matcher.lookup([frames[3]])
    assert (match.tier, match.basis, match.distance, match.probe) == (Tier.SIMILAR, "vpdq", 0, "original")
    assert (match.agreeing, match.query_covered, match.known_covered) == (("vpdq",), None, None)
    assert nothing == ()
    assert [each.basis for each in by_hand] == ["vpdq"]


# Films


def scenes_of(values: Sequence[str]) -> int:
    """How many scenes frames show, which are alike within a scene only."""
    scenes: list[str] = []
    for value in values:
        if not within(value, scenes):
            scenes.append(value)
    return min(len(scenes), 3)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_the_shares_of_films_agree_with_counting_bits(data: st.DataObject) -> None:
    chance = seeded(data.draw(st.integers(0, 2**32)))
    scenes = [hexadecimal(chance, 64) for _ in range(8)]

    def shot() -> tuple[str, ...]:
        chosen = chance.sample(scenes, chance.randint(1, 8))
        drawn = [
            flipped(chance.choice(chosen), chance.sample(range(256), chance.randint(0, 15)))
            for _ in range(chance.randint(1, 12))
        ]
        return tuple(dict.fromkeys(drawn))

    known = [Known(frames=shot()) for _ in range(4)]
    films = [shot() for _ in range(5)]
    with matcher_of(known) as matcher:
        got = [numbered(known, matcher, matches) for matches in matcher.films([film(*values) for values in films])]
    for values, found in zip(films, got, strict=True):
        for number, each in enumerate(known):
            distances = sorted(min(near) for value in values if (near := within(value, each.frames)))
            alike = [value for value in each.frames if within(value, values)]
            covered = (len(distances) / len(values), len(alike) / len(each.frames))
            match = found.get(number)
            alike_here = [value for value in values if within(value, each.frames)]
            told_apart = min(scenes_of(alike_here), scenes_of(alike))
            could_be = min(scenes_of(values), scenes_of(each.frames))
            expected: Tier | None = None
            if (max(covered) >= 0.2 and told_apart == 3) or (could_be < 3 and max(covered) >= 0.8):
                expected = Tier.SIMILAR
            if min(covered) >= 0.8 or (max(covered) >= 0.8 and 2 <= told_apart == could_be):
                expected = Tier.NEAR
            assert (match.tier if match else None) == expected
            if match:
                assert (match.query_covered, match.known_covered) == covered
                middle = len(distances) // 2
                median = distances[middle] if len(distances) % 2 else sum(distances[middle - 1 : middle + 1]) // 2
                assert match.distance == median
                assert (match.basis, match.agreeing, match.probe) == ("vpdq", ("vpdq",), "original")


@pytest.mark.parametrize(
    ("query_covered", "known_covered", "distinct", "could_be", "tier"),
    [
        (0.8, 0.01, 3, 3, Tier.NEAR),  # part of a known film, cut out
        (0.01, 0.8, 3, 3, Tier.NEAR),  # a known film inside a long one
        (0.79, 0.79, 3, 3, Tier.SIMILAR),
        (0.2, 0.01, 3, 3, Tier.SIMILAR),
        (0.19, 0.19, 3, 3, None),
        (0.79, 0.79, 2, 3, None),  # a title for most of both
        (0.9, 0.1, 2, 3, None),  # ...
        (0.9, 0.1, 2, 2, Tier.NEAR),  # two still scenes, both found in a long film
        (0.9, 0.1, 1, 2, Tier.SIMILAR),  # one of them
        (0.9, 0.1, 1, 1, Tier.SIMILAR),  # a still scene, found in a long film
        (1.0, 1.0, 1, 1, Tier.NEAR),  # the same still scene
        (1.0, 0.79, 1, 1, Tier.SIMILAR),
        (0.5, 0.79, 1, 1, None),
    ],
)
def test_what_shares_of_frames_are_worth(
    query_covered: float, known_covered: float, distinct: int, could_be: int, tier: Tier | None
) -> None:
    assert film_tier(query_covered, known_covered, distinct, could_be) == tier
    assert film_tier(known_covered, query_covered, distinct, could_be) == tier


def test_a_title_shared_by_films_that_have_nothing_else_in_common_is_no_match() -> None:
    chance = seeded(32)
    title = hexadecimal(chance, 64)
    titles = [flipped(title, chance.sample(range(256), 5)) for _ in range(30)]
    ours, theirs = ([hexadecimal(chance, 64) for _ in range(20)] for _ in range(2))
    with matcher_of([Known(frames=(*titles[:15], *theirs))]) as matcher:
        assert matcher.films([film(*titles[15:], *ours)]) == [()]
        (match,) = matcher.films([film(*titles[15:], *ours, *theirs[:5])])[0]
    assert match.tier is Tier.SIMILAR


def test_frames_that_say_nothing_never_count() -> None:
    chance = seeded(33)
    values = [hexadecimal(chance, 64) for _ in range(6)]
    black = ["0" * 64, "f" * 64, f"{1:064x}"]
    with matcher_of([Known(frames=(*values, *black))]) as matcher:
        poor = [FrameHash(90_000 + n, hexadecimal(chance, 64), 49) for n in range(50)]
        mixed = FilmHash("vpdq", (*film(*values, *black).frames, *poor), "film-v1")
        ((match,), *nothing) = matcher.films(
            [mixed, film(*values, quality=49), film(*black), film(), FilmHash("other", film(*values).frames, "x")]
        )
        (match_again,) = matcher.films([film(*values, *values)])[0]
    assert (match.query_covered, match.known_covered, match.tier) == (1.0, 1.0, Tier.NEAR)
    assert match_again == match
    assert nothing == [()] * 4


def test_a_frame_like_a_known_picture_is_a_lead_that_names_when() -> None:
    chance = seeded(34)
    values = [hexadecimal(chance, 64) for _ in range(20)]
    known = [Known(pdq=flipped(values[6], range(31))), Known(pdq=flipped(values[9], range(32))), Known(phash=values[3])]
    with matcher_of(known) as matcher:
        ((match,),) = matcher.films([film(*values)])
        assert numbered(known, matcher, [match]) == {0: match}
    assert (match.tier, match.basis, match.distance, match.probe) == (Tier.SIMILAR, "pdq", 31, "frame-at-12s")
    assert (match.query_covered, match.known_covered) == (None, None)


def test_of_frames_equally_near_a_known_picture_the_first_is_named() -> None:
    value = hexadecimal(seeded(35), 64)
    with matcher_of([Known(pdq=value)]) as matcher:
        ((match,),) = matcher.films([film(*(flipped(value, [bit]) for bit in range(5)))])
    assert (match.distance, match.probe) == (1, "frame-at-0s")


def test_films_of_benign_sets_are_matched_by_digest_only() -> None:
    values = [hexadecimal(seeded(36), 64)]
    with matcher_of([Known(frames=tuple(values))], Disposition.BENIGN) as matcher:
        assert matcher.films([film(*values)]) == [()]
        assert matcher.near([[picture_hash(values[0])]]) == [()]


def test_a_still_film_of_thousands_of_frames_is_answered() -> None:
    chance = seeded(37)
    scene = hexadecimal(chance, 64)
    one, other = (
        [flipped(scene, chance.sample(range(256), 6)) for _ in range(3000)] for _ in range(2)
    )  # nine million pairs of frames, all alike
    with matcher_of([Known(frames=tuple(dict.fromkeys(one)))]) as matcher:
        ((match,),) = matcher.films([film(*other)])
    assert (match.tier, match.query_covered, match.known_covered) == (Tier.NEAR, 1.0, 1.0)


def test_published_films_match_themselves_and_the_same_scene_with_bars(corpora: Path) -> None:
    names = ("doorknob-hd-no-bar", "pattern-hd-no-bar", "pattern-sd-grey-bar")
    rows = {
        name: [line.split(",") for line in (corpora / "perceptual" / "video" / f"{name}.vpdq.txt").read_text().split()]
        for name in names
    }
    known = [Known(frames=tuple(dict.fromkeys(row[2] for row in rows[name] if int(row[1]) >= 50))) for name in names]
    sampled = [
        FilmHash(
            "vpdq",
            tuple(FrameHash(int(1000 * float(row[3])), row[2], int(row[1])) for row in rows[name][::30]),
            "film-v1",
        )
        for name in names
    ]
    with matcher_of(known) as matcher:
        found = [numbered(known, matcher, matches) for matches in matcher.films(sampled)]
    for number, matches in enumerate(found):
        assert (matches[number].tier, matches[number].query_covered, matches[number].distance) == (Tier.NEAR, 1.0, 0)
        others = {other for other in matches if other != number}
        for other in others:
            near = [
                row for row in sampled[number].frames if row.quality >= 50 and within(row.value, known[other].frames)
            ]
            assert matches[other].query_covered == len(near) / sum(f.quality >= 50 for f in sampled[number].frames)
    assert all(0 not in matches for matches in found[1:])
    assert set(found[0]) == {0}


def test_published_films_are_found_by_the_hashes_that_the_reference_gave_them(library: Library, corpora: Path) -> None:
    pytest.importorskip("av", reason="films need the extra tamiz[video]")
    folder = corpora / "perceptual" / "video"
    names = {
        library.import_list(path, path.name.removesuffix(".vpdq.txt"), Disposition.NOTABLE).uuid: path
        for path in sorted(folder.glob("*.vpdq.txt"))
    }
    assert len(names) == 3
    with Matcher.open(library.folder, list(names)) as matcher:
        for path in sorted(folder.glob("*.mp4")):
            with path.open("rb") as file:
                matches = matcher.films([film_hash(sample(file), "film-v1")])[0]
            expected = path.with_suffix(".vpdq.txt")
            assert [names[match.entry.set_uuid] for match in matches] == [expected] * expected.exists()
            assert all((match.tier, match.query_covered) == (Tier.NEAR, 1.0) for match in matches)


def test_an_entry_is_reported_once_by_its_strongest_match() -> None:
    chance = seeded(38)
    values = tuple(hexadecimal(chance, 64) for _ in range(4))
    with matcher_of([Known(frames=values), Known(pdq=values[0])]) as matcher:
        (of_film,) = matcher.films([film(*values)])
        (of_picture,) = matcher.near([[picture_hash(values[0])]])
    assert [each.tier for each in of_film] == [Tier.SIMILAR, Tier.NEAR]
    assert [each.tier for each in of_picture] == [Tier.NEAR, Tier.SIMILAR]
    strongest = (of_picture[0], of_film[1])
    assert combine((), of_film, of_picture) == combine((), of_picture, of_film) == strongest
    by_digest = tuple(Match(each.entry, "md5", 0, Tier.EXACT, None, ("md5",)) for each in of_film)
    assert combine(by_digest, of_film, of_picture) == by_digest
    assert combine(by_digest[:1], of_film) == (by_digest[0], of_film[1])
