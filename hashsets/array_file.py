"""A file of arrays of whole numbers that processes map into memory and share: how an index lies beside its set.

Written once and renamed into place when it is whole and on the disk; then only read. It is opened as bytes with a
header of its own, never unpickled, so that a file somebody else wrote can at worst be refused or answer wrongly, and
what it answers is compared with the set itself by whoever uses it.

Layout, little-endian: ``tamizARR``, version (uint32), length of the description (uint32), SHA-256 of the description,
16 zero bytes; the description as JSON; then each array at a multiple of 64 bytes. The description states the kind of
the index, what it was made of, name, type, shape and place of each array, and the SHA-256 of all that follows it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import mmap
import os
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from forensics.errors import LibraryError
from hashsets.database import library_errors

Numbers: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
"""An array of unsigned whole numbers, of any shape."""

MAGIC = b"tamizARR"
VERSION = 1
PARTIAL_SUFFIX = ".partial"
"""Ends the name of a file that is not whole: swept by the next import, or by whoever makes the same file next."""

_FIXED = struct.Struct("<8sII32s16x")
_ALIGNMENT = 64
_LONGEST_DESCRIPTION = 1 << 20
_TYPES = ("|u1", "<u2", "<u4", "<u8")
_CHUNK_SIZE = 1 << 20
_REMEDY = "it is made anew from the set when the library can be written: tamiz set verify"


class ArrayFileWriter:
    """Writes one file of arrays, each of a size known beforehand, in memory that does not grow with them.

    Args:
        path: The file; one that stands there is replaced, and whoever has it open keeps the old one.
        kind: What index it is, with the version of its layout, such as ``digest-index/1``.
        source: What it is made of, such that an index of something else has another: identity and size of the set.
        shapes: Type (of ``u1 <u2 <u4 <u8``) and shape of each array.

    Raises:
        LibraryError: The file cannot be made.
    """

    def __init__(
        self, path: Path, kind: str, source: str, shapes: Mapping[str, tuple[npt.DTypeLike, Sequence[int]]]
    ) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}.{uuid4().hex[:8]}{PARTIAL_SUFFIX}")
        arrays = [(name, np.dtype(dtype).newbyteorder("<"), tuple(shape)) for name, (dtype, shape) in shapes.items()]
        self._description: dict[str, Any] = {"kind": kind, "source": source, "sha256": "0" * 64}
        self._description["arrays"] = _placed(arrays, 0)
        for _ in range(2):  # places depend on the description's length, which depends on the places
            self._start = _aligned(_FIXED.size + len(_encoded(self._description)) + 2 * _ALIGNMENT)
            self._description["arrays"] = _placed(arrays, self._start)
        size = _end(self._description["arrays"], self._start)
        with library_errors(path):
            _sweep(path)
            self._file = open(self._partial, "x+b", opener=_private)  # noqa: SIM115  closed by finish or discard
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
                os.posix_fallocate(self._file.fileno(), 0, size)  # a full disk is an error here, and a crash later
            except OSError:
                self.discard()
                raise
            self._mapped = mmap.mmap(self._file.fileno(), size)
        self._arrays = _views(self._mapped, self._description["arrays"])

    def __getitem__(self, name: str) -> Numbers:
        """An array to be filled; zero at first."""
        return self._arrays[name]

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def release(self) -> None:
        """Let go of the memory in which this process holds what was filled; the system writes it when it likes."""
        self._mapped.madvise(mmap.MADV_DONTNEED)

    def finish(self) -> None:
        """Put the file on the disk for good and under its name.

        Raises:
            LibraryError: The file cannot be written.
        """
        with library_errors(self._path):
            self._arrays = {}
            self.release()
            digest = hashlib.sha256()
            self._file.seek(self._start)  # read, not mapped: it need not be held as a whole
            while chunk := self._file.read(_CHUNK_SIZE):
                digest.update(chunk)
            self._description["sha256"] = digest.hexdigest()
            encoded = _encoded(self._description)
            head = _FIXED.pack(MAGIC, VERSION, len(encoded), hashlib.sha256(encoded).digest()) + encoded
            self._mapped[: len(head)] = head
            self._mapped.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._partial.rename(self._path)

    def discard(self) -> None:
        """Give the file up; of no effect once it is finished."""
        self._arrays = {}
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or give it up if something failed."""
        if kind is not None:
            self.discard()
            return
        try:
            self.finish()
        except BaseException:
            self.discard()
            raise


def write_arrays(path: Path, kind: str, source: str, arrays: Mapping[str, Numbers]) -> None:
    """Write arrays that are at hand; see :class:`ArrayFileWriter`.

    Raises:
        LibraryError: The file cannot be written.
    """
    with ArrayFileWriter(path, kind, source, {name: (a.dtype, a.shape) for name, a in arrays.items()}) as writer:
        for name, array in arrays.items():
            writer[name][...] = array


class ArrayFile:
    """The arrays of a file, mapped read-only; all processes share one copy in memory.

    Opening reads the description only; :meth:`check` reads everything.

    Args:
        path: The file.
        kind: What it must be.
        source: What it must have been made of.

    Raises:
        LibraryError: It is missing, cut short, of another kind or source, or its description is damaged.
    """

    def __init__(self, path: Path, kind: str, source: str) -> None:
        self._path = path
        with library_errors(path), path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _FIXED.size:
                raise self._damaged("is cut short")
            self._mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        self._description = self._read_description()
        if self._description.get("kind") != kind:
            raise self._damaged("is another index, or of another version")
        if self._description.get("source") != source:
            raise self._damaged("was made of another set")
        self._arrays = self._read_arrays()

    def __getitem__(self, name: str) -> Numbers:
        """An array, read-only.

        Raises:
            LibraryError: The file holds none of that name.
        """
        try:
            return self._arrays[name]
        except KeyError:
            raise self._damaged(f"holds no array {name}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def check(self) -> None:
        """Read the whole file and compare its checksum.

        Raises:
            LibraryError: It is damaged.
        """
        digest = hashlib.sha256()
        for start in range(self._start, len(self._mapped), _CHUNK_SIZE):
            digest.update(self._mapped[start : start + _CHUNK_SIZE])
        if digest.hexdigest() != self._description["sha256"]:
            raise self._damaged("is damaged (its checksum differs)")

    def _read_description(self) -> dict[str, Any]:
        magic, version, length, stated = _FIXED.unpack_from(self._mapped)
        if magic != MAGIC or version != VERSION:
            raise self._damaged("is no index of this version")
        encoded = self._mapped[_FIXED.size : _FIXED.size + length]
        if length > _LONGEST_DESCRIPTION or hashlib.sha256(encoded).digest() != stated:
            raise self._damaged("is damaged at its beginning")
        return dict(json.loads(encoded))

    def _read_arrays(self) -> Mapping[str, Numbers]:
        try:
            places = self._description["arrays"]
            self._start = places[0]["offset"] if places else len(self._mapped)
            if any(each["dtype"] not in _TYPES for each in places) or _end(places, self._start) != len(self._mapped):
                raise self._damaged("is cut short or of unknown types")
            return _views(self._mapped, places)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise self._damaged("has a description that does not fit it") from error

    def _damaged(self, what: str) -> LibraryError:
        return LibraryError(f"the index {what}", str(self._path), _REMEDY)


def _encoded(description: Mapping[str, Any]) -> bytes:
    return json.dumps(description).encode()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _sweep(path: Path) -> None:
    """Remove what processes that are gone left of a file; those that still write one hold its lock."""
    for partial in path.parent.glob(f"{path.name}.*{PARTIAL_SUFFIX}"):
        with suppress(OSError), partial.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def _placed(arrays: Sequence[tuple[str, np.dtype[Any], tuple[int, ...]]], start: int) -> list[dict[str, Any]]:
    """Describe arrays that follow each other from `start` on.

    Raises:
        ValueError: One is not of unsigned whole numbers.
    """
    described: list[dict[str, Any]] = []
    for name, dtype, shape in arrays:
        if dtype.str not in _TYPES:
            raise ValueError(f"arrays of {dtype} are not kept")
        described.append({"name": name, "dtype": dtype.str, "shape": list(map(int, shape)), "offset": start})
        start = _aligned(start + dtype.itemsize * math.prod(shape))
    return described


def _end(places: Sequence[Mapping[str, Any]], start: int) -> int:
    """Length of a file whose arrays stand at some places; one byte at least, for nothing else can be mapped."""
    if not places:
        return start
    last = places[-1]
    return int(_aligned(last["offset"] + np.dtype(last["dtype"]).itemsize * math.prod(last["shape"])))


def _views(mapped: mmap.mmap, places: Sequence[Mapping[str, Any]]) -> dict[str, Numbers]:
    return {
        each["name"]: np.frombuffer(mapped, np.dtype(each["dtype"]), math.prod(each["shape"]), each["offset"]).reshape(
            each["shape"]
        )
        for each in places
    }
