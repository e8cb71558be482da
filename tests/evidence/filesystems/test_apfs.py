"""APFS: what macOS wrote is read back, compressed files and encrypted volumes included."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from forensics.errors import LocatorError, StreamReadError
from forensics.evidence.keys import Key, KeyKind, Keyring
from forensics.evidence.locator import Locator
from forensics.evidence.source import Source
from forensics.evidence.stream import Allocation, NotExamined, Stream
from forensics.evidence.volume import Volume
from forensics.reason import Reason
from tests.evidence.samples import sample
from tests.evidence.sleuthkit import read_whole, walk

# what the dissect project's tests, written with macOS at hand, expect of its images
_FORK_SHA256 = "5f46d97f947137dcf974fc19914c547acd18fcdb25124c846c1100f8b3fbca5f"
_IN_ATTRIBUTE = b"Compressed data in xattr " + b"a" * 90 + b"\n"


def _volume(source: Source, label: str = "p0/apfs1") -> Volume:
    return next(volume for volume in source.volumes() if volume.label == label)


def _by_path(source: Source) -> dict[str, Stream]:
    return {stream.path.decode(): stream for stream in walk(source, _volume(source))[0]}


def test_the_volume_of_a_container_is_walked(corpora: Path) -> None:
    with Source.open(corpora / "disk-images/dfvfs/apfs.raw", "E1") as source:
        assert [(volume.label, volume.scheme, volume.description) for volume in source.volumes()] == [
            ("p0", "none", ""),
            ("p0/apfs1", "apfs", "apfs_test"),
        ]
        assert walk(source, _volume(source, "p0")) == ([], [])
        streams = _by_path(source)
        assert set(streams) == {
            "passwords.txt", "a_link", "a_directory/a_resourcefork", "a_directory/another_file", "a_directory/a_file",
            ".fseventsd/fseventsd-uuid", ".fseventsd/000000001714941a", ".fseventsd/000000001714941b",
        }  # fmt: skip
        file = streams["a_directory/another_file"]
        assert file.locator == Locator("E1", "p0/apfs1", "apfs", "19")
        assert read_whole(source, file.locator) == b"This is another file.\n"
        assert file.allocation is Allocation.ALLOCATED
        assert file.times.modified is not None
        assert streams["a_link"].size == 0


def test_physical_offsets_lead_to_the_bytes(corpora: Path) -> None:
    path = corpora / "disk-images/dfvfs/apfs.raw"
    disk = path.read_bytes()
    with Source.open(path, "E1") as source:
        for stream in walk(source, _volume(source))[0]:
            if stream.physical_offset is not None:
                assert disk[stream.physical_offset :].startswith(read_whole(source, stream.locator))


def test_streams_are_reopened_by_their_locators(corpora: Path) -> None:
    with Source.open(corpora / "disk-images/dfvfs/apfs.raw", "E1") as source:
        texts = {str(stream.locator): read_whole(source, stream.locator) for stream in _by_path(source).values()}
    with Source.open(corpora / "disk-images/dfvfs/apfs.raw", "E1") as source:
        assert {text: read_whole(source, Locator.parse(text)) for text in texts} == texts
        for address in ("16", "999999", "3"):
            with pytest.raises(LocatorError):
                source.open_stream(Locator("E1", "p0/apfs1", "apfs", address))


@pytest.mark.parametrize("name", ["case_sensitive", "case_insensitive", "case_sensitive_beta", "jhfs_converted"])
def test_what_macos_wrote_is_read_back(name: str, tmp_path: Path) -> None:
    with Source.open(sample("apfs", f"{name}.bin.gz", tmp_path), "E1") as source:
        streams = _by_path(source)
        assert walk(source, _volume(source))[1] == []
        assert read_whole(source, streams["dir/file"].locator).endswith(b" File System\n")
        assert streams["hardlink"].locator == streams["dir/file"].locator
        assert streams["symlink-file"].size == streams["dir/fifo"].size == streams["empty"].size == 0
        assert read_whole(source, streams["dir/compressed-zlib-xattr"].locator) == _IN_ATTRIBUTE
        kinds = ["zlib"] if "beta" in name else ["zlib", "lzvn"]
        for kind in kinds:
            stream = streams[f"dir/compressed-{kind}-fork"]
            assert stream.not_hashable is None
            assert hashlib.sha256(read_whole(source, stream.locator)).hexdigest() == _FORK_SHA256
            assert read_whole(source, streams[f"dir/compressed-{kind}-xattr"].locator) == _IN_ATTRIBUTE
        if "beta" not in name:
            # the library inflates some LZFSE and fails on other, but never gives wrong bytes for it
            assert read_whole(source, streams["dir/compressed-lzfse-xattr"].locator) == _IN_ATTRIBUTE
            with pytest.raises(StreamReadError):
                read_whole(source, streams["dir/compressed-lzfse-fork"].locator)


def test_an_unknown_compression_is_marked_and_not_hashed(tmp_path: Path) -> None:
    path = sample("apfs", "case_sensitive.bin.gz", tmp_path)
    data = path.read_bytes()
    header = b"fpmc" + (3).to_bytes(4, "little")
    # the node that holds the attribute has a checksum the library does not verify
    path.write_bytes(data.replace(header, b"fpmc" + (5).to_bytes(4, "little")))
    with Source.open(path, "E1") as source:
        stream = _by_path(source)["dir/compressed-zlib-xattr"]
    assert stream.not_hashable is Reason.UNSUPPORTED_COMPRESSION


def _password(text: bytes, volume: str | None = None) -> Keyring:
    return Keyring((Key(KeyKind.PASSWORD, text, volume),))


@pytest.mark.parametrize("volume", [None, "p0", "p0/apfs1"])
def test_an_encrypted_volume_is_read_with_its_password(volume: str | None, tmp_path: Path) -> None:
    path = sample("apfs", "encrypted.bin.gz", tmp_path)
    with Source.open(path, "E1", _password(b"password\n", volume)) as source:
        streams = _by_path(source)
        assert read_whole(source, streams["dir/file"].locator).endswith(b" File System\n")
        assert _volume(source).description == "Encrypted, unlocked with a password file"


@pytest.mark.parametrize(
    ("keyring", "detail"),
    [
        (Keyring(), "APFS"),
        (_password(b"password", "p1"), "APFS"),
        (_password(b"wrong"), "APFS: none of the keys given opens it"),
        (_password(b"\xff\xfe"), "APFS: none of the keys given opens it"),
    ],
)
def test_without_the_right_password_it_is_listed_as_encrypted(keyring: Keyring, detail: str, tmp_path: Path) -> None:
    with Source.open(sample("apfs", "encrypted.bin.gz", tmp_path), "E1", keyring) as source:
        volume = _volume(source)
        assert list(source.walk(volume)) == [NotExamined("E1/p0/apfs1", Reason.VOLUME_ENCRYPTED, detail, volume.size)]
        assert source.file_system(volume) is None


@pytest.mark.parametrize("name", ["corrupt", "snapshot"])
def test_what_the_library_cannot_open_is_listed(name: str, tmp_path: Path) -> None:
    # of the second it does not understand the tree of snapshots
    with Source.open(sample("apfs", f"{name}.bin.gz", tmp_path), "E1") as source:
        items = [item for volume in source.volumes() for item in source.walk(volume)]
    assert [item.reason for item in items if isinstance(item, NotExamined)] == [Reason.FILE_SYSTEM_DAMAGED]
    assert len(items) == 1
