"""What a name says of a file, whatever bytes it is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.media.extension import NamedKind, named_kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (b"Users/ana/Pictures/IMG_0001.JPG", NamedKind.PICTURE),
        (b"a.heic", NamedKind.PICTURE),
        (b"DCIM/100CANON/IMG_1.CR2", NamedKind.PICTURE),
        (b"clip.Mp4", NamedKind.VIDEO),
        (b"film.mp4.part", NamedKind.VIDEO),
        (b"x.jpg.crdownload", NamedKind.PICTURE),
        (b"picture.jpeg~", NamedKind.PICTURE),
        (b"notes.txt:hidden.jpg", NamedKind.PICTURE),
        (b"photo.jpg:Zone.Identifier", None),
        (b"caf\xe9\xff.png", NamedKind.PICTURE),
        (b".jpg", NamedKind.PICTURE),
        (b"jpg", None),
        (b"folder.jpg/file", None),
        (b"letter.docx", None),
        (b"a.tmp", None),
        (b"", None),
    ],
)
def test_the_last_extension_decides(path: bytes, kind: NamedKind | None) -> None:
    assert named_kind(path) is kind


@given(st.binary(max_size=60))
def test_any_bytes_may_be_a_name(path: bytes) -> None:
    assert named_kind(path) in {None, *NamedKind}


@given(st.binary(max_size=40).filter(lambda name: b"/" not in name))
def test_upper_and_lower_case_are_one(name: bytes) -> None:
    assert named_kind(name + b".JPG") is named_kind(name + b".jpg") is NamedKind.PICTURE
