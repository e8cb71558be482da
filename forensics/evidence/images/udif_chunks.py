"""Decompresses the chunks of an Apple disk image: ADC, zlib, bzip2, LZFSE and LZMA.

A chunk never grows beyond the size its table states.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable

import lzfse

from forensics.evidence.images.inflate import InflateError, inflate

ADC, ZLIB, BZIP2, LZFSE, LZMA = range(0x80000004, 0x80000009)
"""The types of compressed chunks."""

_LZMA_MEMORY = 256 << 20


def decompress_chunk(kind: int, data: bytes, size: int) -> bytes:
    """Decompress a chunk.

    Args:
        kind: Its type; one of :data:`ADC`, :data:`ZLIB`, :data:`BZIP2`, :data:`LZFSE` and :data:`LZMA`.
        data: The compressed data.
        size: How many bytes it must give.

    Raises:
        InflateError: It is damaged, or gives another number of bytes. Of these methods, ADC and LZFSE have no checksum.
    """
    content = _METHODS[kind](data, size)
    if len(content) != size:
        raise InflateError(f"it gives {len(content)} bytes instead of {size}")
    return content


def _adc(data: bytes, size: int) -> bytes:
    """Apple Data Compression, an LZ77 with three kinds of codes."""
    output = bytearray()
    position = 0
    try:
        while position < len(data) and len(output) < size:
            code = data[position]
            if code & 0x80:
                length = (code & 0x7F) + 1
                output += data[position + 1 : position + 1 + length]
                position += 1 + length
                continue
            if code & 0x40:
                length, distance = (code & 0x3F) + 4, (data[position + 1] << 8 | data[position + 2]) + 1
                position += 3
            else:
                length, distance = (code >> 2) + 3, ((code & 3) << 8 | data[position + 1]) + 1
                position += 2
            if distance > len(output):
                raise InflateError("its compressed data are damaged")
            pattern = output[-distance:][:length]
            output += (pattern * (length // len(pattern) + 1))[:length]
    except IndexError as error:
        raise InflateError("its compressed data break off") from error
    return bytes(output)


def _bzip2(data: bytes, size: int) -> bytes:
    try:
        return bz2.BZ2Decompressor().decompress(data, size + 1)
    except (OSError, ValueError) as error:
        raise InflateError("its compressed data are damaged") from error


def _lzfse(data: bytes, size: int) -> bytes:
    # the library takes no limit; what cannot be compressed is stored in blocks with small headers
    if len(data) > size + size // 64 + 4096:
        raise InflateError("its compressed data are longer than what they hold")
    try:
        return bytes(lzfse.decompress(data))
    except (lzfse.error, MemoryError) as error:
        raise InflateError("its compressed data are damaged") from error


def _lzma(data: bytes, size: int) -> bytes:
    try:
        return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY).decompress(data, size + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise InflateError("its compressed data are damaged") from error


_METHODS: dict[int, Callable[[bytes, int], bytes]] = {
    ADC: _adc,
    ZLIB: inflate,
    BZIP2: _bzip2,
    LZFSE: _lzfse,
    LZMA: _lzma,
}
