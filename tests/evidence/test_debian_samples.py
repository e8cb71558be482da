"""The images of Debian's forensics-samples packages: every name fls lists, with the bytes icat gives."""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path

import pytest

from forensics.evidence.source import Source
from tests.evidence.conftest import Require
from tests.evidence.sleuthkit import differences, walk

_FOLDER = Path("/usr/share/forensics-samples")
"""Where Debian installs them; read by everyone, changed by no one."""


@pytest.mark.parametrize("name", ["ntfs", "ext2", "ext4", "vfat", "exfat"])
def test_walk_equals_fls_and_icat(name: str, tmp_path: Path, require: Require) -> None:
    require("fls", "icat")
    packed = _FOLDER / f"fs.{name}.xz"
    if not packed.exists():
        pytest.skip(f"{packed.name} is not installed: apt install forensics-samples-{name}")
    image = tmp_path / f"{name}.raw"
    with lzma.open(packed) as source_file, image.open("wb") as target:
        shutil.copyfileobj(source_file, target, 1 << 20)
    with Source.open(image, "E1") as source:
        volume = next(volume for volume in source.volumes() if volume.label == "p1")
        assert list(differences(image, source, volume)) == []
        assert len([stream for stream in walk(source, volume)[0] if stream.not_hashable is None]) >= 18
    image.unlink()
