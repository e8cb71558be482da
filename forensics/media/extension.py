"""What a file's name says it is, before a byte of it has been read.

A name is what a suspect chooses: it decides what is read first, and what a quick scan or a filter asked for by the
operator leaves out. What a content *is* decides :mod:`forensics.media.kind`, by its bytes.
"""

from __future__ import annotations

from enum import StrEnum


class NamedKind(StrEnum):
    """A kind of media, by extension."""

    PICTURE = "picture"
    VIDEO = "video"


_PICTURES = (
    b"jpg jpeg jpe jfif jif png gif webp bmp dib tif tiff heic heif hif avif jp2 j2k jpf jpx jxl psd psb ico cur tga "
    b"pcx ppm pgm pbm pnm qoi mpo insp thm "
    # raw files of cameras
    b"dng nef nrw cr2 cr3 crw arw srf sr2 orf raf rw2 rwl pef ptx srw x3f 3fr fff iiq kdc dcr erf mef mos mrw raw"
)
_VIDEOS = (
    b"mp4 m4v mov qt 3gp 3gpp 3g2 avi divx xvid mkv webm wmv asf flv f4v mpg mpeg mpe m1v m2v mpv vob ts mts m2ts m2t "
    b"ogv ogm rm rmvb mxf swf dv dvr-ms wtv mod tod amv insv lrv h264 264 h265 265 hevc ivf nut"
)
_KINDS = {
    **dict.fromkeys(_PICTURES.split(), NamedKind.PICTURE),
    **dict.fromkeys(_VIDEOS.split(), NamedKind.VIDEO),
}
"""Extensions of the formats that are decoded (``picture_formats.py``, ``camera_raw.py``, ``film_formats.py``) and of
some that are only hashed; in lower case."""

_PUT_BEHIND = frozenset(
    {b"part", b"partial", b"crdownload", b"download", b"tmp", b"bak", b"old", b"orig", b"opdownload"}
)
"""Extensions that browsers and editors put behind the one that says what a file is."""


def named_kind(path: bytes) -> NamedKind | None:
    """What the last extension of a path says; ``None`` if it names no media.

    ``IMG_1.JPG``, ``film.mp4.part``, ``picture.jpeg~`` and the alternate data stream ``notes.txt:hidden.jpg`` are
    media; ``IMG_1.jpg:Zone.Identifier`` is none.

    Args:
        path: As the file system stores it; any bytes.
    """
    stem, dot, extension = path[path.rfind(b"/") + 1 :].lower().rpartition(b".")
    if dot and extension in _PUT_BEHIND:
        extension = stem.rpartition(b".")[2]
    return _KINDS.get(extension.rstrip(b"~")) if dot else None
