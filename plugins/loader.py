"""Finds plug-ins and asks them for what they register.

Loading happens once a process, on first need; workers load for themselves. Names must be unique within a kind, so
that a case always says unmistakably by what it was made.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from forensics.errors import PluginError
from plugins import hookspecs

if TYPE_CHECKING:
    import click

    from forensics.evidence.filesystem import FileSystemFormat
    from forensics.evidence.image import ImageFormat
    from forensics.evidence.layer import VolumeLayer
    from forensics.evidence.volume import VolumeSystem
    from forensics.hashing.perceptual import PictureHasher
    from forensics.reports.exporter import Exporter
    from hashsets.format import ListFormat

ENTRY_POINT_GROUP = "tamiz"

_Item = TypeVar("_Item")


@cache
def plugin_registry() -> pluggy.PluginManager:
    """The registry with our own implementations and every installed plug-in.

    Raises:
        PluginError: A plug-in cannot be imported or implements an unknown hook.
    """
    from plugins import builtin

    registry = pluggy.PluginManager("tamiz")
    registry.add_hookspecs(hookspecs)
    registry.register(builtin, "builtin")
    for entry_point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        try:
            registry.register(entry_point.load(), entry_point.name)
        except Exception as error:  # a plug-in may fail in any way while it is imported
            raise PluginError(
                f"cannot be loaded ({error})", f"plug-in {entry_point.name}", "fix it or uninstall it"
            ) from error
    try:
        registry.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(str(error), "plug-ins", "fix the plug-in or uninstall it") from error
    return registry


def load_builtin() -> list[PictureHasher]:
    """Import what ships with tamiz to read and hash evidence, and no other plug-in.

    Returns:
        Our own picture hashers.
    """
    from plugins import builtin

    builtin.tamiz_image_formats()
    builtin.tamiz_volume_systems()
    builtin.tamiz_volume_layers()
    builtin.tamiz_file_systems()
    return builtin.tamiz_picture_hashers()


def image_formats() -> list[ImageFormat]:
    """Every registered image format."""
    return _unique("image format", plugin_registry().hook.tamiz_image_formats(), "name")


def volume_systems() -> list[VolumeSystem]:
    """Every registered volume system."""
    return _unique("volume system", plugin_registry().hook.tamiz_volume_systems(), "name")


def volume_layers() -> list[VolumeLayer]:
    """Every registered layer inside volumes."""
    return _unique("volume layer", plugin_registry().hook.tamiz_volume_layers(), "name")


def file_systems() -> list[FileSystemFormat]:
    """Every registered family of file systems."""
    return _unique("file system", plugin_registry().hook.tamiz_file_systems(), "name")


def picture_hashers() -> list[PictureHasher]:
    """Every registered perceptual hash algorithm for pictures, ours first: what fails later costs no hash before it."""
    return _unique("picture hasher", plugin_registry().hook.tamiz_picture_hashers(), "algorithm")


def list_formats() -> list[ListFormat]:
    """Every registered format of known-hash lists."""
    return _unique("list format", plugin_registry().hook.tamiz_list_formats(), "name")


def exporters() -> list[Exporter]:
    """Every registered export format."""
    return _unique("exporter", plugin_registry().hook.tamiz_exporters(), "name")


def commands() -> list[click.Command]:
    """Every registered further command."""
    return _unique("command", plugin_registry().hook.tamiz_commands(), "name")


def _origin(item: object) -> str:
    return type(item).__module__


def _unique(kind: str, registered: Iterable[Iterable[_Item]], key: str) -> list[_Item]:
    """Flatten what the hooks returned, our own first, and refuse two of one name."""
    by_name: dict[str, Any] = {}
    # pluggy calls the newest plug-in first; ours were registered first
    for items in reversed(list(registered)):
        for item in items:
            name = str(getattr(item, key))
            if name in by_name:
                what = f"two plug-ins register the {kind} '{name}': {_origin(by_name[name])} and {_origin(item)}"
                raise PluginError(what, None, "uninstall one of them")
            by_name[name] = item
    return list(by_name.values())
