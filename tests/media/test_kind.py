"""Media types by content, and which contents are tried as pictures."""

from __future__ import annotations

import gzip
import io
import sqlite3
import sys
import zipfile
from contextlib import closing

import magic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import MediaError
from forensics.media import kind
from forensics.media.kind import EMPTY, HEAD_SIZE, UNKNOWN, is_picture_candidate, media_type
from tests import pictures
from tests.pictures import encoded

PICTURES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
    "JPEG2000": "image/jp2",
    "ICO": "image/vnd.microsoft.icon",
}


def database() -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE harmless (sample)")
        return connection.serialize()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as members:
        members.writestr("a.txt", "harmless")
    return file.getvalue()


@pytest.mark.parametrize(("file_format", "expected"), PICTURES.items())
def test_pictures_are_named_by_their_content(file_format: str, expected: str) -> None:
    head = encoded(pictures.photo(32, 32), file_format)
    assert media_type(head) == expected
    assert is_picture_candidate(expected, head)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", EMPTY),
        (bytes(range(1, 32)) * 9, UNKNOWN),
        (b"plain words\n", "text/plain"),
        (archive(), "application/zip"),
        (gzip.compress(b"harmless", mtime=0), "application/gzip"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
        (database(), "application/vnd.sqlite3"),
    ],
)
def test_other_contents(content: bytes, expected: str) -> None:
    assert media_type(content) == expected
    assert not is_picture_candidate(expected, content)


@pytest.mark.parametrize(("signature", "expected"), kind._SIGNATURES)
@given(st.binary(max_size=300))
def test_known_signatures_are_what_libmagic_says(signature: bytes, expected: str, tail: bytes) -> None:
    assert media_type(signature + tail) == magic.from_buffer(signature + tail, mime=True)
    assert media_type(signature + tail + bytes(64)) == expected


@given(st.binary(min_size=1, max_size=200))
def test_type_is_that_of_libmagic(content: bytes) -> None:
    assert media_type(content) == magic.from_buffer(content, mime=True)


def test_only_the_head_is_looked_at() -> None:
    assert media_type(b"a" * HEAD_SIZE + b"\x00\xff" * 100) == "text/plain"


@pytest.mark.parametrize(
    "file_format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "QOI", "PCX", "SGI", "DDS"]
)
def test_what_begins_as_a_picture_is_tried_whatever_it_is_called(file_format: str) -> None:
    head = encoded(pictures.photo(32, 32), file_format)
    assert is_picture_candidate(UNKNOWN, head[:64])


def test_pictures_of_formats_that_are_not_decoded_are_candidates_too() -> None:
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
    assert media_type(head) == "image/heic"
    assert is_picture_candidate("image/heic", head)


def test_missing_libmagic_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    kind._libmagic.cache_clear()
    monkeypatch.setitem(sys.modules, "magic", None)
    with pytest.raises(MediaError, match="libmagic1"):
        media_type(b"anything")
    monkeypatch.undo()
    assert media_type(b"words\n") == "text/plain"
