"""The picture formats that are decoded, and what recognises them.

Pillow reads some forty formats. Those left out start another program (EPS runs Ghostscript), open further files of any
format within themselves (IPTC), only name a format without decoding it (BUFR, GRIB, HDF5, MPEG, WMF), need libraries
that are not installed (FPX, MIC), begin like C sources (XBM), have no signature (IM, IMT), or hold measurements and
game textures. HEIF comes from ``pi-heif``, which decodes only.
"""

from __future__ import annotations

import struct
from functools import lru_cache

from pi_heif import register_heif_opener
from PIL import (  # noqa: F401  # each registers its format, so that Pillow never loads the others in search of one
    AvifImagePlugin,
    BmpImagePlugin,
    CurImagePlugin,
    DcxImagePlugin,
    DdsImagePlugin,
    FliImagePlugin,
    GbrImagePlugin,
    GifImagePlugin,
    IcnsImagePlugin,
    IcoImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    MspImagePlugin,
    PcdImagePlugin,
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
    XVThumbImagePlugin,
)

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a worker has one core; AVIF would take them all, and so would HEIF
register_heif_opener(decode_threads=1, depth_images=False, aux_images=False)

DECODED_FORMATS = (
    "JPEG",  # MPO (several JPEGs in one file) comes with it
    "PNG",
    "GIF",
    "WEBP",
    "BMP",
    "TIFF",
    "AVIF",
    "HEIF",  # after AVIF: both take files that only say they hold still pictures
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
    "FLI",
    "GBR",
    "MSP",
    "XVTHUMB",
    "PCD",  # no signature at its beginning
    "TGA",  # last: it has no signature, so it would take what belongs to another
)
"""Pillow's names of the formats, in the order in which they are tried."""

_KEPT_PREFIXES = 4096

PREFIX_SIZE = 16
"""How many of a file's first bytes the signatures need."""


def formats_by_prefix(head: bytes) -> tuple[str, ...]:
    """The decoded formats whose signature a file carries; usually none or one.

    Args:
        head: The first bytes of the file, :data:`PREFIX_SIZE` or more.
    """
    return _accepting(head[:PREFIX_SIZE])


@lru_cache(_KEPT_PREFIXES)
def _accepting(prefix: bytes) -> tuple[str, ...]:
    return tuple(name for name in DECODED_FORMATS if _accepts(name, prefix))


def _accepts(name: str, prefix: bytes) -> bool:
    """Ask a format for its signature. TGA and PCD have none."""
    accept = Image.OPEN[name][1]
    if accept is None:
        return False
    try:
        verdict = accept(prefix)
    except (IndexError, struct.error):  # fewer bytes than the signature
        return False
    # a text instead of a truth value says that this build of Pillow lacks the decoder
    return bool(verdict) and not isinstance(verdict, str)
