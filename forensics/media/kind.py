"""What a content is, by its first bytes. Names and extensions are never asked: they are what a suspect chooses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from forensics.errors import MediaError
from forensics.media.camera_raw import has_signature
from forensics.media.magic_sieve import MagicSieve, open_sieve
from forensics.media.picture_formats import formats_by_prefix

HEAD_SIZE = 4096
"""How many of a content's first bytes are looked at. More costs time and tells no more media types apart."""

_TEXT_HEAD_SIZE = 512
"""Of what looks like text this much is enough; libmagic searches texts for words, which takes it milliseconds."""

UNKNOWN = "application/octet-stream"
"""Media type of what has no known signature."""

EMPTY = "inode/x-empty"
"""Media type of no bytes at all, as the ``file`` program names it."""

_SIGNATURES = (
    (b"\xff\xd8\xff\xe0", "image/jpeg"),
    (b"\xff\xd8\xff\xe1", "image/jpeg"),
    (b"\xff\xd8\xff\xdb", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"%PDF-", "application/pdf"),
)
"""What libmagic would call the same, but after trying thousands of signatures."""

GUESSED = frozenset({"image/x-tga"})
"""Picture types without a signature, which libmagic guesses from a few plausible bytes (every NTFS ``$UpCase`` is taken
for one). What does not decode as such is none."""

_KNOWN_EARLY = (b"\x7fELF", b"\x89PNG", b"SQLite format 3\0", b"II*\0", b"MM\0*", b"\xfd7zXZ\0", b"L\0\0\0\x01\x14\2\0")
"""What libmagic knows by one of the first signatures that it tries."""

_SIGNATURES_HOLD_FROM = 64
"""Bytes that a content must have for that; of a shorter one libmagic may say that it is nothing."""


def media_type(head: bytes) -> str:
    """Media type of a content, such as ``image/jpeg``.

    Args:
        head: The content's first bytes; those beyond :data:`HEAD_SIZE` are not looked at.

    Raises:
        MediaError: libmagic is not installed.
    """
    if not head:
        return EMPTY
    if len(head) >= _SIGNATURES_HOLD_FROM:
        for signature, name in _SIGNATURES:
            if head.startswith(signature):
                return name
    looks_like_text = b"\0" not in head[:_TEXT_HEAD_SIZE]
    asked = head[: _TEXT_HEAD_SIZE if looks_like_text else HEAD_SIZE]
    libmagic = _libmagic()
    if libmagic.sieve is not None and not asked.startswith(_KNOWN_EARLY):
        found = libmagic.sieve.media_type(asked)
        if found is not None:
            return found
    try:
        return str(libmagic.whole.from_buffer(asked))
    except libmagic.failure:  # libmagic gave up on these bytes
        return UNKNOWN


def is_picture_candidate(media_type: str, head: bytes) -> bool:
    """Whether a content is worth a try at decoding it as a picture.

    Everything that libmagic calls an image is, and everything that begins as a decoded format or a camera RAW file
    does, whatever libmagic calls it. The latter errs on the side of recall: a text that begins with ``P1`` is one too.

    Args:
        media_type: As :func:`media_type` gave it.
        head: The content's first bytes.
    """
    return media_type.startswith("image/") or has_signature(head) or bool(formats_by_prefix(head))


@dataclass(frozen=True, slots=True)
class _Libmagic:
    """libmagic, as one process uses it.

    Attributes:
        whole: A cookie with all signatures, which guards itself by a lock.
        failure: The error it raises.
        sieve: The faster way to the same answers; ``None`` where there is none.
    """

    whole: Any
    failure: type[Exception]
    sieve: MagicSieve | None


@cache
def _libmagic() -> _Libmagic:
    try:
        import magic

        return _Libmagic(magic.Magic(mime=True), magic.MagicException, open_sieve(magic))
    except ImportError as error:
        raise MediaError("libmagic is not installed", None, "install the Debian package libmagic1") from error
    except Exception as error:  # the binding raises an error class that it may not have defined
        raise MediaError("libmagic cannot load its signatures", None, "reinstall the package libmagic1") from error
