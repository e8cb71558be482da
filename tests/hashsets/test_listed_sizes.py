"""Which sizes lists know, and when they cannot tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashsets.format import Disposition
from hashsets.library import Library
from hashsets.listed_sizes import ListedSizes, listed_sizes


def sizes_of(folder: Path, *lists: tuple[str, Disposition]) -> ListedSizes | None:
    with Library(folder / "library") as library:
        for number, (text, disposition) in enumerate(lists):
            file = folder / f"{number}.csv"
            file.write_text(text)
            library.import_list(file, f"list {number}", disposition)
        return listed_sizes(folder / "library", library.sets())


def md5(number: int) -> str:
    return f"{number:032x}"


def test_sizes_of_all_lists_are_known_each_once(tmp_path: Path) -> None:
    first = f"md5,size\n{md5(1)},300\n{md5(2)},7\n"
    second = f"md5,size\n{md5(3)},300\n{md5(4)},9000000000\n"
    sizes = sizes_of(tmp_path, (first, Disposition.NOTABLE), (second, Disposition.REFERENCE))
    assert sizes is not None
    assert sizes.sizes.tolist() == [7, 300, 9_000_000_000]
    assert not sizes.searches_looks
    assert {size for size in range(310) if size in sizes} == {7, 300}
    assert 9_000_000_000 in sizes
    assert 1 << 62 not in sizes


def test_one_entry_without_a_size_is_enough_to_know_nothing(tmp_path: Path) -> None:
    assert sizes_of(tmp_path, (f"md5,size\n{md5(1)},300\n{md5(2)},\n", Disposition.NOTABLE)) is None


def test_benign_lists_find_nothing_and_are_not_asked(tmp_path: Path) -> None:
    notable, benign = f"md5,size\n{md5(1)},300\n", f"md5\n{md5(2)}\n"
    sizes = sizes_of(tmp_path, (notable, Disposition.NOTABLE), (benign, Disposition.BENIGN))
    assert sizes is not None
    assert sizes.sizes.tolist() == [300]


@pytest.mark.parametrize("disposition", [Disposition.BENIGN])
def test_without_lists_there_is_nothing_to_go_by(tmp_path: Path, disposition: Disposition) -> None:
    assert sizes_of(tmp_path, (f"md5,size\n{md5(2)},5\n", disposition)) is None


def test_a_list_with_perceptual_hashes_says_so(tmp_path: Path) -> None:
    pdq = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
    sizes = sizes_of(tmp_path, (f"md5,size,pdq\n{md5(1)},300,{pdq}\n", Disposition.NOTABLE))
    assert sizes is not None
    assert sizes.searches_looks
