"""Writes AFF4 containers: image streams in every compression, maps, stripes."""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import cramjam

SCHEMA = "http://aff4.org/Schema#"
CHUNK = 4096


def _raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def _sized_lz4(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + bytes(cramjam.lz4.compress_block(data, store_size=False))


METHODS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "stored": ("", bytes),
    "null": (f"{SCHEMA}NullCompressor", bytes),
    "snappy": ("http://code.google.com/p/snappy/", lambda data: bytes(cramjam.snappy.compress_raw(data))),
    "lz4": ("https://code.google.com/p/lz4/", lambda data: bytes(cramjam.lz4.compress_block(data, store_size=False))),
    "lz4 with sizes": ("https://code.google.com/p/lz4/", _sized_lz4),
    "zlib": ("https://www.ietf.org/rfc/rfc1950.txt", zlib.compress),
    "deflate": ("https://tools.ietf.org/html/rfc1951", _raw_deflate),
}


@dataclass(frozen=True)
class Stream:
    """An image stream to write.

    Attributes:
        urn: Its name.
        content: What it holds.
        method: One of :data:`METHODS`.
        hashes: Algorithms of its blocks' hashes.
    """

    urn: str
    content: bytes
    method: str = "snappy"
    hashes: Sequence[str] = ("md5", "sha1")


def write_container(
    path: Path,
    size: int,
    ranges: Sequence[tuple[int, int, int, str]],
    streams: Sequence[Stream],
    all_streams: Sequence[str] = (),
    gap: str = "Zero",
    digests: Mapping[str, str] | None = None,
    in_segment: int = 16,
    zip_compression: int = zipfile.ZIP_STORED,
) -> None:
    """Write a container with one disk image.

    Args:
        path: The file.
        size: Bytes of the medium.
        ranges: Start on the medium, length, start in the target, target's URN; what is left out is filled.
        streams: The image streams in this file.
        all_streams: The URNs the map may refer to, if not just those of ``ranges``.
        gap: What fills gaps, in the AFF4 schema.
        digests: Digests of the medium, by their types in the schema.
        in_segment: Chunks a bevy.
        zip_compression: How ZIP stores its members.
    """
    volume, disk, mapping = "aff4://volume-0001", "aff4://disk-0001", "aff4://map-0001"
    names = list(dict.fromkeys([*all_streams, *(target for *_, target in ranges)]))
    map_data = b"".join(
        struct.pack("<QQQI", start, length, inside, names.index(target)) for start, length, inside, target in ranges
    )
    index = "".join(f"{name}\n" for name in names).encode()
    with zipfile.ZipFile(path, "w", zip_compression) as archive:
        archive.comment = volume.encode()
        archive.writestr("container.description", volume)
        archive.writestr("version.txt", "major=1\nminor=0\ntool=a test\n")
        turtle = [
            _prefixes(volume),
            _disk(disk, mapping, size, digests or {}),
            _map(mapping, size, gap, map_data, index),
        ]
        turtle.extend(_write_stream(archive, stream, in_segment) for stream in streams)
        archive.writestr(_member(f"{mapping}/map"), map_data)
        archive.writestr(_member(f"{mapping}/idx"), index)
        archive.writestr("information.turtle", "\n".join(turtle))


def _write_stream(archive: zipfile.ZipFile, stream: Stream, in_segment: int) -> str:
    urn, compress = METHODS[stream.method]
    chunks = [stream.content[start : start + CHUNK] for start in range(0, len(stream.content), CHUNK)]
    for segment in range(-(-len(chunks) // in_segment)):
        bevy, entries = b"", b""
        hashes = dict.fromkeys(stream.hashes, b"")
        for chunk in chunks[segment * in_segment : (segment + 1) * in_segment]:
            padded = chunk.ljust(CHUNK, b"\0")
            stored = compress(padded)
            stored = stored if len(stored) < CHUNK - 16 else padded
            entries += struct.pack("<QI", len(bevy), len(stored))
            bevy += stored
            for name in hashes:
                hashes[name] += hashlib.new(name, padded, usedforsecurity=False).digest()
        base = _member(f"{stream.urn}/{segment:08d}")
        archive.writestr(base, bevy)
        archive.writestr(f"{base}.index", entries)
        for name, data in hashes.items():
            archive.writestr(f"{base}.blockHash.{name}", data)
    method = f"aff4:compressionMethod <{urn}> ;" if urn else ""
    return (
        f'<{stream.urn}> a aff4:ImageStream ; aff4:chunkSize "{CHUNK}"^^xsd:int ;'
        f' aff4:chunksInSegment "{in_segment}"^^xsd:int ; {method} aff4:size "{len(stream.content)}"^^xsd:long .'
    )


def _prefixes(volume: str) -> str:
    return (
        f"@prefix : <{volume}> .\n@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n@prefix aff4: <{SCHEMA}> .\n"
        f": a aff4:ZipVolume .\n<aff4://case> a aff4:CaseDetails ; aff4:caseNumber 'C-17' ; aff4:examiner \"Perita\" ."
    )


def _disk(urn: str, mapping: str, size: int, digests: Mapping[str, str]) -> str:
    hashes = "".join(f' aff4:hash "{value}"^^aff4:{kind} ;' for kind, value in digests.items())
    return (
        f"<{urn}> a aff4:DiskImage , aff4:ContiguousImage , aff4:Image ; aff4:dataStream <{mapping}> ;{hashes}"
        f' aff4:blockSize 512 ; aff4:size "{size}"^^xsd:long .'
    )


def _map(urn: str, size: int, gap: str, data: bytes, index: bytes) -> str:
    return (
        f'<{urn}> a aff4:Map ; aff4:mapGapDefaultStream aff4:{gap} ; aff4:size "{size}"^^xsd:long ;'
        f' aff4:mapPointHash "{hashlib.sha512(data).hexdigest()}"^^aff4:SHA512 ;'
        f' aff4:mapIdxHash "{hashlib.sha512(index).hexdigest()}"^^aff4:SHA512 .'
    )


def _member(urn: str) -> str:
    scheme, _, rest = urn.partition("://")
    return quote(f"{scheme}://", safe="") + rest
