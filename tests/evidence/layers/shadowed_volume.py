"""The NTFS volume with two shadow copies of the plaso project's test data, and what others make of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pyvshadow

from tests.evidence.conftest import Run
from tests.evidence.sleuthkit import fls, icat

HEADER = 0x1E00
_CATALOGUE_AT = 48
_TABLES_OF_A_COPY = 3
_PIECE = 1 << 17


@dataclass(frozen=True)
class Shadowed:
    """The volume.

    Attributes:
        image: Its raw bytes.
        copies: The raw bytes of each shadow copy as libvshadow gives them, the oldest first.
    """

    image: Path
    copies: tuple[Path, ...]

    @property
    def states(self) -> dict[str, Path]:
        """The raw bytes of each state of the volume, by its label."""
        return {"p0": self.image} | {f"p0/vss{number}": path for number, path in enumerate(self.copies, start=1)}


def convert(corpora: Path, run: Run, image: Path) -> Path:
    """Write the volume out as raw bytes."""
    run("qemu-img", "convert", "-O", "raw", corpora / "disk-images/plaso/vsstest.qcow2", image)
    return image


def export(image: Path) -> Shadowed:
    """Write every shadow copy out beside the image, by libvshadow on its own."""
    volume = pyvshadow.volume()
    volume.open(str(image))
    stores = sorted(volume.stores, key=lambda store: int(store.get_creation_time_as_integer()))
    copies = []
    for number, store in enumerate(stores, start=1):
        copies.append(image.with_suffix(f".vss{number}"))
        with copies[-1].open("xb") as file:
            for offset in range(0, store.volume_size, _PIECE):
                piece = store.read_buffer_at_offset(min(_PIECE, store.volume_size - offset), offset)
                if piece.count(0) < len(piece):
                    file.seek(offset)
                    file.write(piece)
            file.truncate(store.volume_size)
    return Shadowed(image, tuple(copies))


def contents(state: Path) -> dict[str, str]:
    """MD5 of every stream that fls lists and icat gives, by address; without the map of bad clusters, all holes."""
    return {
        listed.address: hashlib.md5(icat(state, listed.address), usedforsecurity=False).hexdigest()
        for listed in fls(state)
        if not listed.directory and not listed.path.endswith(b"$BadClus:$Bad")
    }


def structures(image: Path) -> list[tuple[int, int]]:
    """Offset and length of what describes the shadow copies: header, catalogue, and the tables of each copy."""
    size = image.stat().st_size
    with image.open("rb") as file:

        def number(offset: int) -> int:
            file.seek(offset)
            return int.from_bytes(file.read(8), "little")

        catalogue = number(HEADER + _CATALOGUE_AT)
        places = [(HEADER, 128), (catalogue, 128 * 7)]
        for entry in range(catalogue + 128, catalogue + 16384, 128):
            if number(entry) == _TABLES_OF_A_COPY:
                # block list, then store header, range list and bitmap
                offsets = (number(entry + at) for at in (8, 32, 40, 48))
                places += [(offset, 512) for offset in offsets if 0 < offset < size]
    return places
