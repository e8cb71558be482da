"""What a folder is for, told by its name alone: a fact that may bear on possession or distribution, never a conclusion.

Names are those that the programs and systems themselves give. A user can name any folder like that, and can share one
of any name: a role is where the name points, and the lack of one says nothing.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class FolderRole(StrEnum):
    """The roles, in the order in which they are told. A path may have several."""

    SHARED = "shared"
    """Where file-sharing programs (eMule, BitTorrent and their like) keep what they offer or receive."""
    SYNCHRONISED = "synchronised"
    """Kept alike with an account elsewhere (OneDrive, Dropbox, Google Drive, iCloud ...)."""
    SENT = "sent"
    """Where messengers and mail programs keep what was sent."""
    MESSENGER = "messenger"
    """Where messengers keep what was received or sent."""
    DOWNLOADS = "downloads"
    """Where browsers and other programs put what was fetched."""
    CAMERA = "camera"
    """Where cameras and telephones put what they took."""
    CACHE = "cache"
    """What programs keep without being asked: caches, thumbnails, temporary files."""
    TRASH = "trash"
    """What was thrown away and not yet removed."""


_BY_NAME = {
    FolderRole.SHARED: (
        "shared", "my shared folder", "incoming", "emule", "amule", "edonkey", "shareaza", "limewire", "frostwire",
        "ares", "utorrent", "bittorrent", "qbittorrent", "transmission", "torrents", "torrent", "freenet", "gigatribe",
        "soulseek", "i2psnark", "retroshare", "onionshare",
    ),
    FolderRole.SYNCHRONISED: (
        "onedrive", "dropbox", "google drive", "googledrive", "my drive", "mi unidad", "icloud drive", "iclouddrive",
        "mobile documents", "cloudstorage", "mega", "megasync", "megasync downloads", "nextcloud", "owncloud", "pcloud",
        "pclouddrive", "box", "box sync", "syncthing", "sync", "yandex.disk", "creative cloud files",
    ),
    FolderRole.SENT: ("sent", "outbox", "sent items", "elementos enviados", "bandeja de salida", "enviados"),
    FolderRole.MESSENGER: (
        "whatsapp", "com.whatsapp", "whatsapp images", "whatsapp video", "telegram", "telegram desktop",
        "org.telegram.messenger", "signal", "viber", "messenger", "com.facebook.orca", "snapchat",
        "com.snapchat.android", "kik", "discord", "wechat", "line", "skype", "wickr", "threema", "sms", "attachments",
    ),
    FolderRole.DOWNLOADS: ("downloads", "download", "descargas", "downloaded files", "received files"),
    FolderRole.CAMERA: ("dcim", "camera", "camera roll", "100apple", "100media", "100andro"),
    FolderRole.CACHE: (
        "cache", "caches", "cache2", "code cache", "gpucache", "inetcache", "temporary internet files", "temp", "tmp",
        "thumbnails", ".thumbnails", "thumbcache", ".cache",
    ),
    FolderRole.TRASH: ("$recycle.bin", "recycler", "recycled", ".trash", ".trashes", ".trash-1000", "trash"),
}  # fmt: skip

_ROLE_OF = {name: role for role, names in _BY_NAME.items() for name in names}
_ORDER = {role: place for place, role in enumerate(FolderRole)}


def folder_roles(path: bytes) -> tuple[FolderRole, ...]:
    """The roles of the folders that a path leads through.

    Args:
        path: As the file system stores it, from its root, parts joined by ``/``; any bytes.
    """
    return _roles(path.rpartition(b"/")[0][:4096])


@lru_cache(maxsize=4096)
def _roles(folder: bytes) -> tuple[FolderRole, ...]:
    parts = folder.decode("utf-8", "replace").lower().split("/")
    found = {role for part in parts if (role := _role(part)) is not None}
    return tuple(sorted(found, key=_ORDER.__getitem__))


def _role(name: str) -> FolderRole | None:
    if name.startswith("onedrive - "):  # that of a company or school
        return FolderRole.SYNCHRONISED
    if name.startswith(".trash-"):
        return FolderRole.TRASH
    return _ROLE_OF.get(name)
