"""Entries as the rows of a set file: columns of plain values, ready to be written, quick to send to another process.

Made of entries that are sound (:mod:`hashsets.entries`); nothing is checked here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import NamedTuple

from hashsets.entries import EntryColumns
from hashsets.fields import PERCEPTUAL_LENGTHS
from hashsets.format import KnownEntry, KnownPerceptualHash
from hashsets.uninformative import are_uninformative

_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode


class EntryRows(NamedTuple):
    """Rows of the tables ``entry`` and ``perceptual_hash``, a list for each column.

    Attributes:
        positions, references, categories, md5, sha1, sha256, sizes: Of each entry.
        attributes: Of each entry, as JSON; ``None`` where there are none.
        owners: Of each perceptual hash, the position of its entry.
        algorithms, values, qualities: Of each perceptual hash.
        searched: Of each perceptual hash: 1 if contents are compared with it.
    """

    positions: Sequence[int]
    references: Sequence[str | None]
    categories: Sequence[str | None]
    md5: Sequence[str | None]
    sha1: Sequence[str | None]
    sha256: Sequence[str | None]
    sizes: Sequence[int | None]
    attributes: Sequence[str | None]
    owners: Sequence[int]
    algorithms: Sequence[str]
    values: Sequence[str]
    qualities: Sequence[int | None]
    searched: Sequence[int]


def rows_of_columns(entries: EntryColumns) -> EntryRows:
    """The rows of many entries."""
    return _rows(*entries.columns())


def rows_of_entries(entries: Iterable[KnownEntry]) -> EntryRows:
    """The rows of entries that were looked at one by one; of one at least."""
    return _rows(*zip(*entries, strict=True))


def _rows(
    positions: Sequence[int],
    md5: Sequence[str | None],
    sha1: Sequence[str | None],
    sha256: Sequence[str | None],
    sizes: Sequence[int | None],
    perceptual: Sequence[tuple[KnownPerceptualHash, ...]],
    categories: Sequence[str | None],
    references: Sequence[str | None],
    attributes: Sequence[Mapping[str, str]],
) -> EntryRows:
    # entries that state the same share one mapping
    each_once = dict(zip(map(id, attributes), attributes, strict=True))
    as_json = {number: _TO_JSON(dict(stated)) if stated else None for number, stated in each_once.items()}
    of_entries = list(map(as_json.__getitem__, map(id, attributes)))
    owners: list[int] = []
    algorithms, values, qualities = (), (), ()
    if any(perceptual):
        owners = list(chain.from_iterable(map(repeat, positions, map(len, perceptual))))
        algorithms, values, qualities = zip(*chain.from_iterable(perceptual), strict=True)
    return EntryRows(
        list(positions), list(references), list(categories), list(md5), list(sha1), list(sha256), list(sizes),
        of_entries, owners, algorithms, values, qualities, _are_searched(algorithms, values),
    )  # fmt: skip


def _are_searched(algorithms: Sequence[str], values: Sequence[str]) -> list[int]:
    """Which perceptual hashes are of an algorithm that tamiz compares, and say something."""
    compared = [value for algorithm, value in zip(algorithms, values, strict=True) if algorithm in PERCEPTUAL_LENGTHS]
    says_nothing = iter(are_uninformative(compared))
    return [int(algorithm in PERCEPTUAL_LENGTHS and not next(says_nothing)) for algorithm in algorithms]
