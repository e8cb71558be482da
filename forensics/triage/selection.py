"""What a scan examines and what it leaves out by choice: profile, filters, sizes in the lists, privilege.

One decision for each stream, from what the file system says of it; nothing is read for it. A quick scan also takes
files whose names say nothing of media, but looks at their first bytes before it reads them
(:meth:`Selection.looks_first`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics.case.stream_plan import Placement
from forensics.media.extension import NamedKind, named_kind
from forensics.reason import Reason
from forensics.triage.path_pattern import PathPattern, names_of, read_patterns
from forensics.triage.priority import Priority, is_system, priority_of
from hashsets.listed_sizes import ListedSizes


@dataclass(frozen=True, slots=True)
class PrivilegeFilter:
    """Patterns of paths that must not be examined, such as the correspondence with a lawyer.

    Attributes:
        patterns: The patterns.
        sha256: Digest of the file they were read from, by which the case names it.
    """

    patterns: tuple[PathPattern, ...]
    sha256: str

    @classmethod
    def read(cls, file: Path) -> PrivilegeFilter:
        """Read a filter.

        Raises:
            PatternError: See :func:`forensics.triage.path_pattern.read_patterns`.
        """
        patterns = read_patterns(file)
        return cls(patterns, hashlib.sha256(file.read_bytes()).hexdigest())

    def recorded(self) -> dict[str, Any]:
        """What the case says of it: no pattern, for they may name people."""
        return {"patterns": len(self.patterns), "file_sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the operator asked for.

    Attributes:
        include: Patterns of the paths to examine; all if empty.
        exclude: Patterns of the paths to leave out, though they are included.
        kinds: Kinds of media, by extension, to examine; all files if empty.
        smallest: Bytes of the smallest stream to examine.
        largest: Bytes of the largest stream to examine; ``None`` for any.
        privileged: What is withheld, whatever else is asked for.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    kinds: frozenset[NamedKind] = frozenset()
    smallest: int = 0
    largest: int | None = None
    privileged: PrivilegeFilter | None = None

    def recorded(self) -> dict[str, Any]:
        """The filters as the arguments of a scan record them."""
        return {
            "include": list(self.include),
            "exclude": list(self.exclude),
            "types": sorted(self.kinds),
            "min_size": self.smallest,
            "max_size": self.largest,
            "privileged": None if self.privileged is None else self.privileged.recorded(),
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """The plan of a scan (:class:`forensics.case.stream_plan.Plan`).

    Attributes:
        filters: What the operator asked for.
        quick: Leave out what is not allocated and what is no media.
        sizes: Of a quick scan, the sizes that its lists know; ``None`` where they do not all state them.
    """

    filters: Filters = field(default_factory=Filters)
    quick: bool = False
    sizes: ListedSizes | None = None
    _include: tuple[PathPattern, ...] = field(init=False)
    _exclude: tuple[PathPattern, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Read the patterns.

        Raises:
            PatternError: One is unusable.
        """
        for name, texts in (("_include", self.filters.include), ("_exclude", self.filters.exclude)):
            object.__setattr__(self, name, tuple(map(PathPattern.parse, texts)))

    @property
    def leaves_nothing_out(self) -> bool:
        """Whether every stream is examined."""
        return not self.quick and self.filters == Filters()

    @property
    def withholds(self) -> bool:
        """Whether there is a privilege filter."""
        return self.filters.privileged is not None

    def place(self, path: bytes, size: int, allocation: str) -> Placement:
        """Tell what is done with a stream.

        Args:
            path: As the file system stores it.
            size: Bytes.
            allocation: A :class:`forensics.evidence.stream.Allocation`.
        """
        privileged = self.filters.privileged
        by_path = privileged or self._include or self._exclude
        names = names_of(path) if by_path else ()
        if privileged is not None and _any(privileged.patterns, names):
            return Placement(Priority.OTHER, Reason.PRIVILEGED)
        reason = self._filtered(path, names, size) or (self._passed_by(path, size, allocation) if self.quick else None)
        return Placement(priority_of(path, size, allocation), reason)

    def looks_first(self, path: bytes, size: int) -> bool:
        """Whether a stream is read only if it begins as media do: neither its name nor its size speaks for it."""
        return self.quick and not (named_kind(path) or size == 0 or (self.sizes is not None and size in self.sizes))

    def _filtered(self, path: bytes, names: Sequence[frozenset[str]], size: int) -> Reason | None:
        wanted = self.filters
        if (
            (self._include and not _any(self._include, names))
            or (self._exclude and _any(self._exclude, names))
            or (wanted.kinds and named_kind(path) not in wanted.kinds)
            or size < wanted.smallest
            or (wanted.largest is not None and size > wanted.largest)
        ):
            return Reason.EXCLUDED_BY_FILTER
        return None

    def _passed_by(self, path: bytes, size: int, allocation: str) -> Reason | None:
        """Why a quick scan does not examine a stream."""
        if allocation != "allocated":
            return Reason.EXCLUDED_BY_PROFILE
        if self.sizes is not None and size != 0:
            if size in self.sizes:
                return None
            if not self.sizes.searches_looks:
                return Reason.SIZE_NOT_LISTED
        if named_kind(path) is None and is_system(path):
            return Reason.EXCLUDED_BY_PROFILE
        return None


def _any(patterns: Sequence[PathPattern], names: Sequence[frozenset[str]]) -> bool:
    return any(pattern.matches(names) for pattern in patterns)
