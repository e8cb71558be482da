"""What the acquisition recorded in an EWF version 2 image (Ex01): geometry, digests, case details and read errors.

Format: Joachim Metz, "Expert Witness Compression Format version 2 specification" (libewf documentation), sections 3
and 4. The names of the case details are libewf's, as for E01.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from forensics.evidence.images.ewf2_sections import Section, SectionKind
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.inflate import InflateError, adler32, inflate

_LARGEST_STRING = 1 << 20
_NAMES = {
    "nm": "description",
    "cn": "case_number",
    "en": "evidence_number",
    "ex": "examiner_name",
    "nt": "notes",
    "md": "model",
    "sn": "serial_number",
    "lb": "device_label",
    "av": "acquiry_software_version",
    "os": "acquiry_operating_system",
    "tt": "system_date",
    "at": "acquiry_date",
    "pid": "process_identifier",
}
_DATES = frozenset({"acquiry_date", "system_date"})
_ESCAPES = str.maketrans({"\x01": "\n", "\x02": "\r", "\x03": "\t"})
_DIGESTS: dict[int, tuple[str, int]] = {SectionKind.MD5_HASH: ("md5", 16), SectionKind.SHA1_HASH: ("sha1", 20)}
_ERROR_HEADER_SIZE, _ERROR_HEADER_DATA = 32, 20
_ERROR_ENTRY = struct.Struct("<QI4x")
_ERRORS_TOLD = 100


def read_values(
    files: SegmentFiles, sections: Sequence[Section], kind: SectionKind, *, deflated: bool
) -> dict[str, str]:
    """Read the values of a section that is repeated in each segment file, by their tags.

    Args:
        files: The segment files.
        sections: Their sections, in order.
        kind: Device information or case data.
        deflated: Whether strings are compressed.

    Returns:
        The values of the first such section that is whole; nothing if there is none.
    """
    for section in sections:
        if section.kind != kind or section.size > _LARGEST_STRING:
            continue
        data = files.read(section.segment, section.offset, section.size)
        try:
            text = inflate(data, _LARGEST_STRING) if deflated else data
        except InflateError:
            continue
        values = _values(text.decode("utf-16" if text[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-16-le", "replace"))
        if values:
            return values
    return {}


def details(values: Mapping[str, str]) -> dict[str, str]:
    """Name what the acquisition tool noted, as for E01; dates are in UTC."""
    named = {_NAMES[tag]: value for tag, value in values.items() if tag in _NAMES and value}
    return {name: _date(value) if name in _DATES else value for name, value in named.items()}


def read_digests(files: SegmentFiles, sections: Sequence[Section]) -> dict[str, str]:
    """Read the digests of the medium recorded at acquisition, by hashlib's names. Those stored last count."""
    digests = {}
    for section in sections:
        if section.kind not in _DIGESTS:
            continue
        name, size = _DIGESTS[section.kind]
        data = files.read(section.segment, section.offset, min(size + 4, section.size))
        if len(data) == size + 4 and _is_checked(data) and any(data[:size]):
            digests[name] = data[:size].hex()
    return digests


def read_errors(files: SegmentFiles, sections: Sequence[Section]) -> str:
    """Read which sectors could not be acquired and stand as zeros in the image, as text."""
    told: list[str] = []
    total = 0
    for section in sections:
        if section.kind != SectionKind.ERROR_TABLE:
            continue
        header = files.read(section.segment, section.offset, _ERROR_HEADER_DATA)
        count = int.from_bytes(header[:4], "little")
        room = (section.size - _ERROR_HEADER_SIZE) // _ERROR_ENTRY.size
        if not _is_checked(header) or count > room:
            return "the list of unreadable sectors is damaged"
        total += count
        size = min(count, _ERRORS_TOLD) * _ERROR_ENTRY.size
        data = files.read(section.segment, section.offset + _ERROR_HEADER_SIZE, size)
        told += [
            f"{start} to {start + number - 1}"
            for start, number in _ERROR_ENTRY.iter_unpack(data[: len(data) // _ERROR_ENTRY.size * _ERROR_ENTRY.size])
            if number
        ]
    more = f" and {total - _ERRORS_TOLD} more ranges" if total > _ERRORS_TOLD else ""
    return f"sectors {', '.join(told[:_ERRORS_TOLD])}{more}" if told else ""


def _is_checked(data: bytes) -> bool:
    """Tell whether data end in their Adler-32."""
    return len(data) > 4 and adler32(data[:-4]) == int.from_bytes(data[-4:], "little")


def _values(text: str) -> dict[str, str]:
    """Take the values of the main object: a line of tags over a line of values, separated by tabs."""
    lines = text.rstrip("\0").split("\n")
    if "main" not in lines[:-2]:
        return {}
    start = lines.index("main")
    pairs = zip(lines[start + 1].split("\t"), lines[start + 2].split("\t"), strict=False)
    return {tag: value.translate(_ESCAPES) for tag, value in pairs}


def _date(value: str) -> str:
    try:
        return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return value
