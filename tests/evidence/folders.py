"""Folders for the tests: a real tree with everything a file system can hold, and mounts of a script's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream


def varied_tree(root: Path) -> Path:
    """A tree with plain, empty, sparse and twice-named files, odd names, links, a pipe and a socket."""
    (root / "deep/er").mkdir(parents=True)
    (root / "empty folder").mkdir()
    for number in range(40):
        (root / f"text{number:02}.txt").write_bytes(b"%d " % number * (1 + 97 * number))
        (root / f"deep/er/{number}").write_bytes(os.urandom(500 + number))
    (root / "empty").write_bytes(b"")
    (root / os.fsdecode(b"no UTF-8 \xff\xfe\n")).write_bytes(b"odd name")
    with (root / "sparse").open("wb") as file:
        file.truncate(3 << 20)
        file.seek(2 << 20)
        file.write(b"an island")
    os.link(root / "text07.txt", root / "deep/again.txt")
    (root / "link").symlink_to("text03.txt")
    (root / "link to a folder").symlink_to("deep")
    (root / "link to nowhere").symlink_to("/nonexistent")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        place = Path.cwd()
        os.chdir(root)
        try:
            listener.bind("socket")
        finally:
            os.chdir(place)
    return root


def regular_files(root: Path) -> dict[bytes, bytes]:
    """Path below the folder and content of each regular file: what the operating system says, as an oracle."""
    paths = (Path(folder) / name for folder, _, names in os.walk(root) for name in names)
    return {
        os.fsencode(path.relative_to(root)): path.read_bytes()
        for path in paths
        if path.is_file() and not path.is_symlink()
    }


def walk(folder: Path) -> tuple[list[Stream], list[NotExamined]]:
    """Everything a walk gives, in order."""
    with Source.open(folder, "E1", allow_writable=True) as source:
        items = list(source.walk(source.volumes()[0]))
    return (
        [item for item in items if isinstance(item, Stream)],
        [item for item in items if isinstance(item, NotExamined)],
    )


def in_own_mounts(script: str, *arguments: object) -> str:
    """Run a shell script in mounts of its own, which end with it; ``$PYTHON`` is this Python."""
    command = ["unshare", "-rm", "sh", "-ec", script, "sh", *map(str, arguments)]
    environment = {**os.environ, "PYTHON": sys.executable}
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets us make no mount namespace (unshare -rm)")
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
