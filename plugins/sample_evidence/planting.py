"""Which listed sample pictures stand where on the disk, and in which form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from forensics.evidence.stream import Allocation
from forensics.hashing.digests import digests_of
from hashsets.match import Tier
from plugins.sample_evidence import pictures
from plugins.sample_evidence.ground_truth import PlantedClass, PlantedStream
from plugins.sample_evidence.known_lists import ListedPicture, pdq_distance, pdq_of
from plugins.sample_evidence.volumes import SampleFile

_WIDTH, _HEIGHT = 800, 600
_RESIZE_FACTOR = 0.6
_RECOMPRESSED_QUALITY = 35
_CATEGORIES = (1, 2, 4)
_BORDER = 0.06
_NEAR = frozenset({PlantedClass.RESIZED, PlantedClass.RECOMPRESSED})
_SIMILAR = frozenset({PlantedClass.MIRRORED, PlantedClass.TURNED, PlantedClass.FRAMED})
_DELETED = frozenset({PlantedClass.DELETED_NTFS, PlantedClass.DELETED_EXT4, PlantedClass.DELETED_FAT})

# An exact entry carries one of these, in turn: lists in the wild have gaps.
_LISTED_DIGESTS = (("md5", "sha1"), ("md5",), ("sha1",))

_DEEP = "/".join(f"nivel-{depth:02d}" for depth in range(1, 25))


@dataclass(frozen=True, slots=True)
class Planting:
    """One stream to plant.

    Attributes:
        planted_class: In which way it is hidden; decides its form and whether it is deleted.
        volume: Volume label.
        path: Path inside the volume.
        picture: Number of the listed sample picture; equal numbers are equal pictures.
        stream: Name of the alternate data stream to put it in; ``None`` for the file's own data.
    """

    planted_class: PlantedClass
    volume: str
    path: str
    picture: int
    stream: str | None = None


PLANTINGS = (
    Planting(PlantedClass.PLAIN, "p1", "Users/ana/Pictures/2019/IMG_0001.jpg", 1),
    Planting(PlantedClass.PLAIN, "p1", "Users/ana/Pictures/2019/IMG_0002.png", 2),
    Planting(PlantedClass.PLAIN, "p2", "home/luis/fotos/2021/IMG_0003.jpg", 3),
    Planting(PlantedClass.PLAIN, "p3", "DCIM/100MUEST/IMG_0004.JPG", 4),
    Planting(PlantedClass.NESTED, "p1", f"Users/ana/AppData/{_DEEP}/IMG_0005.jpg", 5),
    Planting(PlantedClass.NESTED, "p2", f"var/cache/{_DEEP}/IMG_0006.jpg", 6),
    Planting(PlantedClass.WRONG_EXTENSION, "p1", "Windows/System32/msvideo9.dll", 7),
    Planting(PlantedClass.WRONG_EXTENSION, "p1", "Users/ana/Documents/apuntes.txt", 8),
    Planting(PlantedClass.WRONG_EXTENSION, "p2", "usr/lib/muestra/libjardin.so", 9),
    Planting(PlantedClass.WRONG_EXTENSION, "p3", "Musica/PISTA07.MP3", 10),
    Planting(PlantedClass.NON_ASCII, "p1", "Users/ana/Imágenes/año nuevo 写真.jpg", 11),
    Planting(PlantedClass.NON_ASCII, "p2", "home/luis/fotos/ñandú ☀ Ωμέγα.jpg", 12),
    Planting(PlantedClass.DUPLICATE, "p1", "Users/ana/Downloads/IMG_0013.jpg", 13),
    Planting(PlantedClass.DUPLICATE, "p2", "home/luis/respaldo/copia de IMG_0013.jpg", 13),
    Planting(PlantedClass.ALTERNATE_STREAM, "p1", "Users/ana/Documents/lista.txt", 14, stream="vista"),
    Planting(PlantedClass.DELETED_NTFS, "p1", "Users/ana/Pictures/2019/IMG_0015.jpg", 15),
    Planting(PlantedClass.DELETED_NTFS, "p1", "Users/ana/Downloads/IMG_0016.png", 16),
    Planting(PlantedClass.DELETED_EXT4, "p2", "home/luis/fotos/2021/IMG_0017.jpg", 17),
    Planting(PlantedClass.DELETED_EXT4, "p2", "home/luis/respaldo/IMG_0018.jpg", 18),
    Planting(PlantedClass.DELETED_FAT, "p3", "DCIM/100MUEST/fotografia borrada 0019.jpg", 19),
    Planting(PlantedClass.RESIZED, "p1", "Users/ana/Pictures/2019/IMG_0020-small.jpg", 20),
    Planting(PlantedClass.RESIZED, "p2", "home/luis/fotos/2021/IMG_0021-small.jpg", 21),
    Planting(PlantedClass.RECOMPRESSED, "p1", "Users/ana/Downloads/IMG_0022-web.jpg", 22),
    Planting(PlantedClass.RECOMPRESSED, "p2", "home/luis/fotos/2021/IMG_0023-web.jpg", 23),
    Planting(PlantedClass.RECOMPRESSED, "p3", "DCIM/100MUEST/IMG_0024-web.jpg", 24),
    Planting(PlantedClass.MIRRORED, "p1", "Users/ana/Downloads/IMG_0025-espejo.jpg", 25),
    Planting(PlantedClass.MIRRORED, "p3", "DCIM/100MUEST/IMG_0026-espejo.jpg", 26),
    Planting(PlantedClass.TURNED, "p2", "home/luis/fotos/2021/IMG_0027-girada.jpg", 27),
    Planting(PlantedClass.FRAMED, "p1", "Users/ana/Pictures/2019/IMG_0028-marco.jpg", 28),
    Planting(PlantedClass.FRAMED, "p2", "home/luis/respaldo/IMG_0029-marco.jpg", 29),
)
"""Everything that is planted."""

_HOST_OF_STREAM = b"una lista corriente\n"


def planted_files(plantings: Iterable[Planting]) -> Iterator[SampleFile]:
    """The files to write for some plantings, the hosts of alternate data streams before these."""
    for planting in plantings:
        if planting.stream is not None:
            yield SampleFile(planting.path, _HOST_OF_STREAM)
        deleted = planting.planted_class in _DELETED
        yield SampleFile(planting.path, _content(planting), planting.stream, deleted)


def listed_pictures() -> list[ListedPicture]:
    """The entries of the notable list that the planted streams match, one for each listed sample picture."""
    by_picture = {planting.picture: planting for planting in PLANTINGS}
    return [_listed(by_picture[picture]) for picture in sorted(by_picture)]


def planted_streams() -> list[PlantedStream]:
    """The truth about every planted stream."""
    return [_truth(planting) for planting in PLANTINGS]


@cache
def _original(picture: int, file_format: str) -> bytes:
    """A listed sample picture as its list knows it."""
    return pictures.encode(pictures.plasma(_seed(picture), _WIDTH, _HEIGHT), file_format)


@cache
def _content(planting: Planting) -> bytes:
    """The bytes that are planted: the listed sample picture itself, or a copy of it that looks like it."""
    original = pictures.plasma(_seed(planting.picture), _WIDTH, _HEIGHT)
    match planting.planted_class:
        case PlantedClass.RESIZED:
            return pictures.encode(pictures.resized(original, _RESIZE_FACTOR), "JPEG")
        case PlantedClass.RECOMPRESSED:
            return pictures.encode(original, "JPEG", _RECOMPRESSED_QUALITY)
        case PlantedClass.MIRRORED:
            return pictures.encode(pictures.mirrored(original), "JPEG")
        case PlantedClass.TURNED:
            return pictures.encode(pictures.turned(original), "JPEG")
        case PlantedClass.FRAMED:
            return pictures.encode(pictures.framed(original, _BORDER), "JPEG")
        case _:
            return _original(planting.picture, _format_of(planting.path))


@cache
def _listed(planting: Planting) -> ListedPicture:
    content = _original(planting.picture, _format_of(planting.path))
    digests = digests_of([content])
    near = planting.planted_class in _NEAR | _SIMILAR
    named = ("md5", "sha1") if near else _LISTED_DIGESTS[planting.picture % len(_LISTED_DIGESTS)]
    return ListedPicture(
        media_id=_media_id(planting.picture),
        category=_CATEGORIES[planting.picture % len(_CATEGORIES)],
        md5=digests.md5 if "md5" in named else None,
        sha1=digests.sha1 if "sha1" in named else None,
        size=digests.size,
        pdq=pdq_of(content) if near else None,
    )


def _truth(planting: Planting) -> PlantedStream:
    content = _content(planting)
    digests = digests_of([content])
    entry = _listed(planting)
    if entry.pdq is not None:
        tier = Tier.SIMILAR if planting.planted_class in _SIMILAR else Tier.NEAR
        basis, distance = "pdq", pdq_distance(entry.pdq, content)
    else:
        tier, basis, distance = Tier.EXACT, "sha1" if entry.sha1 else "md5", 0
    return PlantedStream(
        planted_class=planting.planted_class,
        volume=planting.volume,
        path=planting.path if planting.stream is None else f"{planting.path}:{planting.stream}",
        allocation=Allocation.DELETED if planting.planted_class in _DELETED else Allocation.ALLOCATED,
        size=digests.size,
        md5=digests.md5,
        sha1=digests.sha1,
        sha256=digests.sha256,
        media_id=entry.media_id,
        category=entry.category,
        tier=tier,
        basis=basis,
        distance=distance,
    )


def _format_of(path: str) -> str:
    # A wrong extension hides a JPEG or, for notes, a PNG.
    return "PNG" if PurePosixPath(path).suffix in {".png", ".txt"} else "JPEG"


def _seed(picture: int) -> int:
    return 5_000_000 + picture


def _media_id(picture: int) -> int:
    return 700_000 + picture
