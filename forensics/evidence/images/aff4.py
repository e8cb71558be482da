"""AFF4 images: disk images in AFF4 Standard v1.0 containers (Evimetry, pyaff4, c-aff4), in one file or striped.

A reader of our own: the library pyaff4 0.34 asks for rdflib, snappy and intervaltree in versions of 2017.

Format: "AFF4 Standard v1.0a" (github.com/aff4/Standard). Metadata are checked by ZIP's CRC-32 and the hashes of the
map, chunks by the hashes of their blocks where the tool recorded them. What could not be read from the medium is
declared in :attr:`Aff4Image.damage` and an error when it is read. A container that breaks off has lost its directory
and is refused. Logical images (AFF4-L) are refused by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from forensics.errors import ImageError, MissingSegmentError
from forensics.evidence.image import ImageFormat
from forensics.evidence.images.aff4_container import DESCRIPTION, SCHEME, Aff4Container
from forensics.evidence.images.aff4_metadata import AFF4, TYPE, Term
from forensics.evidence.images.aff4_streams import UNREAD, Aff4Stream, ImageStream, MapStream, SymbolicStream
from forensics.evidence.images.chunk_cache import ChunkCache
from forensics.evidence.images.piecewise import PiecewiseImage
from forensics.evidence.images.read_only_file import ReadOnlyFile

_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_END = b"PK\x05\x06"
_ZIP_TAIL = 66_000
_SUFFIX = ".aff4"
_DISK_TYPES = ("DiskImage", "VolumeImage", "ContiguousImage", "Image")
_LOGICAL_TYPES = ("FileImage", "LogicalAcquisitionTask", "Folder")
_DIGESTS = {f"{AFF4}MD5": "md5", f"{AFF4}SHA1": "sha1", f"{AFF4}SHA256": "sha256"}
_MAP_HASHES = {f"{AFF4}SHA512": "sha512", f"{AFF4}SHA256": "sha256"}
_DETAILS = {
    "caseNumber": "case_number",
    "evidenceNumber": "evidence_number",
    "examiner": "examiner_name",
    "caseDescription": "description",
    "notes": "notes",
    "diskModel": "model",
    "diskSerial": "serial_number",
    "startTime": "acquiry_date",
}
_MOST_STRIPES = 64
_DEEPEST_MAP = 8
_RANGES_TOLD = 100
_LARGEST_SIZE = (1 << 63) - 1


class Aff4Image(PiecewiseImage):
    """An open AFF4 image."""

    format: ClassVar[str] = "aff4"

    def _open(self) -> None:
        self._cache = ChunkCache()
        self._containers = [self._open_container(self.path)]
        disk = self._find_disk()
        self.metadata = self._details()
        self.stored_digests = {
            _DIGESTS[term.datatype]: term.value.lower()
            for term in self._objects(disk, "hash")
            if term.datatype in _DIGESTS
        }
        streams = self._objects(disk, "dataStream")
        urn = streams[0].value if streams else disk
        self.size = self._number(disk, "size") or self._number(urn, "size")
        self.sector_size = self._number(disk, "blockSize") or 512
        if not 0 < self.size <= _LARGEST_SIZE or self.sector_size > 1 << 16:
            raise ImageError("does not say how large its disk is", str(self.path), "copy the image again")
        self._damages: list[str] = []
        self._stream = self._open_stream(urn, _DEEPEST_MAP)
        self.damage = "; ".join(self._damages)

    def _open_container(self, path: Path) -> Aff4Container:
        container = Aff4Container(path)
        self._resources.callback(container.close)
        return container

    def _find_disk(self) -> str:
        """Name the one disk image in the container."""
        statements = self._containers[0].statements
        types = {
            subject: {term.value.removeprefix(AFF4) for term in properties.get(TYPE, [])}
            for subject, properties in statements.items()
        }
        logical = any(found.intersection(_LOGICAL_TYPES) for found in types.values())
        for kind in _DISK_TYPES:
            disks = [subject for subject, found in types.items() if kind in found and "FileImage" not in found]
            if len(disks) > 1:
                raise ImageError(f"holds {len(disks)} disk images", str(self.path), "export each as raw or E01")
            if disks:
                return disks[0]
        if logical:
            raise ImageError(
                "is an AFF4 logical image (AFF4-L), which is not supported", str(self.path), "export its files"
            )
        raise ImageError("holds no disk image of AFF4 Standard 1.0", str(self.path), "convert it to raw or E01")

    def _details(self) -> dict[str, str]:
        details: dict[str, str] = {}
        for properties in self._containers[0].statements.values():
            for name, shown in _DETAILS.items():
                for term in properties.get(AFF4 + name, [])[:1]:
                    details.setdefault(shown, term.value)
        if self._containers[0].tool:
            details["acquiry_software_version"] = self._containers[0].tool
        return details

    def _objects(self, subject: str, predicate: str) -> list[Term]:
        for container in self._containers:
            found = container.statements.get(subject, {}).get(AFF4 + predicate)
            if found:
                return found
        return []

    def _number(self, subject: str, predicate: str) -> int:
        terms = self._objects(subject, predicate)
        return int(terms[0].value) if terms and terms[0].value.isdecimal() and len(terms[0].value) < 20 else 0

    def _open_stream(self, urn: str, depth: int) -> Aff4Stream:
        if SymbolicStream.is_symbolic(urn):
            return SymbolicStream(urn, str(self.path))
        container = self._container_of(urn)
        types = {term.value for term in container.statements[urn].get(TYPE, [])}
        if f"{AFF4}Map" in types:
            if not depth:
                raise ImageError("its maps lead in a circle", str(self.path), "copy the image again")
            return self._open_map(container, urn, depth - 1)
        compression = self._objects(urn, "compressionMethod")
        return ImageStream(
            container,
            urn,
            self._number(urn, "size"),
            self._number(urn, "chunkSize"),
            self._number(urn, "chunksInSegment"),
            compression[0].value if compression else "",
            self._cache,
        )

    def _open_map(self, container: Aff4Container, urn: str, depth: int) -> MapStream:
        index = container.read_whole(f"{urn}/idx")
        data = container.read_whole(f"{urn}/map")
        names = index.decode("utf-8", "replace").splitlines()
        for what, predicate, content in (("map", "mapPointHash", data), ("index", "mapIdxHash", index)):
            for term in self._objects(urn, predicate):
                algorithm = _MAP_HASHES.get(term.datatype)
                if algorithm and hashlib.new(algorithm, content).hexdigest() != term.value.lower():
                    self._damages.append(f"the {what} of its streams does not have the hash recorded for it")
        targets = [self._open_stream(name, depth) for name in names]
        default = self._objects(urn, "mapGapDefaultStream")
        gap = self._open_stream(default[0].value if default else f"{AFF4}Zero", depth)
        stream = MapStream(data, targets, gap, str(self.path))
        self._tell_unread(stream, names)
        return stream

    def _tell_unread(self, stream: MapStream, names: list[str]) -> None:
        """Declare what was not read from the medium."""
        unread = [number for number, name in enumerate(names) if name in UNREAD]
        ranges = stream.ranges[np.isin(stream.ranges["target"], unread)]
        if not len(ranges):
            return
        total = int(ranges["length"].sum())
        self._damages.append(
            f"{total} bytes of the medium in {len(ranges)} ranges could not be read when it was acquired"
        )
        told = [
            f"{start // self.sector_size} to {(start + length - 1) // self.sector_size}"
            for start, length, *_ in ranges[:_RANGES_TOLD].tolist()
        ]
        more = f" and {len(ranges) - _RANGES_TOLD} more ranges" if len(ranges) > _RANGES_TOLD else ""
        self.metadata = {**self.metadata, "acquisition_read_errors": f"sectors {', '.join(told)}{more}"}

    def _container_of(self, urn: str) -> Aff4Container:
        """Find the container that has a stream's segments: the named one, or another stripe beside it."""
        for container in self._containers:
            if _holds(container, urn):
                return container
        for container in self._stripes():
            if _holds(container, urn):
                self._containers.append(container)
                self._resources.callback(container.close)
                self.segments += (container.path,)
                return container
            container.close()
        raise MissingSegmentError(
            "a stream of its disk is in another AFF4 file of the same acquisition, which is not beside it",
            str(self.path),
            "copy all its files into one folder; examining the rest would miss evidence silently",
        )

    def _stripes(self) -> Iterator[Aff4Container]:
        """Open the other containers in the folder."""
        known = {container.path for container in self._containers}
        paths = sorted(path for path in self.path.parent.iterdir() if path.suffix.lower() == _SUFFIX)
        for path in [path for path in paths if path not in known and path.is_file()][:_MOST_STRIPES]:
            try:
                yield Aff4Container(path)
            except ImageError:
                continue  # a broken neighbour need not belong to this image

    def _piece(self, offset: int, most: int) -> bytes:
        return self._stream.piece(offset, most)


def _holds(container: Aff4Container, urn: str) -> bool:
    return urn in container.statements and (
        container.has(f"{urn}/map") or container.has(f"{urn}/00000000") or container.has(f"{urn}/00000000.index")
    )


class Aff4Format(ImageFormat):
    """AFF4 images in ZIP containers."""

    name: ClassVar[str] = "aff4"

    def recognises(self, path: Path, head: bytes) -> bool:
        """Recognise a ZIP that names an AFF4 volume: at its start, in its comment, or by its file's extension."""
        if not head.startswith(_ZIP_MAGIC):
            return False
        if path.suffix.lower() == _SUFFIX or head[30:].startswith(DESCRIPTION.encode()):
            return True
        try:
            with ReadOnlyFile(path) as file:
                tail = file.read_at(max(0, file.size - _ZIP_TAIL), _ZIP_TAIL)
        except ImageError:
            return False
        return tail[tail.rfind(_ZIP_END) + 22 :].startswith(SCHEME.encode())

    def open(self, path: Path) -> Aff4Image:
        """Open an AFF4 image (see :meth:`ImageFormat.open`)."""
        return Aff4Image(path)
