"""Reads the headers of LUKS, versions 1 and 2, and recovers the volume key with a passphrase.

Formats: "LUKS1 On-Disk Format Specification" 1.2.3 and "LUKS2 On-Disk Format Specification" 1.1.1 of cryptsetup. Read
here and not with libluksde, which does not know version 2; for version 1 the tests hold the result against it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.kdf.argon2 import Argon2i, Argon2id

from forensics.errors import VolumeError
from forensics.evidence.layers.sector_cipher import SECTOR, SectorCipher

MAGIC = b"LUKS\xba\xbe"

_SECOND_MAGIC = b"SKUL\xba\xbe"
_SECOND_HEADERS = tuple(0x4000 << shift for shift in range(9))
"""Where the second header of version 2 may begin."""
_HEADER_1 = struct.Struct(">6sH32s32s32sII20s32sI40s")
_SLOT_1 = struct.Struct(">II32sII")
_SLOTS_1 = 8
_ACTIVE = 0x00AC71F3
_HEADER_2 = struct.Struct(">6sHQQ48s32s64s40s48sQ184s64s")
_BINARY_SIZE = 4096
_MAX_HEADER = 4 << 20
_CHECKSUM_OFFSET = 448
_MAX_KEY = 64
_MAX_AREA = 16 << 20
_MAX_ITERATIONS = 1 << 31
_MAX_MEMORY = 4 << 20
"""KiB; the limit of the format."""
_HASHES = {"sha1", "sha224", "sha256", "sha384", "sha512", "ripemd160", "sha3-224", "sha3-256", "sha3-384", "sha3-512"}

Read = Callable[[int, int], bytes]
"""Reads bytes of the volume: offset, length."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a passphrase becomes a key: ``pbkdf2`` with a hash and iterations, or Argon2 with its costs."""

    kind: str
    salt: bytes
    hash: str = ""
    iterations: int = 0
    memory: int = 0
    lanes: int = 0

    def derive(self, passphrase: bytes, size: int) -> bytes:
        """Derive a key of a size in bytes.

        Raises:
            VolumeError: The parameters make no sense, or the machine has not the memory they ask for.
        """
        if not 0 < self.iterations < _MAX_ITERATIONS or not 0 <= self.memory <= _MAX_MEMORY:
            raise VolumeError("the parameters of the key derivation are damaged")
        if self.kind == "pbkdf2":
            return hashlib.pbkdf2_hmac(_hash(self.hash), passphrase, self.salt, self.iterations, size)
        if self.kind not in {"argon2i", "argon2id"}:
            raise VolumeError(f"the key derivation {self.kind} is not supported")
        algorithm = Argon2i if self.kind == "argon2i" else Argon2id
        try:
            return algorithm(
                salt=self.salt, length=size, iterations=self.iterations, lanes=self.lanes, memory_cost=self.memory
            ).derive(passphrase)
        except MemoryError as error:
            raise VolumeError(f"the key derivation needs {self.memory // 1024} MiB of memory") from error
        except ValueError as error:
            raise VolumeError("the parameters of the key derivation are damaged") from error


@dataclass(frozen=True, slots=True)
class KeySlot:
    """The volume key, encrypted with a passphrase and spread out so that it can be wiped.

    Attributes:
        derivation: How the passphrase becomes the key of the area.
        key_size: Bytes of the volume key.
        offset: Where the area begins.
        cipher: How it is encrypted.
        area_key_size: Bytes of the key of the area.
        stripes: Into how many parts the volume key is spread.
        hash: The hash that spreads it.
    """

    derivation: Derivation
    key_size: int
    offset: int
    cipher: str
    area_key_size: int
    stripes: int
    hash: str


@dataclass(frozen=True, slots=True)
class LuksHeader:
    """What is needed to read a LUKS volume.

    Attributes:
        version: 1 or 2.
        slots: Its key slots.
        check: How to tell the right volume key, and what the result must be.
        offset: Where the encrypted data begins.
        size: Its length in bytes; ``None``: to the end of the volume.
        cipher: How it is encrypted.
        sector_size: Bytes that are encrypted together.
        first_sector: Number of its first sector for initial vectors.
    """

    version: int
    slots: tuple[KeySlot, ...]
    check: tuple[Derivation, bytes]
    offset: int
    size: int | None
    cipher: str
    sector_size: int
    first_sector: int

    def is_volume_key(self, key: bytes) -> bool:
        """Tell whether a key is that of the volume."""
        derivation, expected = self.check
        return hmac.compare_digest(derivation.derive(key, len(expected)), expected)

    def unlock(self, read: Read, passphrase: bytes) -> bytes | None:
        """Recover the volume key.

        Args:
            read: Reads the volume.
            passphrase: The passphrase or the content of a key file.

        Returns:
            ``None`` where it fits no key slot.

        Raises:
            VolumeError: No slot could be tried.
        """
        problem: VolumeError | None = None
        for slot in self.slots:
            try:
                key = _open_slot(read, slot, passphrase)
                if self.is_volume_key(key):
                    return key
            except VolumeError as error:
                problem = error
        if problem is not None:
            raise problem
        return None


def read_header(read: Read) -> LuksHeader | None:
    """Read the header of a LUKS volume.

    Returns:
        ``None`` where there is none.

    Raises:
        VolumeError: It is damaged, or of a kind that is not supported.
    """
    head = read(0, _BINARY_SIZE)
    if head[:6] != MAGIC or len(head) < _BINARY_SIZE:
        return None
    (version,) = struct.unpack_from(">H", head, 6)
    try:
        if version == 1:
            return _version_1(head)
        if version == 2:
            return _version_2(_metadata(read))
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration, RecursionError, struct.error) as error:
        raise VolumeError("the LUKS header is damaged") from error
    raise VolumeError(f"LUKS version {version} is not supported")


def _version_1(head: bytes) -> LuksHeader:
    _, _, cipher, mode, digest, payload, key_size, check, salt, iterations, _ = _HEADER_1.unpack_from(head)
    name, spread = f"{_text(cipher)}-{_text(mode)}", _text(digest)
    if not 0 < key_size <= _MAX_KEY:
        raise VolumeError("the LUKS header is damaged")
    slots = []
    for number in range(_SLOTS_1):
        state, rounds, slot_salt, sector, stripes = _SLOT_1.unpack_from(head, _HEADER_1.size + number * _SLOT_1.size)
        if state == _ACTIVE:
            derivation = Derivation("pbkdf2", slot_salt, spread, rounds)
            slots.append(KeySlot(derivation, key_size, sector * SECTOR, name, key_size, stripes, spread))
    checking = (Derivation("pbkdf2", salt, spread, iterations), check)
    return LuksHeader(1, tuple(slots), checking, payload * SECTOR, None, name, SECTOR, 0)


def _metadata(read: Read) -> dict[str, Any]:
    """The JSON metadata of version 2: of the header whose checksum is right, the first by preference."""
    for offset in (0, *_SECOND_HEADERS):
        head = read(offset, _BINARY_SIZE)
        if len(head) < _BINARY_SIZE or head[:6] != (_SECOND_MAGIC if offset else MAGIC):
            continue
        _, _, size, _, _, algorithm, _, _, _, own, _, checksum = _HEADER_2.unpack_from(head)
        name = _text(algorithm)
        if own != offset or not _BINARY_SIZE < size <= _MAX_HEADER or name not in _HASHES:
            continue
        data = head + read(offset + _BINARY_SIZE, size - _BINARY_SIZE)
        digest = hashlib.new(_hash(name), usedforsecurity=False)
        digest.update(data[:_CHECKSUM_OFFSET] + bytes(len(checksum)) + data[_CHECKSUM_OFFSET + len(checksum) :])
        if digest.digest() == checksum[: digest.digest_size]:
            found: dict[str, Any] = json.loads(data[_BINARY_SIZE:].partition(b"\0")[0])
            return found
    raise VolumeError("both LUKS headers are damaged")


def _version_2(metadata: dict[str, Any]) -> LuksHeader:
    required = metadata["config"].get("requirements", {}).get("mandatory", [])
    if required:
        raise VolumeError(f"LUKS features are not supported: {', '.join(sorted(map(str, required)))}")
    segments = metadata["segments"]
    if len(segments) != 1:
        raise VolumeError("LUKS volumes of several segments are not supported")
    ((number, segment),) = segments.items()
    if segment["type"] != "crypt" or "integrity" in segment:
        raise VolumeError("a LUKS volume with integrity protection is not supported")
    digest = next(found for found in metadata["digests"].values() if number in found["segments"])
    slots = tuple(
        _slot_2(slot) for name, slot in metadata["keyslots"].items() if name in digest["keyslots"] and _is_usable(slot)
    )
    sector_size = int(segment["sector_size"])
    if sector_size not in {512, 1024, 2048, 4096}:
        raise VolumeError("the LUKS header is damaged")
    size = None if segment["size"] == "dynamic" else int(segment["size"])
    check = (_derivation_2(digest), _decoded(digest["digest"]))
    return LuksHeader(
        2, slots, check, int(segment["offset"]), size, str(segment["encryption"]), sector_size, int(segment["iv_tweak"])
    )


def _is_usable(slot: dict[str, Any]) -> bool:
    # a key slot of reencryption holds no volume key
    return bool(slot["type"] == "luks2" and slot["area"]["type"] == "raw" and slot["af"]["type"] == "luks1")


def _slot_2(slot: dict[str, Any]) -> KeySlot:
    area, spread = slot["area"], slot["af"]
    key_size, area_key_size = int(slot["key_size"]), int(area["key_size"])
    if not 0 < key_size <= _MAX_KEY or not 0 < area_key_size <= _MAX_KEY:
        raise VolumeError("the LUKS header is damaged")
    return KeySlot(
        _derivation_2(slot["kdf"]), key_size, int(area["offset"]), str(area["encryption"]), area_key_size,
        int(spread["stripes"]), str(spread["hash"]),
    )  # fmt: skip


def _derivation_2(found: dict[str, Any]) -> Derivation:
    salt = _decoded(found["salt"])
    if found["type"] == "pbkdf2":
        return Derivation("pbkdf2", salt, str(found["hash"]), int(found["iterations"]))
    costs = (int(found["time"]), int(found["memory"]), int(found["cpus"]))
    return Derivation(str(found["type"]), salt, "", *costs)


def _open_slot(read: Read, slot: KeySlot, passphrase: bytes) -> bytes:
    size = slot.key_size * slot.stripes
    if not 0 < size <= _MAX_AREA:
        raise VolumeError("the LUKS header is damaged")
    key = slot.derivation.derive(passphrase, slot.area_key_size)
    cipher = SectorCipher(slot.cipher, key)
    whole = -(-size // SECTOR) * SECTOR
    area = read(slot.offset, whole)
    if len(area) < whole:
        raise VolumeError("a key slot lies beyond the end of the image")
    return _merged(cipher.decrypt(area, 0)[:size], slot)


def _merged(area: bytes, slot: KeySlot) -> bytes:
    """Put the spread key together again (LUKS1 specification, section 2.4)."""
    size = slot.key_size
    mixed = bytes(size)
    for stripe in range(slot.stripes - 1):
        mixed = _diffused(_exclusive_or(mixed, area[stripe * size : (stripe + 1) * size]), slot.hash)
    return _exclusive_or(mixed, area[-size:])


def _diffused(data: bytes, name: str) -> bytes:
    algorithm = _hash(name)
    step = hashlib.new(algorithm, usedforsecurity=False).digest_size
    pieces = (data[start : start + step] for start in range(0, len(data), step))
    return b"".join(
        hashlib.new(algorithm, struct.pack(">I", number) + piece, usedforsecurity=False).digest()[: len(piece)]
        for number, piece in enumerate(pieces)
    )


def _exclusive_or(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


def _hash(name: str) -> str:
    """Name of a hash as :mod:`hashlib` has it."""
    if name not in _HASHES:
        raise VolumeError(f"the hash {name} is not supported")
    return name.replace("-", "_")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise VolumeError("the LUKS header is damaged") from error


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("ascii", "replace")
