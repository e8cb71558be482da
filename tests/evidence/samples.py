"""Evidence made by systems that are not at hand (Windows, macOS), from the source packages of dissect and cryptsetup.

The packages hold it as test data. It is not ours to ship: whoever wants these tests to run fetches the packages once
into a folder that is not committed, with the command that a skipped test names (``make test`` runs the one for
cryptsetup's).
"""

from __future__ import annotations

import gzip
import tarfile
from functools import cache
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[2] / ".samples"
_VERSIONS = {"apfs": "1.1", "fve": "4.6", "volume": "3.18", "xfs": "3.13"}


@cache
def _member(package: str, name: str) -> bytes:
    release = f"dissect_{package}-{_VERSIONS[package]}"
    archive = _FOLDER / f"{release}.tar.gz"
    if not archive.is_file():
        requirement = f"dissect.{package}=={_VERSIONS[package]}"
        pytest.skip(f"fetch it: pip download --no-deps --no-binary :all: -d .samples {requirement}")
    with tarfile.open(archive) as opened:
        file = opened.extractfile(f"{release}/tests/_data/{name}")
        assert file is not None
        return file.read()


def sample(package: str, name: str, folder: Path) -> Path:
    """Unpack a sample.

    Args:
        package: Of dissect: ``apfs``, ``fve``, ``volume``, ``xfs``.
        name: Path in its test data; ends in ``.gz``.
        folder: Where to put it.
    """
    path = folder / Path(name).stem
    path.write_bytes(gzip.decompress(_member(package, name)))
    return path


def cryptsetup_sample(name: str) -> Path:
    """Find a file or folder of what ``fetch_samples.sh`` unpacks, beginning with ``bitlk-images`` and the like."""
    if not (_FOLDER / Path(name).parts[0]).is_dir():
        pytest.skip("fetch it: make samples (Debian's source package of cryptsetup)")
    return _FOLDER / name
