"""Runs the programs that build the torture set; one that is missing is told with the package that brings it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from plugins.sample_evidence.programs import PACKAGES as SAMPLE_PACKAGES

_PACKAGES = {
    **SAMPLE_PACKAGES,
    "cryptsetup": "cryptsetup-bin",
    "e2fsck": "e2fsprogs",
    "fsck.exfat": "exfatprogs",
    "genisoimage": "genisoimage",
    "makefs": "makefs",
    "mkfs.exfat": "exfatprogs",
    "mkfs.xfs": "xfsprogs",
    "mkudffs": "udftools",
    "mmls": "sleuthkit",
    "ntfscp": "ntfs-3g",
    "qemu-img": "qemu-utils",
    "qemu-io": "qemu-utils",
    "split": "coreutils",
    "xorriso": "xorriso",
}
_SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
_FOUND_ERRORS = {"e2fsck": {1}}
"""Exit codes that mean success: e2fsck ends with 1 where it has changed something, as it was told to."""


class MissingProgramError(Exception):
    """A program is not installed; the message names it and its package."""


def run(*command: str | Path, standard_input: str = "") -> None:
    """Run a program to its end.

    Raises:
        MissingProgramError: It is not installed.
        RuntimeError: It fails; carries its last words.
    """
    output(*command, standard_input=standard_input)


def output(*command: str | Path, standard_input: str = "") -> str:
    """Run a program to its end and give what it writes to standard output.

    Raises:
        MissingProgramError: It is not installed.
        RuntimeError: It fails; carries its last words.
    """
    name = str(command[0])
    path = shutil.which(name, path=_SEARCH_PATH)
    if path is None:
        raise MissingProgramError(f"{name} is not installed: apt install {_PACKAGES.get(name, name)}")
    finished = subprocess.run(
        [path, *map(os.fsencode, command[1:])],
        input=standard_input.encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    if finished.returncode not in {0, *_FOUND_ERRORS.get(name, ())}:
        words = finished.stderr.decode(errors="backslashreplace").strip().splitlines()
        raise RuntimeError(f"{name} failed: {words[-1] if words else finished.returncode}")
    return finished.stdout.decode(errors="surrogateescape")
