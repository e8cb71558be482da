"""A disk, and the same disk in every format that a tool at hand writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evidence.conftest import Run
from tests.evidence.noise import noise

MEDIUM_SIZE = 3 << 20


@pytest.fixture(scope="session")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw medium of noise, text and gaps, in pieces of all sizes."""
    draw = noise(31)
    content = bytearray(MEDIUM_SIZE)
    position = 8192
    while position < MEDIUM_SIZE - 300_000:
        size = draw.choice([512, 4096, 70_000, 200_192])
        content[position : position + size] = draw.choice([draw.randbytes(size), (b"line of text\n" * size)[:size]])
        position += size + draw.choice([0, 512, 66_000, 140_000])
    path = tmp_path_factory.mktemp("medium") / "medium.raw"
    path.write_bytes(content)
    return path


@pytest.fixture(scope="session")
def gpt_disk(tmp_path_factory: pytest.TempPathFactory, run: Run, ext4_image: Path, fat_image: Path) -> Path:
    """A disk with a GPT, an ext4 and a FAT file system."""
    image = tmp_path_factory.mktemp("gpt") / "disk.raw"
    ext4, fat = ext4_image.read_bytes(), fat_image.read_bytes()
    with image.open("xb") as file:
        file.truncate(24 << 20)
    first, second = 2048, 2048 + len(ext4) // 512
    run(
        "sfdisk",
        image,
        standard_input=f"label: gpt\nstart={first}, size={len(ext4) // 512}\nstart={second}, size={len(fat) // 512}\n",
    )
    with image.open("r+b") as file:
        file.seek(first * 512)
        file.write(ext4)
        file.seek(second * 512)
        file.write(fat)
    return image
