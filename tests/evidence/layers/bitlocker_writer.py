"""Puts a file system of ours into a volume that Windows encrypted: its metadata stay, its sectors are encrypted anew.

The volume key is what cryptsetup says it is; the place of the first sectors is what cryptsetup's dump names. Format:
libbde's "BitLocker Drive Encryption (BDE) format specification"; cipher: IEEE 1619, from the ``cryptography`` package.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import XTS

_SECTOR = 512
_CLUSTER = 4096
_SEGMENT = re.compile(r"(FVE metadata area|Volume header)\s+Offset:\s*(\d+) \[bytes\]\s+Size:\s*(\d+) \[bytes\]")
_KEY = re.compile(r"MK dump:((?:\s+[0-9a-f]{2})+)")


def _dump(volume: Path, *options: str, password: str = "") -> str:
    program = shutil.which("cryptsetup", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        pytest.skip("cryptsetup is not installed: apt install cryptsetup-bin")
    command = [program, "bitlkDump", "-q", *options, str(volume)]
    return subprocess.run(command, input=password, capture_output=True, text=True, check=True).stdout


def volume_key(volume: Path, password: str) -> bytes:
    """The key a volume's sectors are encrypted with."""
    match = _KEY.search(_dump(volume, "--dump-volume-key", "--key-file", "-", password=password))
    assert match is not None
    return bytes.fromhex(match[1])


def decrypted(key: bytes, data: bytes, sector: int) -> bytes:
    """Decrypt one sector."""
    return Cipher(AES(key), XTS(sector.to_bytes(16, "little"))).decryptor().update(data)


def encrypt_into(volume: Path, content: Path, password: str, target: Path) -> None:
    """Write a volume that holds a content.

    Args:
        volume: A volume of Windows', with AES-XTS.
        content: The image of a file system of the same size that uses nothing where the metadata lie.
        password: Password of the volume.
        target: The file to make; where the content has only zeros, it is not written.
    """
    cipher = AES(volume_key(volume, password))
    segments = [(name, int(start), int(size)) for name, start, size in _SEGMENT.findall(_dump(volume))]
    ((first, first_size),) = ((start, size) for name, start, size in segments if name == "Volume header")
    shutil.copy(volume, target)
    with content.open("rb") as source, target.open("r+b") as file:
        for offset in range(0, content.stat().st_size, _CLUSTER):
            cluster = source.read(_CLUSTER)
            if not any(cluster):
                continue
            assert not any(start - _CLUSTER < offset < start + size for _, start, size in segments)
            place = first + offset if offset < first_size else offset
            file.seek(place)
            for begin in range(0, len(cluster), _SECTOR):
                tweak = XTS(((place + begin) // _SECTOR).to_bytes(16, "little"))
                file.write(Cipher(cipher, tweak).encryptor().update(cluster[begin : begin + _SECTOR]))
