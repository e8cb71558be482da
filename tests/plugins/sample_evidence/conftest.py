"""The Sleuth Kit's own programs as the oracle: they share no code with what builds the evidence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import pytsk3

from plugins.sample_evidence import programs
from plugins.sample_evidence.disk import SampleEvidence, build

Listing = dict[str, tuple[str, bool]]
_LINE = re.compile(r"(?P<name>.)/(?P<meta>.) (?P<deleted>\* )?(?P<address>[0-9-]+)(?:\(realloc\))?:\t(?P<path>.*)")
_ORACLES = ("fls", "icat", "fsstat", "mmls", "ewfverify", "ewfinfo", "ntfsfix", "e2fsck", "fsck.vfat")
# Debian keeps file-system tools out of an ordinary user's PATH.
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


@pytest.fixture(scope="session")
def tools() -> None:
    """What builds the evidence and what checks it is installed."""
    lacking = [*programs.missing(), *(name for name in _ORACLES if shutil.which(name, path=_PATH) is None)]
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}")


@pytest.fixture(scope="session")
def list_files(tools: None) -> Callable[[Path, int], Listing]:
    """Regular files by path, as ``fls`` lists them: address and whether deleted. Virtual files are left out."""

    def listing(image: Path, offset: int = 0) -> Listing:
        output = _output("fls", "-r", "-p", "-o", str(offset // 512), str(image)).decode()
        files = {}
        for line in output.splitlines():
            match = _LINE.fullmatch(line)
            assert match is not None, line
            if match["meta"] == "r" and not match["path"].startswith("$") and "Volume Label" not in line:
                files[match["path"]] = (match["address"], match["deleted"] is not None)
        return files

    return listing


@pytest.fixture(scope="session")
def read_stream(tools: None) -> Callable[[Path, int, str], bytes]:
    """The bytes at an address, as ``icat`` recovers them."""

    def stream(image: Path, offset: int, address: str) -> bytes:
        return _output("icat", "-r", "-o", str(offset // 512), str(image), address)

    return stream


@pytest.fixture(scope="session")
def read_streams() -> Callable[[Path, int, Iterable[str]], dict[str, bytes]]:
    """The bytes at many addresses, as The Sleuth Kit's library recovers them, without a process for each."""

    def streams(image: Path, offset: int, addresses: Iterable[str]) -> dict[str, bytes]:
        file_system = pytsk3.FS_Info(pytsk3.Img_Info(str(image)), offset=offset)
        found = {}
        for address in addresses:
            number, *attribute = (int(part) for part in address.split("-"))
            file = file_system.open_meta(inode=number)
            chosen = [item for item in file if [int(item.info.type), item.info.id] == attribute] or list(file)
            size = chosen[0].info.size if chosen else 0
            found[address] = file.read_random(0, size, *attribute) if size else b""
        return found

    return streams


@pytest.fixture(scope="session")
def output_of(tools: None) -> Callable[..., bytes]:
    """Run a program that must succeed and take its output."""
    return _output


@pytest.fixture(scope="session")
def evidence(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleEvidence]:
    """The sample evidence, built once."""
    folder = tmp_path_factory.mktemp("evidence")
    yield build(folder)
    shutil.rmtree(folder)


def _output(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PATH": _PATH}).stdout
