"""The contract of a layer: what makes volumes out of a volume.

A logical volume manager, encryption, an APFS container and Windows' shadow copies all stand between a partition and
the file systems in it. A layer opens a volume and gives what lies inside: volumes that are read through it as if they
were images of disks, or whole file systems where the library behind it gives no bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from forensics.evidence.filesystem import FileSystem
from forensics.evidence.image import DiskImage
from forensics.evidence.keys import VolumeKeys
from forensics.evidence.volume import Volume
from forensics.reason import Reason


class VolumeImage(DiskImage):
    """The bytes of a volume inside a volume, with the contract of a disk image.

    Args:
        parent: The image it is read through.
        size: Its length in bytes.

    Attributes:
        parent: The image it is read through.
    """

    format: ClassVar[str] = "volume"

    def __init__(self, parent: DiskImage, size: int) -> None:
        self.parent = parent
        self.path = parent.path
        self.segments = parent.segments
        self.size = size
        self.sector_size = parent.sector_size
        self.stored_digests = {}
        self.metadata = {}

    @abstractmethod
    def offset_in_parent(self, offset: int) -> int | None:
        """Where a byte lies in the parent image; ``None`` if that cannot be told. Used to read in physical order."""

    def may_differ(self, other: DiskImage, extents: Iterable[tuple[int, int]]) -> bool:  # noqa: ARG002
        """Tell whether bytes may be others than at the same place in another state of the same volume.

        Args:
            other: The image the other state is read from: that of an earlier copy, or the one this lies in.
            extents: Start in the volume and length, in bytes.

        Returns:
            False only if they are known to be the same.
        """
        return True

    def close(self) -> None:
        """Do nothing: the image belongs to the source that opened it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Why something in a volume could not be examined.

    Attributes:
        reason: Why.
        detail: In words or figures, without names stored on the evidence.
        size: Bytes concerned, where known.
        keys_tried: All of the user's keys were tried in vain: no other worker needs to.
    """

    reason: Reason
    detail: str = ""
    size: int | None = None
    keys_tried: bool = False


@dataclass(frozen=True, slots=True)
class InnerVolume:
    """A volume inside a volume. With neither image nor file system it cannot be read; its gaps say why.

    Attributes:
        label: Its part of the label: letters and a number, such as ``lvm1``; the same each time.
        scheme: Name of the layer's format, such as ``lvm2``.
        description: What the layer says of it (name, cipher).
        size: Length in bytes.
        offset: Where it begins in the image the layer was opened on; ``None`` where that has no meaning.
        image: Its bytes.
        file_system: Its file system, where it can be read only as a whole.
        gaps: What of it cannot be examined.
        volume_key: What opens it without the user's key, for other workers.
        copy_of_parent: It shows an earlier state of the volume it lies in (a shadow copy).
    """

    label: str
    scheme: str
    description: str
    size: int
    offset: int | None = None
    image: VolumeImage | None = None
    file_system: FileSystem | None = None
    gaps: tuple[Gap, ...] = ()
    volume_key: bytes | None = field(default=None, repr=False)
    copy_of_parent: bool = False


@dataclass(frozen=True, slots=True)
class Inside:
    """What a layer found in a volume.

    Attributes:
        volumes: The volumes, in the layer's own order.
        gaps: What could not be examined and is none of them.
        divided: The volume holds this instead of a file system; False where it has both (shadow copies).
    """

    volumes: tuple[InnerVolume, ...] = ()
    gaps: tuple[Gap, ...] = ()
    divided: bool = True


@dataclass(frozen=True, slots=True)
class LayerPlace:
    """A volume in which a layer may lie.

    Attributes:
        image: The image the volume is a part of.
        volume: The volume.
        neighbours: All volumes of that image, this one included, for layers that span several.
        keys: The keys to try.
    """

    image: DiskImage
    volume: Volume
    neighbours: Sequence[Volume]
    keys: VolumeKeys

    @property
    def size(self) -> int:
        """Bytes of the volume that the image holds."""
        return max(min(self.volume.size, self.image.size - self.volume.offset), 0)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read bytes of the volume; fewer than asked for only at its end or that of the image.

        Raises:
            ImageError: They cannot be read.
        """
        return self.image.read_at(self.volume.offset + offset, max(min(length, self.size - offset), 0))


class VolumeLayer(ABC):
    """A kind of layer. Stateless; registers through ``tamiz_volume_layers``.

    Attributes:
        name: Short name, such as ``lvm2``.
        only_deep: True for a layer that only the profile ``deep`` opens.
    """

    name: ClassVar[str]
    only_deep: ClassVar[bool] = False

    @abstractmethod
    def open(self, place: LayerPlace) -> Inside | None:
        """Open what lies in a volume.

        Args:
            place: The volume.

        Returns:
            ``None`` where there is no layer of this kind. A layer that is locked and for which there is no key is
            ``None`` too where its signature alone says what it is (:mod:`forensics.evidence.signature`).

        Raises:
            EvidenceError: It is there but damaged, or cannot be read.
        """

    def left_out(self, place: LayerPlace) -> Gap | None:  # noqa: ARG002
        """Say what stays unexamined because the profile does not open this layer; asked where ``only_deep`` is true.

        Args:
            place: The volume.

        Raises:
            EvidenceError: It is there but damaged, or cannot be read.
        """
        return None
