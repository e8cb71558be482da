"""Inflates zlib (RFC 1950) and raw deflate data (RFC 1951) into bounded memory, with ISA-L or else with zlib."""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Callable
from typing import Any

INFLATER = "isal" if importlib.util.find_spec("isal") else "zlib"
"""Which library inflates."""

_new_decompressor: Callable[[], Any]
_new_raw_decompressor: Callable[[], Any]
_errors: tuple[type[Exception], ...]
adler32: Callable[..., int]
"""Adler-32 of bytes, as :func:`zlib.adler32`."""

if INFLATER == "isal":
    from isal import igzip_lib, isal_zlib

    def _new_decompressor() -> igzip_lib.IgzipDecompressor:
        return igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_ZLIB)

    def _new_raw_decompressor() -> igzip_lib.IgzipDecompressor:
        return igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)

    _errors = (igzip_lib.IsalError,)  # type: ignore[assignment]  # isal's stub takes the class for an instance
    adler32 = isal_zlib.adler32
else:
    _new_decompressor = zlib.decompressobj

    def _new_raw_decompressor() -> Any:  # noqa: ANN401  zlib's class has no public name
        return zlib.decompressobj(-zlib.MAX_WBITS)

    _errors = (zlib.error,)
    adler32 = zlib.adler32


class InflateError(Exception):
    """Data that are not whole zlib data of the size allowed. Never leaves :mod:`forensics.evidence.images`."""


def inflate(data: bytes | memoryview, most: int) -> bytes:
    """Inflate zlib data and check their Adler-32. What follows their end is ignored.

    Args:
        data: The compressed data.
        most: Most bytes they may inflate to.

    Raises:
        InflateError: They are damaged, cut off, or inflate to more.
    """
    return _inflate(_new_decompressor(), data, most)


def inflate_raw(data: bytes | memoryview, most: int) -> bytes:
    """Inflate deflate data without a header, and so without a checksum. What follows their end is ignored.

    Args:
        data: The compressed data.
        most: Most bytes they may inflate to.

    Raises:
        InflateError: They are damaged, cut off, or inflate to more. Much damage goes unnoticed.
    """
    return _inflate(_new_raw_decompressor(), data, most)


def _inflate(decompressor: Any, data: bytes | memoryview, most: int) -> bytes:  # noqa: ANN401
    try:
        # one byte more than allowed tells too many from just as many, whatever the data would grow to
        inflated: bytes = decompressor.decompress(data, most + 1)
    except _errors as error:
        raise InflateError("its compressed data are damaged") from error
    if len(inflated) > most:
        raise InflateError(f"it inflates to more than {most} bytes")
    if not decompressor.eof:
        raise InflateError("its compressed data break off")
    return inflated
