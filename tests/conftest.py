"""Fixtures that every test may use: the public corpora, and small real evidence with a case to scan it into."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from forensics.case.ledger import Actor
from forensics.case.store import CaseStore
from forensics.triage.pool import Limits
from forensics.triage.progress import NoDisplay, ProgressDisplay
from forensics.triage.scan import ScanRequest, ScanResult, scan
from hashsets.format import Disposition
from hashsets.library import Library
from tests.pictures import encoded, plasma

# what a shell starts in the background is deaf to Ctrl-C, and so are its children: tests send it to some
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_CORPORA = Path(__file__).parents[2] / "shared" / "corpora"

EXAMINER = Actor("Ana Prueba", "laboratory")


@dataclass(frozen=True)
class Evidence:
    """A disk image and what is on it.

    Attributes:
        image: The image.
        md5: Digest of each file, by path.
        sha1: Digest of each file, by path.
        deleted: Path of the deleted one.
    """

    image: Path
    md5: dict[str, str]
    sha1: dict[str, str]
    deleted: str


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """An ext4 volume of 16 MB with some sixty files."""
    if shutil.which("mke2fs", path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
        pytest.skip("mke2fs is missing (Debian package e2fsprogs)")
    folder = tmp_path_factory.mktemp("evidence")
    tree = folder / "tree"
    (tree / "deep/er").mkdir(parents=True)
    for number in range(50):
        (tree / f"text{number:02}.txt").write_bytes(b"%d " % number * (1 + 97 * number))
    for number in range(6):
        (tree / f"deep/er/picture{number}.dat").write_bytes(encoded(plasma(240, 320, seed=number), "JPEG", quality=90))
    (tree / "empty").write_bytes(b"")
    shutil.copy(tree / "deep/er/picture0.dat", tree / "copy.jpg")
    os.link(tree / "deep/er/picture1.dat", tree / "hard-link.jpg")
    (tree / "gone.jpg").write_bytes(encoded(plasma(300, 300, seed=99), "PNG"))
    md5, sha1 = (
        {
            str(path.relative_to(tree)): hashlib.new(algorithm, path.read_bytes(), usedforsecurity=False).hexdigest()
            for path in tree.rglob("*")
            if path.is_file()
        }
        for algorithm in ("md5", "sha1")
    )
    image = folder / "disk.raw"
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-d", tree, "-E", "root_owner=0:0", image, "16M"], check=True, env=environment
    )
    subprocess.run(["debugfs", "-w", "-R", "rm gone.jpg", image], check=True, env=environment, capture_output=True)
    return Evidence(image, md5, sha1, "gone.jpg")


@pytest.fixture
def library(tmp_path: Path, evidence: Evidence) -> Path:
    """A library with a notable list of four of the files, and a benign one of a text and a picture."""
    notable = ["copy.jpg", "gone.jpg", "text07.txt", "deep/er/picture3.dat"]
    benign = ["text08.txt", "deep/er/picture4.dat"]
    with Library(tmp_path / "library") as library:
        for name, digests, paths, disposition in (
            ("known", evidence.md5, notable, Disposition.NOTABLE),
            ("harmless", evidence.sha1, benign, Disposition.BENIGN),
        ):
            file = tmp_path / f"{name}.csv"
            header = "md5" if digests is evidence.md5 else "sha1"
            file.write_text(f"{header},category\n" + "".join(f"{digests[path]},7\n" for path in paths))
            library.import_list(file, name, disposition)
    return tmp_path / "library"


@pytest.fixture
def run_scan(tmp_path: Path, library: Path) -> Callable[..., ScanResult]:
    """Scan sources into a case of the given name, made if it is not there."""

    def run(
        case: str,
        *sources: Path,
        limits: Limits | None = None,
        display: ProgressDisplay | None = None,
        **options: object,
    ) -> ScanResult:
        path = tmp_path / case
        if not path.exists():
            CaseStore.create(path, "1", EXAMINER, None, []).close()
        with Library(library) as opened:
            sets = tuple(opened.sets())
        request = ScanRequest(sources, None, sets, library, **{"jobs": 2, **options})  # type: ignore[arg-type]
        with CaseStore.open(path) as store:
            return scan(store, EXAMINER, request, display or NoDisplay(), limits)

    return run


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of public test data beside the checkout; tests that need it are skipped where it is absent."""
    if not _CORPORA.is_dir():
        pytest.skip("the public test corpora are not beside this checkout (../shared/corpora)")
    return _CORPORA
