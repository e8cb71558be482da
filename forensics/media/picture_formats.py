"""The picture formats that are decoded, and what recognises them.

Pillow reads some forty formats. Those left out start another program (EPS runs Ghostscript), open further files of any
format within themselves (IPTC), only name a format without decoding it (BUFR, GRIB, HDF5, MPEG, WMF), need libraries
that are not installed (FPX, MIC), begin like C sources (XBM), or hold measurements and game textures.
"""

from __future__ import annotations

import struct

from PIL import (  # noqa: F401  # each registers its format, so that Pillow never loads the others in search of one
    AvifImagePlugin,
    BmpImagePlugin,
    CurImagePlugin,
    DcxImagePlugin,
    DdsImagePlugin,
    GifImagePlugin,
    IcnsImagePlugin,
    IcoImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PcxImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
    QoiImagePlugin,
    SgiImagePlugin,
    SunImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    XpmImagePlugin,
)

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a worker has one core; AVIF would take them all

DECODED_FORMATS = (
    "JPEG",  # MPO (several JPEGs in one file) comes with it
    "PNG",
    "GIF",
    "WEBP",
    "BMP",
    "TIFF",
    "AVIF",
    "JPEG2000",
    "ICO",
    "PSD",
    "DIB",
    "CUR",
    "ICNS",
    "PPM",
    "PCX",
    "DCX",
    "QOI",
    "SGI",
    "SUN",
    "DDS",
    "XPM",
    "TGA",  # last: it has no signature, so it would take what belongs to another
)
"""Pillow's names of the formats, in the order in which they are tried."""

PREFIX_SIZE = 16
"""How many of a file's first bytes the signatures need."""


def formats_by_prefix(head: bytes) -> tuple[str, ...]:
    """The decoded formats whose signature a file carries; usually none or one.

    Args:
        head: The first bytes of the file, :data:`PREFIX_SIZE` or more.
    """
    return tuple(name for name in DECODED_FORMATS if _accepts(name, head[:PREFIX_SIZE]))


def _accepts(name: str, prefix: bytes) -> bool:
    """Ask a format for its signature. TGA has none."""
    accept = Image.OPEN[name][1]
    if accept is None:
        return False
    try:
        verdict = accept(prefix)
    except (IndexError, struct.error):  # fewer bytes than the signature
        return False
    # a text instead of a truth value says that this build of Pillow lacks the decoder
    return bool(verdict) and not isinstance(verdict, str)
