"""The film containers that are read, told by signature, so that FFmpeg never has to guess and never opens a playlist.

FFmpeg reads some 350 formats. Those left out open further files or addresses by their nature (HLS, DASH, concat, SDP,
image sequences), are pictures or sound only, or are rare enough that their decoders are not worth the risk.
"""

from __future__ import annotations

import re

HEAD_SIZE = 4096
"""How many of a file's first bytes the signatures need."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "mov"),  # MP4, QuickTime, 3GP
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (4, b"pnot", "mov"),
    (4, b"styp", "mov"),
    (4, b"moof", "mov"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "asf"),
    (0, b"FLV\x01", "flv"),
    (0, b"OggS", "ogg"),
    (0, b".RMF", "rm"),
    (0, b"\0\0\x01\xba", "mpeg"),  # programme stream, VOB
    (0, b"\0\0\x01\xb3", "mpegvideo"),
    (0, b"\0\0\x01\xb0", "m4v"),
    *((0, b"\0\0\0\x01" + unit, "h264") for unit in (b"\x67", b"\x47", b"\x27", b"\x09\x10", b"\x09\x30", b"\x09\xf0")),
    *((0, b"\0\0\0\x01" + unit, "hevc") for unit in (b"\x40\x01", b"\x46\x01")),
    (0, b"DKIF", "ivf"),
    (0, b"nut/multimedia container\0", "nut"),
    (0, b"\x1f\x07\0", "dv"),
    (0, bytes.fromhex("060e2b34020501010d010201"), "mxf"),
    (0, bytes.fromhex("b7d800203749da11a64e0007e95ead8d"), "wtv"),
    (0, b"FWS", "swf"),
    (0, b"CWS", "swf"),
)
"""Offset, bytes, and FFmpeg's name of the demuxer. Source: its demuxers and the formats' own specifications."""

_ANY_SIGNATURE = re.compile(
    b"|".join(b"(?s:.{%d})%s" % (offset, re.escape(signature)) for offset, signature, _ in _SIGNATURES)
)

_STILL_BRANDS = frozenset(
    {
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"hevx",
        b"mif1",
        b"msf1",
        b"avif",
        b"avis",
        b"crx ",
        b"jp2 ",
        b"jxl ",
    }
)
"""Brands of ISO base media files that hold still pictures, which the picture decoders read."""

_TRANSPORT_PACKETS = (188, 192, 204)
"""Lengths of a packet of an MPEG transport stream: plain, with time stamps (M2TS, MTS), with error correction."""

_SYNC = 0x47
_SYNCS_NEEDED = 5

_MEDIA_TYPES = frozenset(
    {"application/ogg", "application/mxf", "application/vnd.rn-realmedia", "application/x-shockwave-flash"}
)


def demuxer(head: bytes) -> str | None:
    """FFmpeg's name of the demuxer for a file; ``None`` if it is of no film container that is read.

    Args:
        head: The file's first bytes, :data:`HEAD_SIZE` or more.
    """
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return None
    if head[:4] == b"RIFF" and head[8:12] in {b"AVI ", b"AVIX", b"AMV "}:
        return "avi"
    if _ANY_SIGNATURE.match(head):
        return next(name for offset, signature, name in _SIGNATURES if head.startswith(signature, offset))
    return "mpegts" if _is_transport_stream(head[:HEAD_SIZE]) else None


def is_film_candidate(media_type: str, head: bytes) -> bool:
    """Whether a content is worth a try at decoding it as a film: by libmagic's word or by ours.

    It errs on the side of recall: sound in a container that could hold a film is one too. What has no video stream, or
    no frame although libmagic does not call it a film either, is none.

    Args:
        media_type: As :func:`forensics.media.kind.media_type` gave it.
        head: The content's first bytes.
    """
    return media_type.startswith("video/") or media_type in _MEDIA_TYPES or demuxer(head) is not None


def _is_transport_stream(head: bytes) -> bool:
    """Whether every packet in the head begins with the sync byte; a recording may begin within a packet."""
    if head.count(_SYNC) > len(head) // 2:
        return False
    start = head.find(_SYNC)
    while 0 <= start < max(_TRANSPORT_PACKETS):
        for length in _TRANSPORT_PACKETS:
            syncs = head[start % length :: length]
            if len(syncs) >= _SYNCS_NEEDED and syncs.count(_SYNC) == len(syncs):
                return True
        start = head.find(_SYNC, start + 1)
    return False
