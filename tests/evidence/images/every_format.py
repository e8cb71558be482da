"""The same disk in every format that a tool at hand, or a writer of the tests, makes."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

from tests.evidence.conftest import Run
from tests.evidence.images.aff4_writer import Stream, write_container
from tests.evidence.images.udif_writer import udif
from tests.evidence.images.vhd_writer import differencing, footer

Build = Callable[[Run, Path, Path], Path]
"""Takes what runs programs, the raw disk and an empty folder; gives the file to name."""

_BAND = 1 << 16


def _qemu(name: str, output: str, *options: str) -> Build:
    def build(run: Run, raw: Path, folder: Path) -> Path:
        run("qemu-img", "convert", "-O", output, *options, raw, folder / name)
        return folder / name

    return build


def _split_raw(run: Run, raw: Path, folder: Path) -> Path:
    run("split", "-b", "1M", "-d", "-a", "3", "--numeric-suffixes=1", raw, folder / "disk.")
    return folder / "disk.001"


def _e01(run: Run, raw: Path, folder: Path) -> Path:
    run("ewfacquire", "-u", "-q", "-f", "encase6", "-c", "fast", "-t", folder / "disk", raw)
    return folder / "disk.E01"


def _overlay(run: Run, raw: Path, folder: Path) -> Path:
    """A QCOW2 whose first half only is its own, over another that holds zeros there."""
    half = raw.stat().st_size // 2
    (folder / "second.raw").write_bytes(bytes(half) + raw.read_bytes()[half:])
    run("qemu-img", "convert", "-c", "-O", "qcow2", folder / "second.raw", folder / "base.qcow2")
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", folder / "base.qcow2", "-F", "qcow2", folder / "disk.qcow2")
    (folder / "first.raw").write_bytes(raw.read_bytes()[:half])
    run("qemu-io", "-c", f"write -s {folder / 'first.raw'} 0 {half}", folder / "disk.qcow2")
    return folder / "disk.qcow2"


def _vhd_child(run: Run, raw: Path, folder: Path) -> Path:
    data = raw.read_bytes()
    half = len(data) // 2
    (folder / "parent.vhd").write_bytes(data[:half] + bytes(len(data) - half) + footer(len(data), 2, b"p" * 16))
    sectors = {number: data[number * 512 : number * 512 + 512] for number in range(half // 512, len(data) // 512)}
    child = folder / "disk.vhd"
    child.write_bytes(differencing(len(data), sectors, b"p" * 16, "parent.vhd", block_size=1 << 21))
    return child


def _udif(method: str) -> Build:
    def build(run: Run, raw: Path, folder: Path) -> Path:
        (folder / "disk.dmg").write_bytes(udif(raw.read_bytes(), method))
        return folder / "disk.dmg"

    return build


def _sparse_image(run: Run, raw: Path, folder: Path) -> Path:
    data = raw.read_bytes()
    band = max(_BAND, -(-len(data) // 900 // 512) * 512)
    bands = [data[start : start + band] for start in range(0, len(data), band)]
    stored = [number for number, content in enumerate(bands) if any(content)][::-1]
    header = struct.pack(">4sIIII", b"sprs", 3, band // 512, 1, len(data) // 512).ljust(64, b"\0")
    header += struct.pack(f">{len(stored)}I", *(number + 1 for number in stored))
    content = b"".join(bands[number].ljust(band, b"\0") for number in stored)
    (folder / "disk.sparseimage").write_bytes(header.ljust(4096, b"\0") + content)
    return folder / "disk.sparseimage"


def _aff4(run: Run, raw: Path, folder: Path) -> Path:
    data = raw.read_bytes()
    urn = "aff4://stream-0001"
    write_container(folder / "disk.aff4", len(data), [(0, len(data), 0, urn)], [Stream(urn, data)], in_segment=1024)
    return folder / "disk.aff4"


def _raw(run: Run, raw: Path, folder: Path) -> Path:
    return Path(shutil.copy(raw, folder / "disk.dd"))


FORMATS: dict[str, Build] = {
    "raw": _raw,
    "split raw": _split_raw,
    "E01": _e01,
    "AFF4": _aff4,
    "QCOW2": _qemu("disk.qcow2", "qcow2"),
    "QCOW2 compressed": _qemu("disk.qcow2", "qcow2", "-c"),
    "QCOW2 with a backing file": _overlay,
    "VHD fixed": _qemu("disk.vhd", "vpc", "-o", "subformat=fixed,force_size=on"),
    "VHD dynamic": _qemu("disk.vhd", "vpc", "-o", "force_size=on"),
    "VHD differencing": _vhd_child,
    "VHDX": _qemu("disk.vhdx", "vhdx", "-o", "block_size=1M"),
    "VMDK monolithicSparse": _qemu("disk.vmdk", "vmdk"),
    "VMDK monolithicFlat": _qemu("disk.vmdk", "vmdk", "-o", "subformat=monolithicFlat"),
    "VMDK twoGbMaxExtentSparse": _qemu("disk.vmdk", "vmdk", "-o", "subformat=twoGbMaxExtentSparse"),
    "VMDK streamOptimized": _qemu("disk.vmdk", "vmdk", "-o", "subformat=streamOptimized"),
    "DMG zlib": _udif("zlib"),
    "DMG LZFSE": _udif("lzfse"),
    "sparseimage": _sparse_image,
}
"""How to build each format, by name."""
