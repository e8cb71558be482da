"""Writes the two lists of the demo: an invented VICS 2.0 list of notable material, and a benign hashdeep list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forensics.hashing.digests import digests_of
from forensics.hashing.pdq import PdqHasher, pdq_hash
from forensics.media.picture import decode
from forensics.media.views import views

_CONTEXT = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Media"
_COMMENT = "listed sample picture"
_HASHDEEP_HEADER = "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invented list of harmless sample files\n##\n"
_ABSENT_SEED = 9_000_001
_ABSENT_MEDIA_ID = 800_000
_PDQ_BITS = 256


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """An entry of the notable list.

    Attributes:
        media_id: Invented identifier.
        category: Category code of the scheme ``vics-2.0-us``; it says nothing, the material being harmless.
        md5, sha1: Lower-case hexadecimal; ``None`` where the entry lacks it.
        size: Length in bytes.
        pdq: Lower-case hexadecimal; ``None`` where the entry lacks it.
    """

    media_id: int
    category: int
    md5: str | None
    sha1: str | None
    size: int
    pdq: str | None


def absent_pictures(count: int) -> list[ListedPicture]:
    """Entries that match nothing anywhere: random digests, every third with a random PDQ hash."""
    random = np.random.default_rng(_ABSENT_SEED)
    return [
        ListedPicture(
            media_id=_ABSENT_MEDIA_ID + number,
            category=int(random.choice((0, 1, 2, 3, 4))),
            md5=random.bytes(16).hex(),
            sha1=random.bytes(20).hex(),
            size=int(random.integers(10_000, 5_000_000)),
            pdq=_random_pdq(random) if number % 3 == 0 else None,
        )
        for number in range(count)
    ]


def write_vics(path: Path, entries: Iterable[ListedPicture]) -> None:
    """Write a VICS 2.0 hash set, digests in upper case as exporters write them."""
    document = {"@odata.context": _CONTEXT, "value": [_media(entry) for entry in entries]}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def write_hashdeep(path: Path, files: Sequence[tuple[str, bytes]]) -> None:
    """Write a hashdeep list of (file name, content)."""
    lines = []
    for name, content in files:
        digests = digests_of([content])
        lines.append(f"{digests.size},{digests.md5},{digests.sha256},{name}\n")
    path.write_text(_HASHDEEP_HEADER + "".join(lines), encoding="utf-8")


def pdq_of(content: bytes) -> str:
    """The PDQ hash of an encoded synthetic picture, by the decoder and hasher that scans use."""
    return pdq_hash(decode(content).pixels).value


def pdq_distance(known: str, content: bytes) -> int:
    """Bits between a PDQ hash in hexadecimal and the nearest of those a scan makes of an encoded synthetic picture."""
    hashes = (hashed for picture in views(content) for hashed in PdqHasher().hash(picture))
    return min((int(known, 16) ^ int(hashed.value, 16)).bit_count() for hashed in hashes)


def _media(entry: ListedPicture) -> dict[str, object]:
    media: dict[str, object] = {"MediaID": entry.media_id, "Category": entry.category, "MediaSize": entry.size}
    if entry.md5 is not None:
        media["MD5"] = entry.md5.upper()
    if entry.sha1 is not None:
        media["SHA1"] = entry.sha1.upper()
    if entry.pdq is not None:
        media["AlternativeHashes"] = [{"HashName": "PDQ", "HashValue": entry.pdq}]
    media["Comments"] = _COMMENT
    return media


def _random_pdq(random: np.random.Generator) -> str:
    """256 bits with half of them set, as the median cut of PDQ leaves them."""
    bits = random.permutation(np.arange(_PDQ_BITS) % 2)
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()
