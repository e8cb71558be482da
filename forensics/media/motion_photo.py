"""Finds the film that a phone appended to a photograph (motion photo, live photo in one file).

Google and Samsung write an MP4 file behind the JPEG, or into a box of the HEIC; the metadata that point at it (XMP
``MicroVideoOffset``, ``Container:Directory``, Samsung's trailer) differ by maker and year and are lost when a program
rewrites them. The film itself is therefore looked for, by the boxes that every MP4 begins with (ISO/IEC 14496-12).
"""

from __future__ import annotations

_FILM_BRANDS = (b"mp4", b"iso", b"qt  ", b"avc1", b"3gp", b"3g2", b"M4V", b"hvc1", b"hev1", b"MSNV", b"dash", b"msdh")
_BOXES_THAT_FOLLOW = frozenset(
    {b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"meta", b"moof", b"sidx", b"pdin", b"beam"}
)
_SHORTEST = 16
_LONGEST_FTYP = 512


def embedded_film_offset(data: bytes | bytearray | memoryview) -> int | None:
    """Offset of a film within the bytes of a picture; ``None`` if there is none.

    A pass over the bytes for four letters; what is found must go on as an MP4 does, which chance does not bring about
    in compressed data.

    Args:
        data: The whole picture file.
    """
    content = data if isinstance(data, (bytes, bytearray)) else bytes(data)
    # a HEIC begins with a box of this name itself
    found = content.find(b"ftyp", 8)
    while found >= 0:
        if _begins_film(content, found - 4):
            return found - 4
        found = content.find(b"ftyp", found + 4)
    return None


def _begins_film(content: bytes | bytearray, start: int) -> bool:
    """Whether a file type box of a film stands here, with another box of an MP4 behind it."""
    length = int.from_bytes(content[start : start + 4], "big")
    if (
        not _SHORTEST <= length <= _LONGEST_FTYP
        or length % 4
        or not content[start + 8 : start + 12].startswith(_FILM_BRANDS)
    ):
        return False
    following = start + length
    return bytes(content[following + 4 : following + 8]) in _BOXES_THAT_FOLLOW
