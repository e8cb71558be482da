"""What a folder's name says it is for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.reports.folder_role import FolderRole, folder_roles


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("Users/x/Downloads/a.jpg", [FolderRole.DOWNLOADS]),
        ("Users/x/OneDrive - Empresa/Descargas/a.jpg", [FolderRole.SYNCHRONISED, FolderRole.DOWNLOADS]),
        ("data/media/0/WhatsApp/Media/WhatsApp Images/Sent/a.jpg", [FolderRole.SENT, FolderRole.MESSENGER]),
        ("home/x/.aMule/Incoming/a.mpg", [FolderRole.SHARED]),
        ("Program Files/eMule/Incoming/a.mpg", [FolderRole.SHARED]),
        ("DCIM/Camera/a.jpg", [FolderRole.CAMERA]),
        ("$RECYCLE.BIN/S-1-5-21/$R1.jpg", [FolderRole.TRASH]),
        ("home/x/.local/share/.Trash-1001/files/a", [FolderRole.TRASH]),
        ("home/x/.cache/thumbnails/a.png", [FolderRole.CACHE]),
        ("downloads", []),
        ("a.jpg", []),
        ("Users/x/Pictures/downloads of mine.jpg", []),
    ],
)
def test_roles_come_from_names_of_folders_alone(path: str, roles: list[FolderRole]) -> None:
    assert list(folder_roles(path.encode())) == roles


@given(st.binary(max_size=300))
def test_any_bytes_have_roles_or_none(path: bytes) -> None:
    assert set(folder_roles(path)) <= set(FolderRole)
