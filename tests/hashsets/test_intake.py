"""hashsets.intake: whatever a list format that someone else wrote yields or raises, the library stays sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

import pytest

from forensics.errors import LibraryError, ListFormatError
from hashsets.format import Disposition, KnownEntry, KnownPerceptualHash, ListFormat, ListHeader, RejectedEntry
from hashsets.library import Library, sets_folder
from plugins.hookspecs import hookimpl
from plugins.loader import plugin_registry

MD5, SHA1, SHA256, PDQ = "0a" * 16, "1b" * 20, "2c" * 32, "5a" * 32


def made(*values: Any, **named: Any) -> KnownEntry:
    """An entry whose fields may have the wrong type, as a plug-in without annotations can make it."""
    return KnownEntry(*values, **named)


GOOD = made(1000, MD5)


class ForeignFormat(ListFormat):
    """Yields or raises what a test asks for."""

    name: ClassVar[str] = "foreign"
    items: ClassVar[tuple[object, ...]] = ()

    def recognises(self, head: bytes) -> bool:
        return head.startswith(b"#foreign")

    def read(self, file: BinaryIO) -> Iterator[KnownEntry | RejectedEntry | ListHeader]:
        for item in self.items:
            if isinstance(item, BaseException):
                raise item
            yield item  # type: ignore[misc]


class ForeignPlugin:
    @hookimpl
    def tamiz_list_formats(self) -> list[ListFormat]:
        return [ForeignFormat()]


Importing = Callable[..., list[tuple[int, str]]]


@pytest.fixture
def importing(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Importing]:
    """Imports a list of the foreign format that yields some items, and gives what was set aside."""
    path = tmp_path / "list"
    path.write_bytes(b"#foreign\n")

    def run(*items: object) -> list[tuple[int, str]]:
        monkeypatch.setattr(ForeignFormat, "items", items)
        library.import_list(path, "n", Disposition.NOTABLE)
        return [(entry.position, entry.reason) for entry in library.rejected("n")]

    plugin = ForeignPlugin()
    plugin_registry().register(plugin)
    yield run
    plugin_registry().unregister(plugin)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (made(1, MD5[:-1]), "md5 is not 32 hexadecimal digits"),
        (made(1, MD5[:-1] + "g"), "md5 is not 32 hexadecimal digits"),
        (made(1, MD5 + "\n0"), "md5 is not 32 hexadecimal digits"),
        (made(1, MD5.encode()), "md5 is not 32 hexadecimal digits"),
        (made(1, sha1=MD5), "sha1 is not 40 hexadecimal digits"),
        (made(1, sha256=PDQ + "0"), "sha256 is not 64 hexadecimal digits"),
        (made(1, md5=""), "md5 is not 32 hexadecimal digits"),
        (made(1), "no hash that tamiz can match"),
        (made(1, MD5, size=-1), "size is not a whole number"),
        (made(1, MD5, size=2**63), "size is not a whole number"),
        (made(1, MD5, size="many"), "size is not a whole number"),
        (made(1, MD5, category="x" * 201), "category is longer than 200 characters"),
        (made(1, MD5, reference="x" * 201), "reference is longer than 200 characters"),
        (made(1, MD5, perceptual=(KnownPerceptualHash("pdq", PDQ[1:]),)), "pdq is not 64 hexadecimal digits"),
        (made(1, MD5, perceptual=(KnownPerceptualHash("pdq", PDQ, 101),)), "pdq quality is not a whole number"),
        (made(1, MD5, perceptual=("pdq",)), "perceptual hashes are not as they must be"),
        (made(1, MD5, perceptual=None), "perceptual hashes are not as they must be"),
        (made(1, MD5, attributes={"a": 1}), "attributes are not texts"),
        (made(1, MD5, attributes=None), "attributes are not texts"),
        (made(0, MD5), "its position is not above that of the entry before it"),
        (made(-5, MD5), "its position is not above that of the entry before it"),
    ],
)
def test_an_entry_that_is_malformed_is_set_aside(
    importing: Importing, library: Library, entry: KnownEntry, reason: str
) -> None:
    ((position, said),) = importing(entry, GOOD)
    assert (position, said[: len(reason)]) == (entry.position, reason)
    assert library.get("n").entries == 1


def test_entries_of_one_position_or_out_of_order_are_set_aside(importing: Importing) -> None:
    reason = "its position is not above that of the entry before it"
    found = importing(*(made(position, MD5) for position in (5, 5, 4, 6)))
    assert found == [(5, reason), (4, reason)]


def test_what_can_be_read_rightly_is(importing: Importing, library: Library) -> None:
    entry = made(
        7, MD5.upper(), f" {SHA1}", SHA256, "12", (KnownPerceptualHash("pdq", PDQ.upper(), 90),), 3, "a\x1bb",
        {"colour": "x" * 2000},
    )  # fmt: skip
    assert importing(entry) == []
    ((match,), (near,)) = library.lookup([MD5, PDQ])
    assert near.basis == "pdq"
    found = match.entry
    assert (found.md5, found.sha1, found.sha256, found.size) == (MD5, SHA1, SHA256, 12)
    assert (found.category, found.reference) == ("3", "a\ufffdb")
    assert found.attributes == {"colour": "x" * 1000}


def test_a_perceptual_hash_of_an_algorithm_of_its_own_is_kept(importing: Importing) -> None:
    assert importing(made(1, MD5, perceptual=(KnownPerceptualHash("house-hash", "AbC="),))) == []


@pytest.mark.parametrize(
    "item", [None, "a line", made("1", MD5), RejectedEntry(cast("int", "1"), "x"), RejectedEntry(1, cast("str", b"x"))]
)
def test_what_is_no_entry_at_all_breaks_the_list(importing: Importing, library: Library, item: object) -> None:
    with pytest.raises(ListFormatError, match="the list format 'foreign' gave what is no entry"):
        importing(GOOD, item)
    assert library.sets() == []


@pytest.mark.parametrize(
    "error",
    [ValueError("quotes " + MD5), KeyError("x"), RuntimeError(), EOFError(), OSError("of its own"), MemoryError(),
     LibraryError("not its business"), AssertionError(), RecursionError()],
)  # fmt: skip
def test_whatever_it_raises_is_one_line_that_names_it(
    importing: Importing, library: Library, tmp_path: Path, error: Exception
) -> None:
    with pytest.raises(ListFormatError) as caught:
        importing(GOOD, error)
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'list'}: the list format 'foreign' failed ({type(error).__name__})")
    assert MD5 not in text
    assert caught.value.__cause__ is not None
    assert library.sets() == []
    assert list(sets_folder(library.folder).iterdir()) == []


def test_its_own_words_on_a_broken_list_are_kept(importing: Importing) -> None:
    with pytest.raises(ListFormatError, match="no header in sight"):
        importing(ListFormatError("no header in sight", "line 1", None))


def test_a_failure_to_recognise_names_the_format(importing: Importing, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: ForeignFormat, head: bytes) -> bool:
        raise UnicodeDecodeError("ascii", head, 0, 1, "no")

    monkeypatch.setattr(ForeignFormat, "recognises", fail)
    with pytest.raises(ListFormatError, match=r"the list format 'foreign' failed \(UnicodeDecodeError\)"):
        importing(GOOD)
