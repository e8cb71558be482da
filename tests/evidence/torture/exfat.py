"""exFAT for the torture set: formatted by mkfs.exfat, filled by a writer of our own, checked by fsck.exfat.

Layout and checksums: Microsoft, *exFAT file system specification* (revision 1.00).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.evidence.noise import noise
from tests.evidence.torture import names, programs
from tests.evidence.torture.manifest import BuiltImage, planted

_MOST_ENTRIES = 5000
_END_OF_CHAIN = 0xFFFFFFFF
_IN_USE = 0x80
_DIRECTORY, _ARCHIVE = 0x10, 0x20
_NO_FAT_CHAIN = 2


@dataclass
class _Folder:
    """A folder: where its own entry set must be written, and its entries so far."""

    entries: bytearray
    name: str = ""


class ExfatVolume:
    """Files in an empty volume; written when it is closed.

    Args:
        image: A volume that mkfs.exfat has just made.
    """

    def __init__(self, image: Path) -> None:
        self._image = image
        self._data = bytearray(image.read_bytes())
        fat, _, heap, _, self._root = struct.unpack_from("<IIIII", self._data, 80)
        sector, per_cluster = 1 << self._data[108], 1 << self._data[109]
        self._fat, self._heap, self.cluster = fat * sector, heap * sector, sector * per_cluster
        root = self._offset(self._root)
        (entry,) = (at for at in range(root, root + self.cluster, 32) if self._data[at] == 0x81)
        self._bitmap = self._offset(struct.unpack_from("<I", self._data, entry + 20)[0])
        self._next = max(n for n in range(2, 4096) if self._in_use(n)) + 1
        kept = [self._data[at : at + 32] for at in range(root, root + self.cluster, 32) if self._data[at]]
        self._folders = {"": _Folder(bytearray(b"".join(kept)))}
        self._deleted: set[str] = set()

    def create(self, path: str, content: bytes, *, fragmented: bool = False, deleted: bool = False) -> None:
        """Write a file; a fragmented one has every other cluster."""
        folder, _, name = path.rpartition("/")
        parent = self._folders.setdefault(folder, _Folder(bytearray(), folder))
        first, chained = self._store(content, 2 if fragmented else 1, allocate=not deleted)
        entries = bytearray(_entry_set(name, _ARCHIVE, first, len(content), chained))
        if deleted:
            for at in range(0, len(entries), 32):
                entries[at] &= ~_IN_USE
        parent.entries += entries

    def close(self) -> None:
        """Write the folders and the file."""
        root = self._folders.pop("")
        for name, folder in self._folders.items():
            entries = bytes(folder.entries).ljust(-(-(len(folder.entries) + 32) // self.cluster) * self.cluster, b"\0")
            first, chained = self._store(entries, 1, allocate=True)
            root.entries += _entry_set(name, _DIRECTORY, first, len(entries), chained)
        padded = bytes(root.entries).ljust(-(-len(root.entries) // self.cluster) * self.cluster, b"\0")
        at = self._offset(self._root)
        self._data[at : at + self.cluster] = padded[: self.cluster]
        assert len(padded) <= self.cluster
        self._image.write_bytes(self._data)

    def _store(self, content: bytes, step: int, *, allocate: bool) -> tuple[int, bool]:
        count = -(-len(content) // self.cluster)
        clusters = [self._next + step * number for number in range(count)]
        if not clusters:
            return 0, False
        self._next = clusters[-1] + step
        for number, cluster in enumerate(clusters):
            piece = content[number * self.cluster : (number + 1) * self.cluster]
            at = self._offset(cluster)
            self._data[at : at + len(piece)] = piece
            if allocate:
                self._data[self._bitmap + (cluster - 2) // 8] |= 1 << (cluster - 2) % 8
            if step > 1:
                following = clusters[number + 1] if number + 1 < count else _END_OF_CHAIN
                struct.pack_into("<I", self._data, self._fat + 4 * cluster, following)
        return clusters[0], step > 1

    def _offset(self, cluster: int) -> int:
        return int(self._heap + (cluster - 2) * self.cluster)

    def _in_use(self, cluster: int) -> bool:
        return bool(self._data[self._bitmap + (cluster - 2) // 8] >> (cluster - 2) % 8 & 1)


def _entry_set(name: str, attributes: int, first: int, size: int, chained: bool) -> bytes:
    text = name.encode("utf-16-le", "surrogatepass")
    parts = [text[start : start + 30].ljust(30, b"\0") for start in range(0, len(text), 30)]
    file = struct.pack("<BBHHHIII", 0x85, len(parts) + 1, 0, attributes, 0, *(0x5A21_8000,) * 3).ljust(32, b"\0")
    flags = (1 if first else 0) | (0 if chained or not first else _NO_FAT_CHAIN)
    head = struct.pack("<BBBBHHQIIQ", 0xC0, flags, 0, len(text) // 2, _name_hash(text), 0, size, 0, first, size)
    entries = bytearray(file + head + b"".join(b"\xc1\0" + part for part in parts))
    checksum = 0
    for number, byte in enumerate(entries):
        if number not in {2, 3}:
            checksum = ((checksum << 15 | checksum >> 1) + byte) & 0xFFFF
    struct.pack_into("<H", entries, 2, checksum)
    return bytes(entries)


def _name_hash(text: bytes) -> int:
    value = 0
    for at in range(0, len(text), 2):
        (unit,) = struct.unpack_from("<H", text, at)
        upper = chr(unit).upper() if not 0xD800 <= unit < 0xE000 else chr(unit)
        unit = ord(upper) if len(upper) == 1 and ord(upper) < 0x10000 else unit
        for byte in (unit & 0xFF, unit >> 8):
            value = ((value << 15 | value >> 1) + byte) & 0xFFFF
    return value


def build(folder: Path, entries: int) -> Iterator[BuiltImage]:
    """Build the exFAT image."""
    image = folder / "exfat.raw"
    with image.open("xb") as file:
        file.truncate(64 << 20)
    programs.run("mkfs.exfat", "-c", "4096", image)
    volume = ExfatVolume(image)
    draw = noise(501)
    truth = []
    for size in (0, 1, 4096, 70_000, 2_000_000):
        content = draw.randbytes(size)
        volume.create(f"plain/{size}", content)
        truth.append(planted("plain", f"plain/{size}", content))
    content = draw.randbytes(50_000)
    volume.create("in pieces", content, fragmented=True)
    truth.append(planted("in pieces", "in pieces", content))
    for name in (*names.EVERYWHERE, "\u00f1" * 255):
        content = draw.randbytes(600)
        volume.create(f"names/{name}", content)
        truth.append(planted("hostile name", f"names/{name}", content))
    for number in range(min(entries, _MOST_ENTRIES)):
        content = b"content of entry %d\n" % number
        volume.create(f"many/entry {number:06}.txt", content)
        truth.append(planted("large directory", f"many/entry {number:06}.txt", content))
    for number in range(20):
        content = draw.randbytes(9000 + number)
        path = f"gone/file {number:02}.bin"
        volume.create(path, content, deleted=True)
        truth.append(replace(planted("deleted", path, content), deleted=True, why="one run, untouched"))
    volume.close()
    programs.run("fsck.exfat", "-n", image)
    yield BuiltImage("exFAT", image, tuple(truth))
