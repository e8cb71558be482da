"""What the acquisition recorded in an EWF image: the medium's geometry, digests, case details and read errors.

Format: Joachim Metz, "Expert Witness Compression Format specification" (libewf documentation), section 3. The names of
the case details are libewf's, which other tools show too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forensics.errors import ImageError
from forensics.evidence.images.ewf_files import SegmentFiles
from forensics.evidence.images.ewf_sections import Section
from forensics.evidence.images.inflate import InflateError, adler32, inflate

_VOLUME = struct.Struct("<4xIIIQ")
_SMART_VOLUME = struct.Struct("<4xIIII")
_VOLUME_SIZE = 1052
_SMART_VOLUME_SIZE = 94
_IDENTIFIER = slice(64, 80)
_DIGESTS = {"hash": (36, {"md5": slice(0, 16)}), "digest": (80, {"md5": slice(0, 16), "sha1": slice(16, 36)})}
_LARGEST_CHUNK = 32768 * 4096
_LARGEST_SECTOR = 1 << 16
_LARGEST_HEADER = 1 << 20
_ERROR_HEADER_SIZE = 520
_ERROR_ENTRY = struct.Struct("<II")
_ERRORS_TOLD = 100
_NAMES = {
    "a": "description",
    "c": "case_number",
    "n": "evidence_number",
    "e": "examiner_name",
    "t": "notes",
    "md": "model",
    "sn": "serial_number",
    "l": "device_label",
    "av": "acquiry_software_version",
    "ov": "acquiry_operating_system",
    "m": "acquiry_date",
    "u": "system_date",
    "r": "compression_level",
    "pid": "process_identifier",
    "ext": "extents",
}
_DATES = frozenset({"acquiry_date", "system_date"})


@dataclass(frozen=True, slots=True)
class Medium:
    """The medium an image was acquired from.

    Attributes:
        sector_size: Bytes a sector.
        chunk_size: Bytes a chunk.
        size: Bytes of the medium.
        smart: Whether the image is laid out as SMART does it: its tables have no checksums.
    """

    sector_size: int
    chunk_size: int
    size: int
    smart: bool


def read_medium(files: SegmentFiles, sections: Sequence[Section], path: Path) -> Medium:
    """Read the geometry of the medium.

    Args:
        files: The segment files.
        sections: Their sections, in order.
        path: The image, for errors.

    Raises:
        ImageError: Nothing states it, it makes no sense, or the segments are of different images.
    """
    candidates = [section for section in sections if section.kind in {"volume", "disk", "data"}]
    # a stable sort: the copy in a data section is only asked if the volume section is damaged
    candidates.sort(key=lambda section: section.kind == "data")
    medium, identifier = None, b""
    for section in candidates:
        data = _checked(files, section, min(section.data_size, _VOLUME_SIZE))
        if data is None:
            continue
        if medium is None:
            medium = _medium(data, path)
        found = data[_IDENTIFIER] if len(data) == _VOLUME_SIZE else b""
        if identifier.strip(b"\0") and found.strip(b"\0") and found != identifier:
            raise ImageError(
                f"segment {section.segment + 1} belongs to another acquisition than the first one",
                str(path),
                "put the segments of each acquisition into a folder of their own",
            )
        identifier = identifier or found
    if medium is None:
        raise ImageError("nothing in it says how large the medium is", str(path), "copy or acquire the image again")
    return medium


def read_digests(files: SegmentFiles, sections: Sequence[Section]) -> Mapping[str, str]:
    """Read the digests of the medium recorded at acquisition, by hashlib's names. Those stored last count."""
    digests = {}
    for section in sections:
        if section.kind in _DIGESTS:
            size, places = _DIGESTS[section.kind]
            data = _checked(files, section, size) or b""
            digests.update({name: data[place].hex() for name, place in places.items() if any(data[place])})
    return digests


def read_details(files: SegmentFiles, sections: Sequence[Section]) -> Mapping[str, str]:
    """Read what the acquisition tool noted.

    Returns:
        ``case_number``, ``evidence_number``, ``examiner_name``, ``description``, ``notes``, ``acquiry_date``,
        ``acquiry_software_version`` and more, as far as they are there. A date that ends in ``Z`` is in UTC; any other
        is in the local time of the machine that acquired. ``acquisition_read_errors`` lists the sectors that could not
        be read from the medium and stand as zeros in the image. ``unreadable_sections`` names sections that should
        hold such details and are damaged.
    """
    details: dict[str, str] = {}
    unreadable: list[str] = []
    # header2 says the same as header in any script, and its dates in UTC
    for kind in ("header2", "header"):
        texts = [_header_text(files, section) for section in sections if section.kind == kind]
        text = next((text for text in texts if text is not None), None)
        if text is not None:
            details = {**_header_values(text), **details}
        elif texts:
            unreadable.append(kind)
    for section in sections:
        if section.kind == "error2":
            errors = _read_errors(files, section)
            if errors is None:
                unreadable.append(section.kind)
            elif errors:
                details["acquisition_read_errors"] = errors
        elif section.kind in _DIGESTS and _checked(files, section, _DIGESTS[section.kind][0]) is None:
            unreadable.append(section.kind)
    if unreadable:
        details["unreadable_sections"] = ", ".join(dict.fromkeys(unreadable))
    return details


def _checked(files: SegmentFiles, section: Section, size: int) -> bytes | None:
    """Read the data of a section that ends in an Adler-32; ``None`` if it is cut off or damaged."""
    if not 4 <= size <= section.data_size:
        return None
    data = files.read(section.segment, section.data_offset, size)
    if len(data) < size or adler32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        return None
    return data


def _medium(data: bytes, path: Path) -> Medium:
    smart = len(data) == _SMART_VOLUME_SIZE
    if not smart and len(data) < _VOLUME_SIZE:
        raise ImageError("has a volume section of unknown layout", str(path), "convert it to raw")
    _, sectors_per_chunk, sector_size, sectors = (_SMART_VOLUME if smart else _VOLUME).unpack_from(data)
    chunk_size = sectors_per_chunk * sector_size
    if not (0 < sector_size <= _LARGEST_SECTOR and 0 < chunk_size <= _LARGEST_CHUNK):
        raise ImageError(
            f"states {sectors_per_chunk} sectors of {sector_size} bytes a chunk, which no tool writes",
            str(path),
            "copy or acquire the image again",
        )
    return Medium(sector_size, chunk_size, sectors * sector_size, smart)


def _header_text(files: SegmentFiles, section: Section) -> str | None:
    """Inflate and decode a header section; ``None`` if it is damaged."""
    if section.data_size > _LARGEST_HEADER:
        return None
    try:
        data = inflate(files.read(section.segment, section.data_offset, section.data_size), _LARGEST_HEADER)
    except InflateError:
        return None
    if section.kind == "header2":
        return data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # the code page is not stored; this one is the most common, and what it lacks is shown as an escape
        return data.decode("cp1252", "backslashreplace")


def _header_values(text: str) -> dict[str, str]:
    """Take the values of the main category: a line of identifiers over a line of values, separated by tabs."""
    lines = text.replace("\r", "").rstrip("\0").split("\n")
    if "main" not in lines[:-2]:
        return {}
    start = lines.index("main")
    values = {}
    for identifier, value in zip(lines[start + 1].split("\t"), lines[start + 2].split("\t"), strict=False):
        name = _NAMES.get(identifier)
        if name and value:
            values[name] = _date(value) if name in _DATES else value
    return values


def _date(value: str) -> str:
    """Write a stored date as ISO 8601: seconds since 1970 in UTC, or numbers from year to second in local time."""
    parts = value.split()
    try:
        if len(parts) == 1:
            return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return datetime(*map(int, parts)).isoformat()  # type: ignore[arg-type]  # noqa: DTZ001  it has no zone
    except (ValueError, TypeError, OverflowError, OSError):
        return value


def _read_errors(files: SegmentFiles, section: Section) -> str | None:
    """Read which sectors could not be acquired, as text; ``None`` if the section is damaged."""
    header = _checked(files, section, _ERROR_HEADER_SIZE)
    count = int.from_bytes(header[:4], "little") if header else 0
    size = count * _ERROR_ENTRY.size
    if header is None or _ERROR_HEADER_SIZE + size > section.data_size:
        return None
    told = [f"{start} to {start + number - 1}" for start, number in _error_entries(files, section, count)]
    more = f" and {count - len(told)} more ranges" if count > len(told) else ""
    return f"sectors {', '.join(told)}{more}" if told else ""


def _error_entries(files: SegmentFiles, section: Section, count: int) -> Iterator[tuple[int, int]]:
    size = min(count, _ERRORS_TOLD) * _ERROR_ENTRY.size
    data = files.read(section.segment, section.data_offset + _ERROR_HEADER_SIZE, size)
    for start, number in _ERROR_ENTRY.iter_unpack(data[: len(data) // _ERROR_ENTRY.size * _ERROR_ENTRY.size]):
        if number:
            yield start, number
