"""What is examined first, by the paths that operating systems use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.evidence.stream import Allocation
from forensics.triage.priority import SMALLEST_PICTURE, Priority, is_system, priority_of

USER_MEDIA = [
    b"Users/ana/Pictures/IMG_1.JPG",
    b"Users/ana/AppData/Local/cache/a.webp",
    b"Documents and Settings/Ana/My Documents/a.jpg",
    b"$Recycle.Bin/S-1-5-21-1/$RABCDEF.jpg",
    b"Windows.old/Users/ana/a.png",
    b"home/ana/a.mp4",
    b"root/a.mov",
    b"Users/ana/Library/Messages/Attachments/a.heic",
    b"System/Volumes/Data/Users/ana/a.heic",
    b"DCIM/100CANON/IMG_0001.JPG",
    b"Pictures/a.png",
    b"media/0/WhatsApp/Media/WhatsApp Images/a.jpg",
    b"data/media/0/Movies/a.mp4",
    b"storage/emulated/0/a.jpg",
    b"dump/data/media/0/a.jpg",
    b"private/var/mobile/Media/DCIM/100APPLE/IMG_0001.HEIC",
    b"C/Users/ana/a.jpg",
    b"Users/jos\xe9 \xff/a.jpg",
]
SYSTEM = [
    b"Windows/Web/Wallpaper/a.jpg",
    b"WINDOWS/system32/kernel32.dll",
    b"Windows/ServiceProfiles/x/Pictures/a.jpg",
    b"Program Files/App/splash.png",
    b"usr/share/icons/a.png",
    b"System/Library/CoreServices/a.tiff",
    b"Library/Desktop Pictures/a.heic",
    b"private/var/db/a",
    b"$MFT",
    b"$Secure:$SDS",
    b"$Extend/$UsnJrnl:$J",
    b"app/com.example/base.apk",
]
MEMORY = [b"pagefile.sys", b"HIBERFIL.SYS", b"swapfile", b"private/var/vm/sleepimage", b"Windows/MEMORY.DMP"]


@pytest.mark.parametrize(
    ("paths", "priority"),
    [
        (USER_MEDIA, Priority.USER_MEDIA),
        ([b"a.jpg", b"holiday/a.jpg", b"backup/x/y.mkv"], Priority.MEDIA),
        ([b"Users/ana/letter.docx", b"home/ana/.cache/abcdef", b"DCIM/a.THM.bin"], Priority.USER_FILES),
        ([b"notes.txt", b"work/a.bin", b"var/lib/x"], Priority.OTHER),
        (SYSTEM, Priority.SYSTEM),
        (MEMORY, Priority.MEMORY),
    ],
)
def test_a_path_tells_its_class(paths: list[bytes], priority: Priority) -> None:
    assert {path: priority_of(path, 100_000, Allocation.ALLOCATED) for path in paths} == dict.fromkeys(paths, priority)


@pytest.mark.parametrize("allocation", [Allocation.DELETED, Allocation.ORPHAN, Allocation.CARVED])
def test_what_is_not_allocated_comes_after_what_is(allocation: Allocation) -> None:
    assert priority_of(b"Users/ana/a.jpg", 100_000, allocation) is Priority.DELETED_MEDIA
    assert priority_of(b"Users/ana/a.doc", 100_000, allocation) is Priority.DELETED
    assert priority_of(b"Windows/a.jpg", 100_000, allocation) is Priority.SYSTEM


def test_icons_and_empty_files_wait() -> None:
    assert priority_of(b"Users/ana/a.png", SMALLEST_PICTURE - 1, "allocated") is Priority.USER_FILES
    assert priority_of(b"Users/ana/a.png", 0, "allocated") is Priority.OTHER


@given(st.binary(max_size=80), st.integers(0, 1 << 63), st.sampled_from(Allocation))
def test_any_bytes_have_a_class(path: bytes, size: int, allocation: Allocation) -> None:
    assert priority_of(path, size, allocation) in Priority
    assert is_system(path) == (priority_of(path, size, allocation) in {Priority.SYSTEM, Priority.MEMORY})


@given(st.sampled_from([*USER_MEDIA, *SYSTEM, *MEMORY]))
def test_upper_and_lower_case_are_one(path: bytes) -> None:
    assert priority_of(path.upper(), 9999, "allocated") is priority_of(path.lower(), 9999, "allocated")
