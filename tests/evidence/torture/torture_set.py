"""The whole torture set, in the order of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.evidence.torture import disks, exfat, ext, fat, ntfs, read_only
from tests.evidence.torture.manifest import BuiltImage

QUICK_ENTRIES = 300
"""Files in each large directory, for tests."""

FULL_ENTRIES = 100_000
"""The same, for the bench when asked; FAT and exFAT get fewer."""

Builder = Callable[[Path, int], Iterator[BuiltImage]]
"""Takes an empty folder and the number of files in a large directory; gives images, one after another."""


def _one(build: Callable[[Path, int], BuiltImage]) -> Builder:
    def builder(folder: Path, entries: int) -> Iterator[BuiltImage]:
        yield build(folder, entries)

    return builder


BUILDERS: dict[str, Builder] = {
    "NTFS": ntfs.build,
    "ext": ext.build,
    "FAT": fat.build,
    "exFAT": exfat.build,
    **{name: _one(build) for name, build in read_only.builders().items()},
    "disks": disks.build,
}
"""Everything that is built, by a name for people."""
