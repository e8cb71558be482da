"""What was planted in an image, written down when it was made: the truth that a walk is held against."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from forensics.evidence.keys import Keyring
from forensics.evidence.stream import display_text
from forensics.reason import Reason

_PIECE = 512


@dataclass(frozen=True, slots=True)
class Planted:
    """One stream that was written.

    Attributes:
        planted_class: In which way it is hard to find or to read.
        volume: Volume label.
        path: Path inside the volume, as it is stored, in UTF-8 where the file system stores characters.
        size: Length in bytes.
        md5: Digest.
        sha256: Digest.
        deleted: Whether it was deleted in the end.
        recoverable: Whether its bytes, and what leads to them, are still in the image.
        why: Why so, for a deleted one.
        name_lost: Why it goes by another name than it was given, where that is known to be so.
    """

    planted_class: str
    volume: str
    path: bytes
    size: int
    md5: str
    sha256: str
    deleted: bool = False
    recoverable: bool = True
    why: str = ""
    name_lost: str = ""


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image and the truth about it.

    Attributes:
        name: What it is, mostly the file system.
        path: The evidence file to open.
        planted: Every stream that was written.
        told: What a walk must report as not examined: volume label and reason; nothing else may be.
        keyring: Keys to its encrypted volumes.
    """

    name: str
    path: Path
    planted: tuple[Planted, ...]
    told: frozenset[tuple[str, Reason]] = frozenset()
    keyring: Keyring | None = None

    def write_manifest(self) -> Path:
        """Write the truth beside the image, as JSON; gives the file."""
        rows = [
            {
                "class": item.planted_class,
                "volume": item.volume,
                "path": display_text(item.path),
                "path_bytes": item.path.hex(),
                "size": item.size,
                "md5": item.md5,
                "sha256": item.sha256,
                "state": "deleted" if item.deleted else "allocated",
                "recoverable": item.recoverable,
                "why": item.why,
                "name_lost": item.name_lost,
            }
            for item in self.planted
        ]
        told = [{"volume": volume, "reason": str(reason)} for volume, reason in sorted(self.told)]
        file = self.path.with_name(f"{self.path.name}.manifest.json")
        document = {"image": self.path.name, "name": self.name, "not_examined": told, "streams": rows}
        file.write_text(json.dumps(document, indent=1), encoding="ascii")
        return file


def planted(planted_class: str, path: bytes | str, content: bytes, volume: str = "p0") -> Planted:
    """The truth about an allocated stream."""
    where = path if isinstance(path, bytes) else path.encode("utf-8", "surrogatepass")
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Planted(planted_class, volume, where, len(content), md5, hashlib.sha256(content).hexdigest())


def places(image: Path, contents: Mapping[str, bytes]) -> dict[str, list[int]]:
    """Where the contents stand in an image: an offset for each 512 bytes, found by looking for the bytes themselves.

    Args:
        image: The image, with nothing deleted yet.
        contents: Noise, of which no 512 bytes are found twice; by any key.
    """
    data = image.read_bytes()
    found = {}
    for key, content in contents.items():
        offsets: list[int] = []
        for start in range(0, len(content), _PIECE):
            piece = content[start : start + _PIECE]
            following = offsets[-1] + _PIECE if offsets else 0
            offsets.append(following if data[following : following + len(piece)] == piece else data.find(piece))
        found[key] = offsets
    return found


def still_there(image: Path, content: bytes, offsets: Iterable[int]) -> bool:
    """Tell whether a content still stands where it was found."""
    with image.open("rb") as file:
        for number, offset in enumerate(offsets):
            file.seek(offset)
            piece = content[number * _PIECE : (number + 1) * _PIECE]
            if offset < 0 or file.read(len(piece)) != piece:
                return False
    return True
