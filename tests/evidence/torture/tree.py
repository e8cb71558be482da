"""A folder to fill images from, with the truth about what is in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.evidence.torture.manifest import Planted, planted


class Tree:
    """A folder that programs copy into images.

    Args:
        folder: The folder to make.

    Attributes:
        folder: The folder.
        planted: What is in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planted: list[Planted] = []
        folder.mkdir()

    def write(self, kind: str, path: str | bytes, content: bytes) -> None:
        """Write a file and note it as one of a class."""
        self._place(path).write_bytes(content)
        self.planted.append(planted(kind, path, content))

    def write_sparsely(self, kind: str, path: str, pieces: Mapping[int, bytes]) -> None:
        """Write a file that has only these pieces; holes stand between them."""
        place = self._place(path)
        with place.open("wb") as file:
            for offset, content in pieces.items():
                file.seek(offset)
                file.write(content)
        self.planted.append(planted(kind, path, place.read_bytes()))

    def link(self, path: str, other: str) -> None:
        """Give a file another name."""
        self._place(other).hardlink_to(self.folder / path)

    def remove(self) -> None:
        """Remove the folder, when the image is made."""
        shutil.rmtree(self.folder)

    def _place(self, path: str | bytes) -> Path:
        place = self.folder / (os.fsdecode(path) if isinstance(path, bytes) else path)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place
