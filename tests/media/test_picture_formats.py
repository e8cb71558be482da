"""Which formats are decoded, and that the dangerous ones are not."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from forensics.media.picture import decode
from forensics.media.picture_formats import DECODED_FORMATS, formats_by_prefix
from tests import pictures
from tests.media.picture_files import HEIC
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


def test_every_format_that_pillow_reads_is_decoded_or_left_out_on_purpose() -> None:
    Image.init()
    left_out = {
        "EPS": "starts Ghostscript",
        "WMF": "starts the printing system of Windows",
        "FPX": "needs a library",
        "MIC": "needs a library",
        "IPTC": "opens pictures of any format within itself",
        "BUFR": "names a format without decoding it",
        "GRIB": "names a format without decoding it",
        "HDF5": "names a format without decoding it",
        "MPEG": "names a format without decoding it",
        "XBM": "begins like a C source",
        "IM": "has no signature",
        "IMT": "has no signature",
        "FITS": "measurements",
        "MCIDAS": "measurements",
        "SPIDER": "measurements",
        "PIXAR": "out of use",
        "BLP": "game textures",
        "FTEX": "game textures",
    }
    assert {*Image.OPEN} - {*DECODED_FORMATS} - {*left_out} == set()


def test_rare_formats_decode() -> None:
    pixels = pictures.plasma(60, 80)
    bilevel = Image.fromarray(pixels).convert("1")
    assert np.array_equal(decode(encoded(bilevel, "MSP")).pixels, np.asarray(bilevel.convert("L")))
    brush = struct.pack(">IIIII4sI", 29, 2, 80, 60, 1, b"GIMP", 10) + b"\0" + pixels.tobytes()
    assert np.array_equal(decode(brush).pixels, pixels)
    browser_thumbnail = b"P7 332\n#END_OF_COMMENTS\n80 60 255\n" + pixels.tobytes()
    assert decode(browser_thumbnail).pixels.shape == (60, 80, 3)


def test_sixteen_bits_a_colour_keep_their_upper_half() -> None:
    pixels = pictures.photo(60, 80)
    lines = b"".join(b"\0" + (row.astype(np.uint16) * 256 + 99).astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", 80, 60, 16, 2, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n"
    for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")):
        file += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    assert np.array_equal(decode(file).pixels, pixels)


def test_heic_is_recognised_and_decoded() -> None:
    data = HEIC.read_bytes()
    assert "HEIF" in formats_by_prefix(data)
    assert decode(data).pixels.shape == (96, 128, 3)
