"""The folder of a demo: made anew, or cleared if it holds an earlier demo; anybody else's folder is left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

from forensics.errors import TamizError

MARKER = "README.txt"
"""Written first and recognised later, so that a demo that was interrupted can be started again."""

CASE = "case.tamiz"
"""The case file."""

LIBRARY = "library"
"""The demo's own library of known-hash sets; the laboratory's library is never touched."""

REPORT = "report"
"""Where the report goes."""

_FIRST_LINE = "This folder was made by 'tamiz demo'."
_TEXT = f"""{_FIRST_LINE}

Everything in it is generated and harmless. 'tamiz demo' on this folder replaces it.

disk.raw            a disk with NTFS, ext4 and FAT partitions, full of invented files
disk.E01            the same disk, acquired as EnCase 6
notable.json        an invented VICS 2.0 list of listed sample pictures
benign.hashdeep     an invented list of innocent files
ground-truth.json   what is planted where
{LIBRARY}             the lists, imported
{CASE}          the case that the demo made
{REPORT}              its report
"""

# Patterns: a case has companions (its key, SQLite's journals), an interrupted build leaves its unfinished volumes.
_PRODUCTS = (
    *("disk.raw", "disk.E01", "notable.json", "benign.hashdeep", "ground-truth.json"),
    *(CASE, f"{CASE}.*", f"{CASE}-*", LIBRARY, REPORT, "volumes-*"),
)


def prepare(folder: Path) -> None:
    """Make the folder ready for a demo.

    Only what a demo makes is removed; anything else that was put there stays.

    Raises:
        TamizError: The folder holds something and is no earlier demo, or cannot be written.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise TamizError("is not a folder", str(folder), "name another one")
        if folder.is_dir() and any(folder.iterdir()):
            if not _is_demo(folder):
                raise TamizError("is not empty and no earlier demo", str(folder), "name a new or an empty folder")
            _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).write_text(_TEXT, encoding="utf-8")
    except OSError as error:
        raise TamizError(f"cannot be written ({error.strerror})", str(folder), "choose another folder") from error


def _is_demo(folder: Path) -> bool:
    marker = folder / MARKER
    return marker.is_file() and marker.read_bytes().startswith(_FIRST_LINE.encode())


def _clear(folder: Path) -> None:
    for product in [path for pattern in _PRODUCTS for path in folder.glob(pattern)]:
        if product.is_dir() and not product.is_symlink():
            shutil.rmtree(product)
        else:
            product.unlink()
