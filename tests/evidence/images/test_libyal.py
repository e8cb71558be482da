"""The errors of the libyal libraries, in a few words."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import pyvhdi

from forensics.errors import ImageError
from forensics.evidence.images.libyal import LIBYAL_ERRORS, explain, read_some


def test_the_innermost_cause_is_told() -> None:
    with pytest.raises(LIBYAL_ERRORS) as caught:
        pyvhdi.file().open_file_object(io.BytesIO(bytes(4096)))
    assert explain(caught.value) == "unsupported signature"


def test_a_read_that_fails_is_an_error() -> None:
    with pytest.raises(ImageError, match=r"disk: byte 5 of the medium cannot be read \(.+\)\. Copy"):
        read_some(pyvhdi.file(), 5, 10, Path("disk"))
