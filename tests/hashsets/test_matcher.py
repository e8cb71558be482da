"""hashsets.matcher: facts about contents and entries, and the rules by which they are stated."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from forensics.errors import LibraryError, UnknownSetError
from forensics.hashing.digests import Digests, digests_of
from forensics.hashing.perceptual import PerceptualHash
from hashsets.format import Disposition
from hashsets.library import Library, sets_folder
from hashsets.match import KnownSet, Match, Tier
from hashsets.matcher import Matcher
from tests.hashsets.invented import digests, distance, flipped, hexadecimal, picture_hash, seeded

COLUMNS = "md5,sha1,sha256,size,pdq,pdq_quality,phash,category,reference"


class Lists:
    """Imports lists given row by row."""

    def __init__(self, library: Library, folder: Path) -> None:
        self.library = library
        self._folder = folder

    def add(
        self, *rows: Mapping[str, object], disposition: Disposition = Disposition.NOTABLE, name: str = "n"
    ) -> KnownSet:
        path = self._folder / f"{name}.csv"
        lines = [",".join(str(row.get(column, "")) for column in COLUMNS.split(",")) for row in rows]
        path.write_text("\n".join([COLUMNS, *lines]) + "\n")
        return self.library.import_list(path, name, disposition)

    def open(self) -> Matcher:
        return Matcher.open(self.library.folder, [known_set.uuid for known_set in self.library.sets()])


@pytest.fixture
def lists(library: Library, tmp_path: Path) -> Lists:
    return Lists(library, tmp_path)


@pytest.fixture
def chance() -> random.Random:
    return seeded(20)


def stated(content: Digests) -> dict[str, object]:
    return {"md5": content.md5, "sha1": content.sha1, "sha256": content.sha256, "size": content.size}


def only(matches: list[tuple[Match, ...]]) -> Match:
    ((match,),) = matches
    return match


class TestExact:
    @pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
    def test_any_one_digest_is_a_match(self, lists: Lists, chance: random.Random, algorithm: str) -> None:
        content, stranger = digests(chance), digests(chance)
        known_set = lists.add({algorithm: getattr(content, algorithm).upper(), "category": "3", "reference": "r-1"})
        with lists.open() as matcher:
            found, nothing = matcher.exact([content, stranger])
        assert nothing == ()
        (match,) = found
        assert (match.basis, match.distance, match.tier, match.probe) == (algorithm, 0, Tier.EXACT, None)
        assert (match.agreeing, match.disagreeing) == ((algorithm,), ())
        assert (match.entry.set_uuid, match.entry.position) == (known_set.uuid, 2)
        assert (match.entry.category, match.entry.reference) == ("3", "r-1")

    def test_an_entry_hit_by_all_digests_is_one_match_on_the_strongest(
        self, lists: Lists, chance: random.Random
    ) -> None:
        content = digests(chance)
        lists.add(stated(content))
        with lists.open() as matcher:
            match = only(matcher.exact([content]))
        assert (match.basis, match.agreeing, match.disagreeing) == ("sha256", ("sha256", "sha1", "md5", "size"), ())

    @pytest.mark.parametrize(
        ("wrong", "basis", "agreeing"),
        [
            ({"sha256"}, "sha1", ("sha1", "md5", "size")),
            ({"size"}, "sha256", ("sha256", "sha1", "md5")),
            ({"md5", "sha256"}, "sha1", ("sha1", "size")),
            ({"sha1", "sha256", "size"}, "md5", ("md5",)),
        ],
    )
    def test_an_entry_that_contradicts_itself_matches_and_says_so(
        self, lists: Lists, chance: random.Random, wrong: set[str], basis: str, agreeing: tuple[str, ...]
    ) -> None:
        content, other = digests(chance), digests(chance)
        lists.add({**stated(content), **{name: stated(other)[name] for name in wrong}})
        with lists.open() as matcher:
            match = only(matcher.exact([content]))
        assert (match.basis, match.agreeing, set(match.disagreeing)) == (basis, agreeing, wrong)

    def test_every_entry_of_every_set_is_reported(self, lists: Lists, chance: random.Random) -> None:
        content = digests(chance)
        notable = lists.add({"md5": content.md5, "category": 1}, {"md5": content.md5, "category": 2}, name="a")
        benign = lists.add({"sha1": content.sha1}, disposition=Disposition.BENIGN, name="b")
        with lists.open() as matcher:
            (found,) = matcher.exact([content])
            assert matcher.known_set(benign.uuid) == benign
        assert [(each.entry.set_uuid, each.entry.position, each.basis) for each in found] == [
            (notable.uuid, 2, "md5"),
            (notable.uuid, 3, "md5"),
            (benign.uuid, 2, "sha1"),
        ]

    def test_the_empty_content_matches_nothing(self, lists: Lists) -> None:
        empty = digests_of([])
        lists.add(stated(empty))
        with lists.open() as matcher:
            assert matcher.exact([empty]) == [()]

    def test_thousands_at_once_against_a_dictionary(self, lists: Lists, chance: random.Random) -> None:
        known = [digests(chance) for _ in range(3000)]
        lists.add(*({"md5": each.md5} if number % 2 else {"sha256": each.sha256} for number, each in enumerate(known)))
        contents = known + [digests(chance) for _ in range(3000)]
        chance.shuffle(contents)
        position = {each: number + 2 for number, each in enumerate(known)}
        with lists.open() as matcher:
            found = matcher.exact(contents)
        assert [[match.entry.position for match in each] for each in found] == [
            [position[content]] if content in position else [] for content in contents
        ]

    def test_one_content_given_twice_is_answered_twice(self, lists: Lists, chance: random.Random) -> None:
        content = digests(chance)
        lists.add({"md5": content.md5})
        with lists.open() as matcher:
            assert [len(each) for each in matcher.exact([content, content])] == [1, 1]


class TestNear:
    @pytest.mark.parametrize("algorithm", ["pdq", "phash"])
    @pytest.mark.parametrize("bits", [0, 1, 10, 30, 31, 32, 56, 57])
    def test_the_radius_is_31_bits_inclusive_and_a_phash_is_a_lead_up_to_56(
        self, lists: Lists, chance: random.Random, algorithm: str, bits: int
    ) -> None:
        value = hexadecimal(chance, 64)
        lists.add({algorithm: value})
        query = flipped(value, chance.sample(range(256), bits))
        hashes = [picture_hash(query if algorithm == "pdq" else "5a" * 32)]
        if algorithm == "phash":
            hashes.append(picture_hash(query, None, algorithm="phash"))
        with lists.open() as matcher:
            (found,) = matcher.near([hashes])
        tier = Tier.NEAR if bits <= 31 else Tier.SIMILAR if algorithm == "phash" and bits <= 56 else None
        expected = [(algorithm, bits, tier, "original", (algorithm,))] if tier else []
        assert [(each.basis, each.distance, each.tier, each.probe, each.agreeing) for each in found] == expected

    def test_agrees_with_counting_bits(self, lists: Lists, chance: random.Random) -> None:
        known = [hexadecimal(chance, 64) for _ in range(600)]
        lists.add(*({"pdq": value} for value in known[:300]), name="a")
        lists.add(*({"pdq": value} for value in known[300:]), name="b")
        queries = [
            flipped(chance.choice(known), chance.sample(range(256), bits)) for bits in range(34) for _ in range(4)
        ]
        queries += [hexadecimal(chance, 64) for _ in range(30)]
        with lists.open() as matcher:
            found = matcher.near([[picture_hash(query)] for query in queries])
            places = {
                (each.uuid, row + 2): 300 * number + row
                for number, each in enumerate(matcher.sets)
                for row in range(300)
            }
        got = [[(places[m.entry.set_uuid, m.entry.position], m.distance) for m in each] for each in found]
        assert got == [
            [(place, distance(query, value)) for place, value in enumerate(known) if distance(query, value) <= 31]
            for query in queries
        ]
        assert sum(map(len, got)) == 32 * 4

    @pytest.mark.parametrize(("quality", "matches"), [(100, 1), (50, 1), (49, 0), (0, 0), (None, 0)])
    def test_a_picture_that_says_too_little_is_not_compared(
        self, lists: Lists, chance: random.Random, quality: int | None, matches: int
    ) -> None:
        pdq, phash = hexadecimal(chance, 64), hexadecimal(chance, 64)
        lists.add({"pdq": pdq, "phash": phash})
        hashes = [picture_hash(pdq, quality), picture_hash(phash, None, algorithm="phash")]
        with lists.open() as matcher:
            assert [len(each) for each in matcher.near([hashes, hashes[:1], hashes[1:]])] == [matches, matches, 0]

    @pytest.mark.parametrize(("quality", "matches"), [("", 1), (50, 1), (49, 0), (0, 0)])
    def test_a_known_hash_that_says_too_little_is_not_compared(
        self, lists: Lists, chance: random.Random, quality: object, matches: int
    ) -> None:
        pdq, phash = hexadecimal(chance, 64), hexadecimal(chance, 64)
        lists.add({"pdq": pdq, "pdq_quality": quality, "phash": phash})
        queries = [[picture_hash(pdq)], [picture_hash("5a" * 32), picture_hash(phash, None, algorithm="phash")]]
        with lists.open() as matcher:
            assert [len(each) for each in matcher.near(queries)] == [matches, matches]

    def test_a_phash_goes_by_the_quality_of_its_own_probe(self, lists: Lists, chance: random.Random) -> None:
        value, other = hexadecimal(chance, 64), hexadecimal(chance, 64)
        lists.add({"phash": value})
        hashes = [
            picture_hash(other, 10),
            picture_hash(other, 90, "trimmed"),
            picture_hash(value, None, algorithm="phash"),
            picture_hash(flipped(value, [3]), None, "trimmed", "phash"),
        ]
        with lists.open() as matcher:
            match = only(matcher.near([hashes]))
        assert (match.distance, match.probe, match.tier) == (1, "trimmed", Tier.SIMILAR)

    def test_a_turned_or_trimmed_view_is_a_lead(self, lists: Lists, chance: random.Random) -> None:
        value = hexadecimal(chance, 64)
        lists.add({"pdq": value})
        with lists.open() as matcher:
            match = only(matcher.near([[picture_hash(hexadecimal(chance, 64)), picture_hash(value, 80, "mirrored")]]))
        assert (match.tier, match.probe, match.distance) == (Tier.SIMILAR, "mirrored", 0)

    @pytest.mark.parametrize(
        ("probe", "bits", "tier"),
        [
            ("displayed", 31, Tier.NEAR),
            ("displayed", 56, Tier.SIMILAR),
            ("displayed", 57, None),
            ("composited", 31, Tier.NEAR),
            ("composited", 56, Tier.SIMILAR),
            ("trimmed", 31, Tier.SIMILAR),
            ("trimmed", 56, Tier.SIMILAR),
            ("trimmed/displayed", 0, Tier.SIMILAR),
            ("rotate-90", 56, Tier.SIMILAR),
            ("rotate-90", 57, None),
            ("frame-3", 31, Tier.SIMILAR),
        ],
    )
    def test_only_views_that_show_the_picture_as_it_is_are_near(
        self, lists: Lists, chance: random.Random, probe: str, bits: int, tier: Tier | None
    ) -> None:
        value = hexadecimal(chance, 64)
        lists.add({"phash": value})
        query = flipped(value, chance.sample(range(256), bits))
        hashes = [picture_hash(hexadecimal(chance, 64), 90), picture_hash(query, None, probe, "phash")]
        with lists.open() as matcher:
            (found,) = matcher.near([hashes])
        assert [(each.tier, each.probe, each.distance) for each in found] == ([(tier, probe, bits)] if tier else [])

    def test_of_equal_probes_the_original_is_named(self, lists: Lists, chance: random.Random) -> None:
        value = hexadecimal(chance, 64)
        lists.add({"pdq": value})
        with lists.open() as matcher:
            match = only(matcher.near([[picture_hash(value, 90, "composited"), picture_hash(value)]]))
        assert match.probe == "original"

    def test_one_entry_is_one_match_the_closest_and_both_algorithms_are_named(
        self, lists: Lists, chance: random.Random
    ) -> None:
        pdq, phash = hexadecimal(chance, 64), hexadecimal(chance, 64)
        lists.add({"pdq": pdq, "phash": phash})
        hashes = [
            picture_hash(flipped(pdq, range(20))),
            picture_hash(flipped(phash, range(4)), None, algorithm="phash"),
        ]
        with lists.open() as matcher:
            match = only(matcher.near([hashes]))
        assert (match.basis, match.distance, match.agreeing) == ("phash", 4, ("pdq", "phash"))

    def test_the_original_comes_before_a_closer_probe(self, lists: Lists, chance: random.Random) -> None:
        value = hexadecimal(chance, 64)
        lists.add({"pdq": value})
        hashes = [picture_hash(flipped(value, range(25))), picture_hash(value, 100, "mirrored")]
        with lists.open() as matcher:
            match = only(matcher.near([hashes]))
        assert (match.tier, match.distance, match.probe) == (Tier.NEAR, 25, "original")

    @pytest.mark.parametrize(
        ("disposition", "matches"), [(Disposition.NOTABLE, 1), (Disposition.REFERENCE, 1), (Disposition.BENIGN, 0)]
    )
    def test_benign_sets_are_matched_by_digest_only(
        self, lists: Lists, chance: random.Random, disposition: Disposition, matches: int
    ) -> None:
        content, value = digests(chance), hexadecimal(chance, 64)
        lists.add({"md5": content.md5, "pdq": value}, disposition=disposition)
        with lists.open() as matcher:
            assert len(matcher.near([[picture_hash(value)]])[0]) == matches
            assert len(matcher.exact([content])[0]) == 1

    @pytest.mark.parametrize("value", ["0" * 64, "f" * 64, "8" + "0" * 63])
    def test_the_hash_of_a_blank_picture_matches_nothing(self, lists: Lists, value: str) -> None:
        lists.add({"md5": "0" * 32, "pdq": value, "phash": value})
        hashes = [picture_hash(value), picture_hash(value, None, algorithm="phash")]
        with lists.open() as matcher:
            assert matcher.near([hashes]) == [()]

    def test_other_algorithms_are_passed_over(self, lists: Lists, chance: random.Random) -> None:
        value = hexadecimal(chance, 64)
        lists.add({"pdq": value})
        odd = [picture_hash(value[:16]), picture_hash(value, 100, algorithm="plug-in"), picture_hash("", 100)]
        with lists.open() as matcher:
            assert matcher.near([odd]) == [()]

    def test_published_pairs(self, lists: Lists, corpora: Path) -> None:
        known, queries = (
            (corpora / "perceptual" / "pdq" / f"{name}.txt").read_text().split() for name in ("haystack", "needles")
        )
        lists.add(*({"pdq": value} for value in known))
        with lists.open() as matcher:
            found = [
                match.distance for each in matcher.near([[picture_hash(query)] for query in queries]) for match in each
            ]
        assert [sum(each <= radius for each in found) for radius in (0, 15, 31)] == [50, 151, 250]


class TestOpening:
    def test_no_set_and_no_content_are_answered(self, lists: Lists, chance: random.Random) -> None:
        with Matcher.open(lists.library.folder, []) as matcher:
            assert matcher.exact([digests(chance)]) == [()]
            assert matcher.near([[picture_hash(hexadecimal(chance, 64))]]) == [()]
        lists.add({"md5": "0" * 32, "pdq": hexadecimal(chance, 64)})
        with lists.open() as matcher:
            assert matcher.exact([]) == []
            assert matcher.near([]) == []
            assert matcher.near([[]]) == [()]

    def test_only_the_sets_asked_for_are_matched(self, lists: Lists, chance: random.Random) -> None:
        content = digests(chance)
        first, second = (lists.add({"md5": content.md5}, name=name) for name in ("a", "b"))
        with Matcher.open(lists.library.folder, [second.uuid, second.uuid]) as matcher:
            assert only(matcher.exact([content])).entry.set_uuid == second.uuid
            assert matcher.sets == (second,)
            with pytest.raises(UnknownSetError):
                matcher.known_set(first.uuid)

    def test_a_set_that_is_gone_is_said(self, lists: Lists) -> None:
        old = lists.add({"md5": "0" * 32})
        lists.add({"md5": "1" * 32})
        with pytest.raises(UnknownSetError, match="removed or replaced"):
            Matcher.open(lists.library.folder, [old.uuid])

    def test_a_folder_without_a_library_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(LibraryError, match="no such file"):
            Matcher.open(tmp_path, [])

    def test_a_replaced_set_serves_the_matcher_that_has_it_open(self, lists: Lists, chance: random.Random) -> None:
        content = digests(chance)
        old = lists.add({"md5": content.md5})
        with lists.open() as matcher:
            lists.add({"md5": "1" * 32})
            assert only(matcher.exact([content])).entry.set_uuid == old.uuid

    def test_nothing_is_written(self, lists: Lists, chance: random.Random) -> None:
        content = digests(chance)
        lists.add({"md5": content.md5, "pdq": hexadecimal(chance, 64)})
        for path in (
            *sets_folder(lists.library.folder).iterdir(),
            sets_folder(lists.library.folder),
            lists.library.folder,
        ):
            path.chmod(0o500 if path.is_dir() else 0o400)
        before = {path: path.stat().st_mtime_ns for path in lists.library.folder.rglob("*")}
        try:
            with lists.open() as matcher:
                assert len(matcher.exact([content])[0]) == 1
            assert {path: path.stat().st_mtime_ns for path in lists.library.folder.rglob("*")} == before
        finally:
            lists.library.folder.chmod(0o700)
            sets_folder(lists.library.folder).chmod(0o700)

    def test_spawned_processes_open_it_each_for_itself(self, lists: Lists, chance: random.Random) -> None:
        content, value = digests(chance), hexadecimal(chance, 64)
        known_set = lists.add({"md5": content.md5, "pdq": value})
        context = multiprocessing.get_context("spawn")
        work = (lists.library.folder, known_set.uuid, content, picture_hash(value))
        with context.Pool(2) as pool:
            results = pool.starmap(match_in_a_process, [work] * 4, chunksize=1)
        assert {result[1:] for result in results} == {("md5", "pdq")}
        assert all(result[0] != os.getpid() for result in results)


def match_in_a_process(folder: Path, uuid: str, content: Digests, known: PerceptualHash) -> tuple[int, str, str]:
    """What a worker does."""
    with Matcher.open(folder, [uuid]) as matcher:
        return os.getpid(), only(matcher.exact([content])).basis, only(matcher.near([[known]])).basis
