"""hashsets.digest_index: it gives every entry that may state a digest, from a file that is trusted for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import LibraryError
from hashsets import external_sort
from hashsets.digest_index import DigestIndexBuilder, Row, check_index, index_path, open_index, rebuilt
from hashsets.fields import DIGEST_LENGTHS
from hashsets.format import Disposition
from hashsets.library import Library, files_of_set, set_path
from tests.hashsets.invented import hexadecimal, seeded

SOURCE = "set 1, 42 bytes"


def few_digests(digits: int) -> st.SearchStrategy[str]:
    """Digests of which many begin alike, and many are the same."""
    beginnings = st.sampled_from(["0" * 16, "f" * 16, "8" + "0" * 15, "7" + "f" * 15])
    return st.builds(lambda beginning, end: beginning + end * (digits - 16), beginnings, st.sampled_from("0f"))


def rows() -> st.SearchStrategy[list[Row]]:
    entry = st.tuples(*(st.none() | few_digests(digits) for digits in DIGEST_LENGTHS.values()))
    step = st.sampled_from([1, 2, 2**32])
    return st.lists(st.tuples(step, entry), max_size=30).map(
        lambda made: [(sum(step for step, _ in made[: n + 1]), *entry) for n, (_, entry) in enumerate(made)]
    )


@settings(deadline=None)
@given(rows(), st.integers(1, 7), st.data())
def test_every_entry_of_a_digest_is_given(entries: list[Row], at_once: int, data: st.DataObject) -> None:
    builder = DigestIndexBuilder(Path("nowhere"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "RUN_BYTES", data.draw(st.integers(1, 7)) * 16)
        patch.setattr(external_sort, "PART_BYTES", at_once * 16)
        for start in range(0, len(entries), 4):
            builder.add(*zip(*entries[start : start + 4], strict=True))
        index = builder.in_memory()
    builder.close()
    for column, (algorithm, digits) in enumerate(DIGEST_LENGTHS.items(), 1):
        asked = data.draw(st.lists(few_digests(digits), min_size=1, max_size=4))
        prefixes = {digest[:16] for digest in asked}
        expected = [row[0] for row in entries if str(row[column])[:16] in prefixes]
        assert index.candidates(algorithm, asked) == expected
        assert index.count(algorithm) == sum(row[column] is not None for row in entries)


def many_rows() -> list[Row]:
    chance = seeded(3)
    return [
        (position, hexadecimal(chance, 32), None, hexadecimal(chance, 64) if position % 3 else None)
        for position in range(1, 5001)
    ]


def test_the_file_answers_as_the_memory_does(tmp_path: Path) -> None:
    path, entries = tmp_path / "a.digests", many_rows()
    in_file = rebuilt(path, SOURCE, iter(entries))
    in_memory = rebuilt(tmp_path / "missing" / "a.digests", SOURCE, iter(entries))
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    asked = [str(row[1]) for row in entries[::7]]
    expected = [row[0] for row in entries[::7]]
    for index in (in_file, in_memory, open_index(path, SOURCE), check_index(path, SOURCE)):
        assert index.candidates("md5", asked) == expected
        assert index.candidates("sha1", ["0" * 40]) == []
        assert index.candidates("md5", ["0" * 32]) == []


Damage = Callable[[Path], object]
DAMAGES: list[Damage] = [
    lambda path: path.unlink(),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes()[:-1]),
    lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]),
    lambda path: path.write_bytes(path.read_bytes().replace(b"set ", b"SET ", 1)),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_index_that_is_missing_or_not_its_own_is_made_anew(library: Library, md5_list: Path, damage: Damage) -> None:
    uuid = library.import_list(md5_list, "n", Disposition.NOTABLE).uuid
    path = index_path(set_path(library.folder, uuid))
    whole = path.read_bytes()
    damage(path)
    digest = md5_list.read_text().split()[0]
    (matches,) = library.lookup([digest])
    assert [match.entry.position for match in matches] == [1]
    assert path.read_bytes() == whole
    assert not [each for each in files_of_set(library.folder, uuid) if each.suffix == ".partial"]


def test_a_digest_that_only_begins_as_a_known_one_is_not_known(library: Library, md5_list: Path) -> None:
    library.import_list(md5_list, "n", Disposition.NOTABLE)
    digest = md5_list.read_text().split()[0]
    assert library.lookup([digest[:16] + digest[:16]]) == [()]


def test_damage_inside_is_found_by_a_check(tmp_path: Path) -> None:
    path = tmp_path / "a.digests"
    rebuilt(path, SOURCE, iter(many_rows()))
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)
    with pytest.raises(LibraryError, match="checksum"):
        check_index(path, SOURCE)
