"""The innocent files that fill the sample disk: pictures of every kind, notes, zeros and programs, all invented."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plugins.sample_evidence import pictures
from plugins.sample_evidence.volumes import SampleFile

_FORMATS = ("JPEG", "JPEG", "JPEG", "PNG", "GIF", "BMP")
_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "BMP": "bmp"}
_SIZES = ((160, 120), (240, 180), (320, 240), (400, 300), (640, 480))
_WORDS = ("lista", "de", "compras", "pan", "leche", "semillas", "para", "el", "jardín", "carta", "a", "la", "abuela")
_ZONE_IDENTIFIER = b"[ZoneTransfer]\r\nZoneId=3\r\n"
_EVERY_DELETED = 13
_LARGEST_PROGRAM = 150_000

FOLDERS = {
    "p1": ("Users/ana/Pictures/2019", "Users/ana/Documents", "Users/ana/Downloads", "Windows/System32"),
    "p2": ("home/luis/fotos/2021", "home/luis/textos", "var/cache/thumbs", "usr/lib/muestra"),
    "p3": ("DCIM/100MUEST", "Notas", "Musica", "Programas"),
}
"""Folders of each volume: pictures, notes, a mixed one, programs."""

COUNTS = {"p1": 170, "p2": 140, "p3": 60}
"""How many innocent files each volume holds."""


def innocent_files(volume: str, seed: int) -> Iterator[SampleFile]:
    """Innocent files for one volume, the same ones for the same seed.

    Args:
        volume: ``p1`` (NTFS: downloads carry a ``Zone.Identifier`` stream), ``p2`` (ext4) or ``p3`` (FAT).
        seed: Anything; the planted pictures use other seeds.
    """
    random = np.random.default_rng(seed)
    photos, notes, mixed, programs = FOLDERS[volume]
    for number in range(COUNTS[volume]):
        deleted = number % _EVERY_DELETED == _EVERY_DELETED - 1
        kind = number % 10
        if kind < 5:
            suffix, content = _picture(random, seed + number)
            yield SampleFile(f"{photos}/foto-{number:04d}.{suffix}", content, deleted=deleted)
        elif kind == 5:
            suffix, content = _picture(random, seed + number)
            path = f"{mixed}/descarga-{number:04d}.{suffix}"
            yield SampleFile(path, content)
            if volume == "p1":
                yield SampleFile(path, _ZONE_IDENTIFIER, stream="Zone.Identifier")
        elif kind < 8:
            yield SampleFile(f"{notes}/nota-{number:04d}.txt", _note(random), deleted=deleted)
        elif kind == 8:
            yield SampleFile(f"{programs}/modulo{number:04d}.dll", _program(random), deleted=deleted)
        else:
            yield SampleFile(f"{mixed}/vacio-{number:04d}.bin", bytes(int(random.integers(1, 17)) * 4096))


def _picture(random: np.random.Generator, seed: int) -> tuple[str, bytes]:
    names = list(pictures.GENERATORS)
    generator = pictures.GENERATORS[names[int(random.integers(len(names)))]]
    width, height = _SIZES[int(random.integers(len(_SIZES)))]
    file_format = _FORMATS[int(random.integers(len(_FORMATS)))]
    return _SUFFIXES[file_format], pictures.encode(generator(seed, width, height), file_format)


def _note(random: np.random.Generator) -> bytes:
    words = random.choice(_WORDS, int(random.integers(20, 2000)))
    return (" ".join(words) + "\n").encode()


def _program(random: np.random.Generator) -> bytes:
    """Random bytes behind the two letters that open every DOS and Windows program."""
    return b"MZ" + random.bytes(int(random.integers(4096, _LARGEST_PROGRAM)))
