"""The metadata of Apple's Core Storage: which logical volumes there are, where they lie, what unlocks them.

Sources: cryptsetup's ``lib/fvault2``; libfvde's "FileVault Drive Encryption (FVDE)"; RFC 3394 (key wrapping).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from forensics.errors import VolumeError
from forensics.evidence.layers.sector_cipher import SectorCipher

MAGIC_OFFSET, MAGIC = 88, b"CS"
_HEADER = struct.Struct("<96x I 4x 4Q 32x 2I 16s 112x 16s")
"""Block size, blocks of the four labels, size and method of the key, the key, UUID of the physical volume."""
_BLOCK = 8192
_BLOCK_SIZES = {512, 1024, 2048, 4096, 8192}
_LABEL_AREAS, _AREAS = 64 + 156, struct.Struct("<8x Q 16x 2Q")
"""Offset in a label of the offset of its areas: number of encrypted metadata blocks, and where their copies lie."""
_EMPTY = bytes(_BLOCK)
_AT_ONCE = 128
_MOST_BLOCKS = 1 << 17
"""Blocks read of all copies of the metadata together: 1 GiB. They grow with the volume (48 MiB for one of 320 MiB)."""
_MOST_ITERATIONS = 10_000_000
_EXTENTS, _FAMILY, _VOLUME = 0x0305, 0x0019, 0x001A
_ENCRYPTED = 0x0040
"""Mark of an extent that is encrypted, in the topmost 16 bits of its length."""
_WRAPPED = slice(8, 32)
_SEED, _POLYNOMIAL = slice(4, 8), 0x82F63B78
"""Where a block has what its CRC-32C begins with, and the polynomial, its bits in reverse order."""
_DAMAGED = "a part of its metadata is missing or damaged"

ReadAt = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class LogicalVolume:
    """A logical volume, encrypted.

    Attributes:
        name: Its name, as Core Storage keeps it.
        start: Byte offset in the physical volume.
        size: Length in bytes.
        family: UUID of its family: half of its key depends on it.
        key_records: What each user's password or recovery key unlocks: salt, iterations, wrapped key.
        wrapped_keys: Volume keys, wrapped.
        unsupported: Why it cannot be read; empty if it can.
    """

    name: str
    start: int
    size: int
    family: bytes
    key_records: tuple[tuple[bytes, int, bytes], ...]
    wrapped_keys: tuple[bytes, ...]
    unsupported: str

    def wrapping_key(self, passphrase: bytes) -> bytes | None:
        """Find the key that wraps the volume key; ``None`` if the passphrase opens no record."""
        for salt, iterations, wrapped in self.key_records:
            derived = hashlib.pbkdf2_hmac("sha256", passphrase, salt, iterations, 16)
            with suppress(InvalidUnwrap):
                return aes_key_unwrap(derived, wrapped)
        return None

    def sector_key(self, wrapping_key: bytes) -> bytes | None:
        """Unwrap the key of its sectors, of AES-XTS; ``None`` if the wrapping key is another volume's."""
        for wrapped in self.wrapped_keys:
            with suppress(InvalidUnwrap, ValueError):
                key = aes_key_unwrap(wrapping_key, wrapped)
                return key + hashlib.sha256(key + self.family).digest()[:16]
        return None


def logical_volumes(read_at: ReadAt) -> tuple[LogicalVolume, ...]:
    """List the encrypted logical volumes of a physical volume, in the order of their identifiers.

    Args:
        read_at: Reads bytes of the physical volume.

    Raises:
        VolumeError: Its metadata cannot be found, in no copy.
        ImageError: It cannot be read.
    """
    header = read_at(0, 512)
    if len(header) < 512:
        raise VolumeError("the Core Storage header is cut off")
    block_size, *labels, key_size, _, key, identifier = _HEADER.unpack_from(header)
    if block_size not in _BLOCK_SIZES or key_size != len(key):
        raise VolumeError("the Core Storage header is damaged")
    cipher = SectorCipher("aes-xts-plain64", key + identifier, _BLOCK)
    best: tuple[LogicalVolume, ...] = ()
    left = _MOST_BLOCKS
    for start, count in dict.fromkeys(area for label in labels for area in _areas(read_at, label * block_size)):
        blocks = _newest_blocks(read_at, cipher, start * block_size, min(count, left))
        left -= min(count, left)
        found = tuple(_volumes(blocks, block_size))
        if _whole(found) > _whole(best) or not best:
            best = found
        if found and _whole(found) == len(found):
            return found
    if not best:
        raise VolumeError("no sound copy of the Core Storage metadata was found")
    return best


def _whole(volumes: tuple[LogicalVolume, ...]) -> int:
    """Count the volumes whose metadata are all there."""
    return sum(volume.unsupported != _DAMAGED for volume in volumes)


def _areas(read_at: ReadAt, offset: int) -> Iterator[tuple[int, int]]:
    label = read_at(offset, _BLOCK)
    if len(label) < _BLOCK or not _sound(label):
        return
    (place,) = struct.unpack_from("<I", label, _LABEL_AREAS)
    areas = read_at(offset + place, _AREAS.size)
    if len(areas) == _AREAS.size:
        count, *starts = _AREAS.unpack(areas)
        yield from ((start, count) for start in starts if start)


def _newest_blocks(read_at: ReadAt, cipher: SectorCipher, start: int, count: int) -> dict[tuple[int, int], bytes]:
    """Decrypt the metadata; of each object (type, identifier) keep what was written last."""
    newest: dict[tuple[int, int], tuple[int, bytes]] = {}
    for number, data in enumerate(_pieces(read_at, start, count)):
        if data == _EMPTY:
            continue
        block = cipher.decrypt(data, number)
        kind, written, identifier = struct.unpack_from("<10x H 4x 2Q", block)
        if kind not in {_EXTENTS, _FAMILY, _VOLUME} or not _sound(block):
            continue
        if written >= newest.get((kind, identifier), (0, b""))[0]:
            newest[kind, identifier] = written, block
    return {key: block for key, (_, block) in newest.items()}


def _pieces(read_at: ReadAt, start: int, count: int) -> Iterator[bytes]:
    for first in range(0, count, _AT_ONCE):
        data = read_at(start + first * _BLOCK, min(_AT_ONCE, count - first) * _BLOCK)
        yield from (data[place : place + _BLOCK] for place in range(0, len(data) // _BLOCK * _BLOCK, _BLOCK))


def _volumes(blocks: dict[tuple[int, int], bytes], block_size: int) -> Iterator[LogicalVolume]:
    for (kind, _), block in sorted(blocks.items()):
        if kind != _VOLUME:
            continue
        family, extents = (blocks.get(key) for key in _referred(block))
        text = _text(block, 128)
        size = re.search(rb"lv\.size</key><integer[^>]*>0x([0-9a-f]{1,16})<", text)
        if family is None or size is None:
            yield LogicalVolume("", 0, 0 if size is None else int(size[1], 16), b"", (), (), _DAMAGED)
            continue
        name = re.search(rb"lv\.name</key><string[^>]*>([^<]*)<", text)
        start, unsupported = _start(extents, int(size[1], 16), block_size)
        context = _text(family, 112)
        records = tuple(_key_records(context))
        if not records:
            unsupported = unsupported or "its key records lie elsewhere, in EncryptedRoot.plist.wipekey"
        if b"ConversionStatus" in context and not re.search(rb"ConversionStatus</key><string[^>]*>Complete<", context):
            unsupported = unsupported or "it is encrypted in part only"
        yield LogicalVolume(
            name[1].decode("utf-8", "replace") if name else "",
            start,
            int(size[1], 16),
            _family_identifier(text),
            records,
            tuple(data[_WRAPPED] for data in _data(context, b"KEKWrappedVolumeKeyStruct") if len(data) >= 32),
            unsupported,
        )


def _referred(block: bytes) -> tuple[tuple[int, int], tuple[int, int]]:
    family, extents = struct.unpack_from("<2Q", block, 64)
    return (_FAMILY, family), (_EXTENTS, extents)


def _start(extents: bytes | None, size: int, block_size: int) -> tuple[int, str]:
    """Where a volume begins that lies in one piece and is encrypted as a whole; else why it cannot be read."""
    if extents is None:
        return 0, _DAMAGED
    count, logical, length, _, physical = struct.unpack_from("<Q 8x 4Q", extents, 64)
    length, marks = length & (1 << 48) - 1, length >> 48
    if count != 1 or logical or physical >> 48 or length * block_size < size:
        return 0, "it lies in several parts"
    if marks != _ENCRYPTED or not physical:
        return 0, "it is not encrypted, or lies where the metadata do not say"
    return physical * block_size, ""


def _key_records(context: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    for data in _data(context, b"PassphraseWrappedKEKStruct"):
        if len(data) < 172:
            continue
        (iterations,) = struct.unpack_from("<I", data, 168)
        if 0 < iterations <= _MOST_ITERATIONS:
            yield data[8:24], iterations, data[32:56]


def _data(context: bytes, key: bytes) -> Iterator[bytes]:
    for match in re.finditer(rb"<key>" + key + rb"</key><data[^>]*>([^<]+)</data>", context):
        with suppress(binascii.Error):
            yield base64.b64decode(match[1])


def _family_identifier(text: bytes) -> bytes:
    match = re.search(rb"lv\.familyUUID</key><string[^>]*>([0-9A-Fa-f-]{36})<", text)
    with suppress(ValueError):
        return uuid.UUID(match[1].decode() if match else "").bytes
    return b""


def _text(block: bytes, offset: int) -> bytes:
    start, size = struct.unpack_from("<2I", block, offset)
    return block[start : start + size]


def _sound(block: bytes) -> bool:
    """Check a block's CRC-32C, which is kept without the last inversion.

    What each byte adds depends on its place alone, so it is looked up for all bytes at once. The value to begin with
    counts as a part of the first four bytes.
    """
    (value,) = struct.unpack_from("<I", block)
    content = np.frombuffer(block, np.uint8, offset=_SEED.stop).astype(np.intp)
    content[:4] ^= np.frombuffer(block[_SEED], np.uint8)
    parts, places = _contributions()
    return bool(np.bitwise_xor.reduce(parts.take(places + content)) == value)


@cache
def _contributions() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.intp]]:
    """What each value of each byte of a block adds to its CRC-32C, one place after another, and where each begins."""
    parts = np.empty((_BLOCK - _SEED.stop, 256), np.uint32)
    last = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        last = last >> np.uint32(1) ^ (last & np.uint32(1)) * np.uint32(_POLYNOMIAL)
    parts[-1] = last
    for place in range(len(parts) - 1, 0, -1):
        parts[place - 1] = parts[place] >> np.uint32(8) ^ last[parts[place] & np.uint32(0xFF)]
    return parts.reshape(-1), np.arange(len(parts), dtype=np.intp) * 256
