"""Files that hold more than one picture, written byte by byte where no library at hand writes them.

``samples/two_pictures.heic`` holds ``plasma(96, 128, seed, 2.0)`` for the seeds 1 and 2 and was written once with
``pillow_heif`` 1.8, whose encoder is under the GPL and so is not installed here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.pictures import Pixels, encoded

HEIC = Path(__file__).with_name("samples") / "two_pictures.heic"

LOSSLESS_JPEG = b"\xff\xd8\xff\xc3\x00\x0b\x0e\x10\x00\x10\x00\x01\x01\x11\x00" + bytes(range(256)) * 20 + b"\xff\xd9"
"""How a sensor's data often begins: a JPEG of a kind that holds no picture."""

Entry = int | bytes | Sequence[Mapping[int, "Entry"]]
"""A number; bytes that lie elsewhere; directories that lie elsewhere."""

_MAKERNOTE, _PANASONIC_PREVIEW = 37500, 46


def tiff(*chain: Mapping[int, Entry], header: bytes = b"II*\0", mark: bytes = b"") -> bytes:
    """A TIFF structure of any directories.

    Args:
        chain: The directories, one after the other.
        header: Byte order and magic number.
        mark: What stands behind the offset of the first directory.
    """
    data = bytearray(header + bytes(4) + mark)
    following = 0
    for directory in reversed(chain):
        following = _write_directory(data, directory, following)
    data[4:8] = struct.pack("<I", following)
    return bytes(data)


def exif_block(orientation: int = 1, thumbnail: bytes | None = None) -> bytes:
    """An Exif block as it stands in a JPEG."""
    chain: list[Mapping[int, Entry]] = [{274: orientation}]
    if thumbnail is not None:
        chain.append({259: 6, 513: thumbnail, 514: len(thumbnail)})
    return b"Exif\0\0" + tiff(*chain)


def camera_raw(  # noqa: C901  # one case for each maker
    maker: str, preview: bytes, thumbnail: bytes, orientation: int = 1
) -> bytes:
    """A file laid out as a camera of that kind lays it out, without a sensor's data."""
    sensor: dict[int, Entry] = {259: 1, 262: 32803, 273: bytes(9000), 279: 9000}
    small: dict[int, Entry] = {259: 6, 513: thumbnail, 514: len(thumbnail)}
    by_tags: dict[int, Entry] = {259: 6, 513: preview, 514: len(preview)}
    by_strip: dict[int, Entry] = {259: 7, 262: 6, 273: preview, 279: len(preview)}
    lossless: dict[int, Entry] = {259: 6, 273: LOSSLESS_JPEG, 279: len(LOSSLESS_JPEG)}
    match maker:
        case "CR2":
            first: dict[int, Entry] = {259: 6, 273: preview, 274: orientation, 279: len(preview)}
            return tiff(first, small, lossless, mark=b"CR\x02\0\0\0\0\0")
        case "NEF":
            uncompressed: dict[int, Entry] = {256: 4, 257: 4, 259: 1, 262: 2, 273: bytes(48), 279: 48}
            return tiff({**uncompressed, 274: orientation, 330: [by_tags, sensor, small]})
        case "ARW":
            return tiff({**by_tags, 274: orientation, 330: [sensor]}, small)
        case "DNG":
            return tiff({50706: 0x00000401, 274: orientation, 330: [sensor, by_strip, small]})
        case "PEF":
            return tiff({**sensor, 274: orientation}, small, by_tags)
        case "ORF":
            note = b"OLYMPUS\0II\3\0" + bytes(64) + thumbnail + bytes(7) + preview
            return tiff({**sensor, 274: orientation, _MAKERNOTE: note}, header=b"IIRO")
        case "RW2":
            return tiff({**sensor, 274: orientation, _PANASONIC_PREVIEW: preview}, header=b"IIU\0")
        case "RAF":
            return b"FUJIFILMCCD-RAW 0201FF389501" + bytes(120) + preview + bytes(5000) + LOSSLESS_JPEG
        case "CR3":
            boxes = struct.pack(">I8sI4s4s", 24, b"ftypcrx ", 1, b"crx ", b"isom")
            for name, content in ((b"uuid", bytes(24) + thumbnail), (b"mdat", preview + bytes(5000))):
                boxes += struct.pack(">I4s", 8 + len(content), name) + content
            return boxes
    raise ValueError(maker)


def photoshop(composite: Pixels, layers: Sequence[tuple[int, int, Pixels]]) -> bytes:
    """A Photoshop file.

    Args:
        composite: What every viewer shows.
        layers: Left, top and pixels of each layer.
    """
    records, channel_data = b"", b""
    for left, top, pixels in layers:
        height, width = pixels.shape[:2]
        records += struct.pack(">iiiiH", top, left, top + height, left + width, 3)
        records += b"".join(struct.pack(">hI", channel, 2 + height * width) for channel in range(3))
        records += b"8BIMnorm" + struct.pack(">BBBBI", 255, 0, 0, 0, 12) + bytes(12)
        channel_data += b"".join(b"\0\0" + pixels[:, :, channel].tobytes() for channel in range(3))
    layer_info = struct.pack(">h", len(layers)) + records + channel_data
    layer_info += bytes(len(layer_info) % 2)
    height, width = composite.shape[:2]
    section = struct.pack(">I", len(layer_info)) + layer_info if layers else b""
    return (
        b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, height, width, 8, 3) + bytes(8)
        + struct.pack(">I", len(section)) + section
        + b"\0\0" + b"".join(composite[:, :, channel].tobytes() for channel in range(3))
    )  # fmt: skip


def dcx(*pages: Pixels) -> bytes:
    """Several PCX pictures in one file."""
    files = [encoded(page, "PCX") for page in pages]
    offset = 4 + 4 * (len(files) + 1)
    index = b""
    for file in files:
        index += struct.pack("<I", offset)
        offset += len(file)
    return struct.pack("<I", 0x3ADE68B1) + index + bytes(4) + b"".join(files)


def _write_directory(data: bytearray, directory: Mapping[int, Entry], following: int) -> int:
    """Append a directory and what it points at; its offset."""
    entries = b""
    for tag, value in sorted(directory.items()):
        if isinstance(value, int):
            entries += struct.pack("<HHII", tag, 4, 1, value)
        elif isinstance(value, bytes):
            kind, count = (7, len(value)) if tag in {_MAKERNOTE, _PANASONIC_PREVIEW} else (4, 1)
            entries += struct.pack("<HHII", tag, kind, count, len(data))
            data += value + bytes(len(value) % 2)
        else:
            offsets = [_write_directory(data, sub, 0) for sub in value]
            place = len(data) if len(offsets) > 1 else offsets[0]
            data += struct.pack(f"<{len(offsets)}I", *offsets) if len(offsets) > 1 else b""
            entries += struct.pack("<HHII", tag, 4, len(offsets), place)
    offset = len(data)
    data += struct.pack("<H", len(directory)) + entries + struct.pack("<I", following)
    return offset
