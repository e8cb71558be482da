"""Decrypts sectors as Linux' dm-crypt encrypts them: AES in ECB, CBC and XTS, many sectors at a time.

The modes are built from the plain block cipher, because the library offers each of them for one message with one
initial vector only, and a sector is a message: all tweaks or initial vectors of a run of sectors are computed at once,
and the block cipher is called once for the run.

Sources: the kernel's ``dm-crypt.c`` (names of modes, initial vectors); IEEE 1619-2018 (XTS).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

SECTOR = 512
"""Initial vectors count sectors of this size, however large the encrypted ones are."""

_BLOCK = 16
_SPECIFICATION = re.compile(r"(?P<cipher>\w+)-(?P<mode>\w+)(?:-(?P<iv>\w+)(?::(?P<hash>[\w-]+))?)?")
_KEY_SIZES = {16, 24, 32}
_HALF = 64
_Words = np.ndarray[Any, np.dtype[np.uint64]]
"""Words of 64 bits: sectors x blocks x 2; or the numbers of sectors."""


class UnsupportedCipherError(Exception):
    """A cipher, mode or initial vector that is not implemented here."""


class SectorCipher:
    """Decrypts sectors with one key.

    Args:
        specification: As dm-crypt names it: ``aes-xts-plain64``, ``aes-cbc-essiv:sha256``.
        key: The key.
        sector_size: Bytes that are encrypted together, a multiple of 512.

    Raises:
        UnsupportedCipherError: The cipher is not known, or the key does not fit it.
    """

    def __init__(self, specification: str, key: bytes, sector_size: int = SECTOR) -> None:
        match = _SPECIFICATION.fullmatch(specification)
        if match is None or match["cipher"] != "aes" or match["mode"] not in {"ecb", "cbc", "xts"}:
            raise UnsupportedCipherError(specification)
        self._mode = match["mode"]
        self._sector_size = sector_size
        size = len(key) // 2 if self._mode == "xts" else len(key)
        if size not in _KEY_SIZES:
            raise UnsupportedCipherError(f"{specification} with a key of {len(key)} bytes")
        self._decrypt_blocks = Cipher(AES(key[:size]), ECB()).decryptor().update  # noqa: S305  the modes are built on it
        self._encrypt_tweak = _encryption(key[size:]) if self._mode == "xts" else None
        self._initial_vectors = _initial_vectors(match["iv"], match["hash"], key) if self._mode != "ecb" else None

    def decrypt(self, data: bytes, sector: int) -> bytes:
        """Decrypt whole sectors.

        Args:
            data: The sectors.
            sector: Number of the first one, counted in units of 512 bytes.
        """
        if not data or self._initial_vectors is None:
            return self._decrypt_blocks(data)
        count = len(data) // self._sector_size
        step = self._sector_size // SECTOR
        numbers = np.arange(count, dtype=np.uint64) * np.uint64(step) + np.uint64(sector)
        vectors = self._initial_vectors(numbers)
        blocks = np.frombuffer(data, dtype="<u8").reshape(count, -1, 2)
        if self._encrypt_tweak is not None:
            return self._decrypt_xts(blocks, self._encrypt_tweak(vectors))
        before = np.empty_like(blocks)
        before[:, 0] = np.frombuffer(vectors, dtype="<u8").reshape(count, 2)
        before[:, 1:] = blocks[:, :-1]
        return (np.frombuffer(self._decrypt_blocks(data), dtype="<u8").reshape(blocks.shape) ^ before).tobytes()

    def _decrypt_xts(self, blocks: _Words, first: bytes) -> bytes:
        tweaks = np.empty_like(blocks)
        tweaks[:, 0] = np.frombuffer(first, dtype="<u8").reshape(-1, 2)
        done = 1
        while done < blocks.shape[1]:
            # each block's tweak is x times the one before: from the first n follow the next n at once
            tweaks[:, done : 2 * done] = _multiplied(tweaks[:, :done], done)
            done *= 2
        mixed = self._decrypt_blocks(np.bitwise_xor(blocks, tweaks).tobytes())
        tweaks ^= np.frombuffer(mixed, dtype="<u8").reshape(blocks.shape)
        return tweaks.tobytes()


def _multiplied(tweaks: _Words, power: int) -> _Words:
    """Multiply by x to a power of two, in GF(2^128) modulo x^128 + x^7 + x^2 + x + 1."""
    if power > _HALF:
        return _multiplied(_multiplied(tweaks, power // 2), power // 2)
    low, high = tweaks[..., 0], tweaks[..., 1]
    product = np.empty_like(tweaks)
    if power == _HALF:
        over, product[..., 1] = high, low ^ high >> np.uint64(63) ^ high >> np.uint64(62) ^ high >> np.uint64(57)
        product[..., 0] = 0
    else:
        up, down = np.uint64(power), np.uint64(_HALF - power)
        over, product[..., 1] = high >> down, high << up | low >> down
        product[..., 0] = low << up
    # what leaves at the top comes back times x^7 + x^2 + x + 1
    product[..., 0] ^= over ^ over << np.uint64(1) ^ over << np.uint64(2) ^ over << np.uint64(7)
    return product


def _encryption(key: bytes) -> Callable[[bytes], bytes]:
    return Cipher(AES(key), ECB()).encryptor().update  # noqa: S305  for numbers of sectors, as dm-crypt does


def _initial_vectors(name: str | None, digest: str | None, key: bytes) -> Callable[[_Words], bytes]:
    """Choose the function that gives the initial vectors of sectors, one after another."""
    if name == "plain":
        return lambda numbers: _vectors(numbers & np.uint64(0xFFFFFFFF), 0)
    if name == "plain64":
        return lambda numbers: _vectors(numbers, 0)
    if name == "plain64be":
        return lambda numbers: _vectors(numbers.byteswap(), 1)
    if name == "null":
        return lambda numbers: bytes(_BLOCK * len(numbers))
    if name == "benbi":
        # number of the block of 16 bytes, from 1, big-endian
        return lambda numbers: _vectors((numbers * np.uint64(SECTOR // _BLOCK) + np.uint64(1)).byteswap(), 1)
    if name == "essiv" and digest in {"sha1", "sha256", "sha512"}:
        salt = hashlib.new(digest, key, usedforsecurity=False).digest()
        if len(salt) in _KEY_SIZES:
            encrypt = _encryption(salt)
            return lambda numbers: encrypt(_vectors(numbers, 0))
    raise UnsupportedCipherError(f"initial vector {name}{':' + digest if digest else ''}")


def _vectors(numbers: _Words, half: int) -> bytes:
    vectors = np.zeros((len(numbers), 2), dtype="<u8")
    vectors[:, half] = numbers
    return vectors.tobytes()
