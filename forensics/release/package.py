"""The package that leaves the laboratory: report, exports and seal in one folder whose every file can be checked.

A BagIt bag (RFC 8493): what is handed over lies in ``data`` and is listed in ``manifest-sha256.txt``; the rest is
listed in ``tagmanifest-sha256.txt``, which may be signed with Ed25519. Any BagIt tool, or ``sha256sum -c``, checks it.

What is inside goes by the recipient (:mod:`forensics.reports.recipient`): the sealed case itself, which holds every
name and digest, is for the laboratory; others get its manifest and signature, with which it can be held to them later.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from string import Template

from forensics import __version__
from forensics.case.reader import CaseReader
from forensics.errors import SealError
from forensics.new_file import refuse_existing, write_through, writing
from forensics.reports.exporter import Exporter
from forensics.reports.recipient import Recipient
from forensics.reports.report import write_report
from forensics.reports.translation import LANGUAGES, translation
from forensics.seal.files import VERIFIER, cms_path, manifest_path, signature_path, time_stamp_path
from forensics.seal.keys import SigningKey
from forensics.seal.sealing import verifier_program
from forensics.seal.verification import verify_sealed

EXPORTS: Mapping[Recipient, Mapping[str, str]] = {
    Recipient.LABORATORY: {
        "vics": "vics.json",
        "case-uco": "case-uco.jsonld",
        "dfxml": "dfxml.xml",
        "hashdeep": "hashdeep.txt",
        "statistics": "statistics.csv",
    },
    Recipient.PROSECUTOR: {"case-uco": "case-uco.jsonld", "statistics": "statistics.csv"},
    Recipient.DEFENCE: {"case-uco": "case-uco.jsonld", "dfxml": "dfxml.xml", "statistics": "statistics.csv"},
    Recipient.COURT: {"statistics": "statistics.csv"},
}
"""Exports in the package of each recipient, and the names of their files. Each obeys the recipient's table itself."""

MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
SIGNATURE = f"{TAG_MANIFEST}.sig"
PUBLIC_KEY = f"{TAG_MANIFEST}.pub"


@dataclass(frozen=True, slots=True)
class Package:
    """A package written.

    Attributes:
        folder: Where.
        files: How many files are handed over.
        sha256: Digest of ``tagmanifest-sha256.txt``, which covers all of them.
    """

    folder: Path
    files: int
    sha256: str


def write_package(
    case: CaseReader,
    folder: Path,
    recipient: Recipient,
    exporters: Sequence[Exporter],
    *,
    sealed: Path | None = None,
    key: SigningKey | None = None,
    with_pdf: bool = False,
) -> Package:
    """Write a package: all of it, or nothing.

    Args:
        case: The case.
        folder: Where; must not exist.
        recipient: For whom.
        exporters: The formats there are.
        sealed: The case as it was sealed.
        key: Signs the package; ``None``: nobody does.
        with_pdf: With the report as PDF too.

    Raises:
        ReportError: The folder exists or cannot be written, or a report or export cannot be.
        SealError: The sealed case is not sound, or another case or another state of it.
    """
    if sealed is not None:
        _hold_against(case, sealed)
    with _new_folder(folder) as bag:
        data = bag / "data"
        data.mkdir(mode=0o700)
        for language in LANGUAGES:
            write_report(case, data / f"report-{language}", language, recipient, with_pdf=with_pdf)
        by_name = {exporter.name: exporter for exporter in exporters}
        for name, file_name in EXPORTS[recipient].items():
            by_name[name].export(case, data / file_name, recipient)
        if sealed is not None:
            _copy_seal(sealed, data / "seal", with_case=recipient is Recipient.LABORATORY)
        number = str(case.case_info()["number"])
        for language in LANGUAGES:
            _write(data / f"README.{language}.txt", _read_me(language, recipient, number, sealed, key).encode())
        count, size = _write_manifest(bag)
        _write_tags(bag, number, count, size, key)
        return Package(folder, count, _sha256(bag / TAG_MANIFEST))


def _hold_against(case: CaseReader, sealed: Path) -> None:
    """Refuse a seal that is broken, or not of these findings."""
    answer = verify_sealed(sealed)
    if answer.findings:
        raise SealError("is not as it was sealed", str(sealed), "see 'tamiz verify', bring it back from a copy")
    with CaseReader.open(sealed) as other:
        same_case = other.case_info()["uuid"] == case.case_info()["uuid"]
        if not same_case or other.logical_digest() != case.logical_digest():
            what = "is another state of this case" if same_case else "is another case"
            raise SealError(what, str(sealed), "seal the case anew, then make the package")


def _copy_seal(sealed: Path, folder: Path, *, with_case: bool) -> None:
    """Copy what lies beside a sealed case; the case itself and the program that checks it only for who may have it."""
    folder.mkdir(mode=0o700)
    beside = (manifest_path(sealed), signature_path(sealed), cms_path(sealed), time_stamp_path(sealed))
    for path in (*((sealed,) if with_case else ()), *beside):
        if path.exists():
            with writing(path):
                shutil.copyfile(path, folder / path.name)
    if with_case:
        _write(folder / VERIFIER, verifier_program())


def _read_me(language: str, recipient: Recipient, number: str, sealed: Path | None, key: SigningKey | None) -> str:
    """What the package is and how it is checked, for a person without our tool."""
    text = files("forensics.release").joinpath(f"read_me.{language}.txt").read_text("utf-8")
    parts: dict[str, str] = {}
    for block in text.split("\n== ")[1:]:
        heading, _, body = block.partition(" ==\n")
        parts[heading] = body.strip("\n")
    sealing = "not-sealed" if sealed is None else "sealed" if recipient is Recipient.LABORATORY else "sealed-elsewhere"
    signing = "not-signed" if key is None else "signed"
    values = {
        "number": number,
        "recipient": translation(language).code(recipient, "recipient"),
        "generated": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "version": __version__,
        "fingerprint": "" if key is None else key.public.fingerprint,
        "sealed": "" if sealed is None else sealed.name,
    }
    chosen = "\n\n".join((parts["head"], parts[sealing], parts[signing]))
    return Template(chosen).substitute(values) + "\n"


def _write_manifest(bag: Path) -> tuple[int, int]:
    """List all that is handed over; give how many files and bytes."""
    paths = sorted(path for path in (bag / "data").rglob("*") if path.is_file())
    lines = [f"{_sha256(path)}  {path.relative_to(bag).as_posix()}\n" for path in paths]
    _write(bag / MANIFEST, "".join(lines).encode())
    return len(paths), sum(path.stat().st_size for path in paths)


def _write_tags(bag: Path, number: str, count: int, size: int, key: SigningKey | None) -> None:
    _write(bag / "bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    about = {
        "External-Identifier": " ".join(number.split()),
        "Bagging-Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Bag-Software-Agent": f"tamiz {__version__}",
        "Payload-Oxum": f"{size}.{count}",
    }
    _write(bag / "bag-info.txt", "".join(f"{name}: {value}\n" for name, value in about.items()).encode())
    names = ("bag-info.txt", "bagit.txt", MANIFEST)
    _write(bag / TAG_MANIFEST, "".join(f"{_sha256(bag / name)}  {name}\n" for name in names).encode())
    if key is not None:
        _write(bag / SIGNATURE, key.sign((bag / TAG_MANIFEST).read_bytes()))
        _write(bag / PUBLIC_KEY, key.public.pem)


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder that gets its name, mode 0700, only once it is complete; nothing is left of one that is not."""
    refuse_existing(folder)
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    with writing(folder):
        temporary.mkdir(mode=0o700)
        try:
            yield temporary
            for path in temporary.rglob("*"):
                write_through(path)
            refuse_existing(folder)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
