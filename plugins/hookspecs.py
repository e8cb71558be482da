"""What a plug-in can register. Every hook returns a list; an empty one is fine.

A plug-in is a Python package with an entry point in the group ``tamiz``, whose object (usually a module) has
functions of these names marked with :data:`hookimpl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from forensics.evidence.filesystem import FileSystemFormat
    from forensics.evidence.image import ImageFormat
    from forensics.evidence.layer import VolumeLayer
    from forensics.evidence.volume import VolumeSystem
    from forensics.hashing.perceptual import PictureHasher
    from forensics.reports.exporter import Exporter
    from hashsets.format import ListFormat

hookspec = pluggy.HookspecMarker("tamiz")
hookimpl = pluggy.HookimplMarker("tamiz")


@hookspec
def tamiz_image_formats() -> list[ImageFormat]:  # type: ignore[empty-body]
    """Image formats, each recognised by the first bytes of a file."""


@hookspec
def tamiz_volume_systems() -> list[VolumeSystem]:  # type: ignore[empty-body]
    """Kinds of partition tables."""


@hookspec
def tamiz_volume_layers() -> list[VolumeLayer]:  # type: ignore[empty-body]
    """What makes volumes out of a volume: volume managers, encryption, shadow copies."""


@hookspec
def tamiz_file_systems() -> list[FileSystemFormat]:  # type: ignore[empty-body]
    """Families of file systems."""


@hookspec
def tamiz_picture_hashers() -> list[PictureHasher]:  # type: ignore[empty-body]
    """Perceptual hash algorithms for pictures."""


@hookspec
def tamiz_list_formats() -> list[ListFormat]:  # type: ignore[empty-body]
    """Formats of known-hash lists."""


@hookspec
def tamiz_exporters() -> list[Exporter]:  # type: ignore[empty-body]
    """Formats in which a case can leave the laboratory."""


@hookspec
def tamiz_commands() -> list[click.Command]:  # type: ignore[empty-body]
    """Further commands of the ``tamiz`` program."""
