"""The contract of a volume system: how a disk is divided."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from forensics.evidence.image import DiskImage


@dataclass(frozen=True, slots=True)
class Volume:
    """A contiguous part of an image.

    Attributes:
        label: ``p1``, ``p2`` ... as Linux numbers partitions; ``u1``, ``u2`` ... for the gaps between them, in order
            of offset; ``p0`` for an image without a table.
        scheme: ``dos``, ``gpt``, ``bsd``, ``sun``, ``mac``; ``none`` for an image without a table.
        description: What the table says of it (type, name).
        offset: First byte in the image.
        size: Length in bytes, as the table claims; may reach beyond the end of the image.
        allocated: False for the gaps between partitions.
    """

    label: str
    scheme: str
    description: str
    offset: int
    size: int
    allocated: bool = True


class VolumeSystem(ABC):
    """A kind of partition table or volume manager. Stateless; registers through ``tamiz_volume_systems``."""

    name: ClassVar[str]

    @abstractmethod
    def volumes(self, image: DiskImage) -> Iterator[Volume] | None:
        """List the volumes of an image, gaps included, in order of offset.

        Returns:
            ``None`` when the image carries no table of this kind.

        Raises:
            VolumeError: A table is there but cannot be read.
        """
