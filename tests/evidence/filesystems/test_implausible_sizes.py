"""Sizes no file can have, and holes no one should read, are told and never stall or end a scan."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from forensics.evidence.source import Source
from forensics.evidence.stream import NotExamined, Stream
from forensics.reason import Reason
from tests.evidence.conftest import Require

ENVIRONMENT = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ("0xFFFFFFFFFFFFFFF0", Reason.IMPLAUSIBLE_SIZE),
        ("0x7FFFFFFFFFFFFFF0", Reason.READ_ERROR),
        ("0x0000600000000000", Reason.TOO_SPARSE),
        ("0x0000003200000000", Reason.TOO_SPARSE),
        ("0x0000000000100000", None),
    ],
)
def test_a_damaged_size_is_told(tmp_path: Path, require: Require, size: str, reason: Reason | None) -> None:
    require("mke2fs", "debugfs")
    image, file = tmp_path / "a.raw", tmp_path / "file"
    file.write_bytes(b"harmless" * 1000)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", image, "16M"],
        check=True, env=ENVIRONMENT, capture_output=True,
    )  # fmt: skip
    for command in (f"write {file} good", f"write {file} bad", f"sif bad size {size}"):
        subprocess.run(["debugfs", "-w", "-R", command, image], check=True, env=ENVIRONMENT, capture_output=True)
    with Source.open(image, "E1") as source:
        items = list(source.walk(source.volumes()[0]))
    assert [item for item in items if isinstance(item, NotExamined)] == []
    streams = {item.path: item for item in items if isinstance(item, Stream)}
    assert streams[b"bad"].not_hashable is reason
    assert streams[b"bad"].size >= 0
    assert streams[b"good"].not_hashable is None
