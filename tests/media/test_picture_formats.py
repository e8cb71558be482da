"""Which formats are decoded, and that the dangerous ones are not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PIL import Image

from forensics.media.picture_formats import DECODED_FORMATS, formats_by_prefix
from tests import pictures
from tests.pictures import encoded


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "ICO", "PPM", "QOI"])
def test_a_signature_names_its_format(file_format: str) -> None:
    assert file_format in formats_by_prefix(encoded(pictures.photo(32, 32), file_format))


@pytest.mark.parametrize("head", [b"", b"\xff", b"%!PS-Adobe", b"\x89HDF\r\n\x1a\n", b"GRIB" + bytes(12), bytes(16)])
def test_nothing_else_has_a_signature(head: bytes) -> None:
    assert formats_by_prefix(head) == ()


def test_formats_that_start_programs_or_open_others_are_left_out() -> None:
    Image.init()
    assert not {"EPS", "WMF", "FPX", "MIC", "IPTC", "HDF5", "GRIB", "BUFR", "MPEG", "SPIDER", "FITS"} & {
        *DECODED_FORMATS
    }
    assert {*DECODED_FORMATS} <= {*Image.OPEN}


def test_decoding_never_loads_the_formats_left_out() -> None:
    program = (
        "import sys\n"
        "from forensics.errors import PictureError\n"
        "from forensics.media.picture import decode\n"
        "for data in (b'%!PS-Adobe-3.0 EPSF-3.0', b'nothing', b'\\xff\\xd8\\xff'):\n"
        "    try: decode(data)\n"
        "    except PictureError: pass\n"
        "print([name for name in sys.modules if 'Eps' in name or 'Wmf' in name or 'Stub' in name or 'Iptc' in name])\n"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
