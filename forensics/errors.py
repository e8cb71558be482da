"""The one tree of errors.

Every error a user can meet is a :class:`TamizError`. Its text is one line that says what is wrong, where, and what
to do. Code at a boundary (a C library, the operating system, a parser) translates foreign exceptions into this tree
with ``raise ... from error``; everything above the boundary handles only these classes.
"""

from __future__ import annotations


class TamizError(Exception):
    """Something tamiz cannot do, said in one line.

    Args:
        what: What is wrong, as a sentence without a full stop.
        where: The file, device, locator or line it concerns; ``None`` if it concerns none.
        remedy: What the user can do about it, as a sentence without a full stop; ``None`` if nothing.
    """

    def __init__(self, what: str, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.remedy:
            text = f"{text}. {self.remedy[0].upper()}{self.remedy[1:]}"
        # a place on disk may hold bytes that are no UTF-8 (PEP 383): write them as escapes rather than fail on printing
        return "".join(
            f"\\x{ord(character) & 0xFF:02x}" if 0xD800 <= ord(character) <= 0xDFFF else character
            for character in " ".join(text.splitlines())
        )


class EvidenceError(TamizError):
    """A source, image, volume, file system or stream cannot be opened or read."""


class ImageError(EvidenceError):
    """A file is no disk image that tamiz can open."""


class MissingSegmentError(ImageError):
    """A segment of a split image is missing; examining the rest would silently miss evidence."""


class VolumeError(EvidenceError):
    """A volume system cannot be read."""


class FileSystemError(EvidenceError):
    """A volume holds no file system that tamiz can read, or a damaged one."""


class StreamReadError(EvidenceError):
    """The bytes of one stream cannot be read whole."""


class LocatorError(EvidenceError):
    """A locator is malformed or points at nothing in this source."""


class MediaError(TamizError):
    """A content cannot be recognised or decoded."""


class PictureError(MediaError):
    """A picture cannot be decoded to pixels.

    Args:
        what: What is wrong.
        reason: The :class:`forensics.reason.Reason` code to record for the content.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what)
        self.args = (what, reason)
        self.reason = reason


class FilmError(PictureError):
    """A film cannot be decoded to frames."""


class HashSetError(TamizError):
    """A known-hash set or the library that holds it cannot be used."""


class ListFormatError(HashSetError):
    """A list file is of no known format, or broken beyond its single entries."""


class LibraryError(HashSetError):
    """The library of known-hash sets cannot be opened, read or written."""


class UnknownSetError(HashSetError):
    """The library holds no set of that name."""


class CaseError(TamizError):
    """A case file cannot be made, opened, read or written."""


class CaseWriteError(CaseError):
    """A case cannot be written now: the disk is full, or another command holds it. What it holds stays as it is."""


class NotACaseError(CaseError):
    """The file is not a tamiz case."""


class CaseVersionError(CaseError):
    """The case was written by a newer tamiz with a schema this one does not know."""


class SealedCaseError(CaseError):
    """The case is sealed: it is read and never written."""


class SealError(TamizError):
    """A case cannot be sealed, or a key, signature or time stamp cannot be made or read."""


class TriageError(TamizError):
    """A scan cannot start or go on."""


class PatternError(TamizError):
    """A pattern of paths, or a file of them, cannot be used."""


class ApprovalError(CaseError):
    """An approval cannot be given, or is wanted and not there."""


class OffenceError(TamizError):
    """A catalogue of offences cannot be used, or has no such offence."""


class ReportError(TamizError):
    """A report or export cannot be written."""


class PluginError(TamizError):
    """A plug-in cannot be loaded or registers something invalid."""
