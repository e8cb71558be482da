"""Fifty words planted on evidence and in a list: whoever may not see one finds it in nothing that leaves the house.

A real disk image is scanned. Every export, with everything it can include, and the report are written for every
recipient and searched for each word, in each form in which it could stand there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import zlib
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from forensics.case.content_walk import Scope
from forensics.case.reader import CaseReader
from forensics.case.store import CaseStore
from forensics.errors import ReportError
from forensics.release.package import write_package
from forensics.reports.exporter import write_export
from forensics.reports.recipient import Disclosure, Recipient, disclosure
from forensics.reports.report import write_report
from forensics.triage.progress import NoDisplay
from forensics.triage.scan import ScanRequest, scan
from hashsets.format import Disposition
from hashsets.library import Library
from hashsets.provenance import Provenance
from plugins import loader
from tests.conftest import EXAMINER
from tests.pictures import photo

NOBODY: str | None = None
PLACES: dict[str, tuple[str | None, int]] = {
    # where a word is planted: who may see it (a field of Disclosure), how many words
    "file-name": ("paths", 10),
    "folder-name": ("paths", 6),
    "name-that-is-no-utf-8": ("paths", 1),
    "evidence-file-name": ("source_names", 1),
    "text-content": (NOBODY, 8),
    "picture-comment": (NOBODY, 4),
    "exif-description": (NOBODY, 3),
    "exif-camera": (NOBODY, 2),
    "exif-place": (NOBODY, 2),
    "entry-reference": ("references", 2),
    "list-series": (NOBODY, 2),
    "list-comments": (NOBODY, 2),
    "list-tags": (NOBODY, 1),
    "list-file-name-of-entry": (NOBODY, 1),
    "set-name": ("set_names", 1),
    "set-issuer": ("set_names", 1),
    "set-authority": ("set_names", 1),
    "set-note": ("set_names", 1),
    "list-file-name": ("set_names", 1),
}
WORDS = {
    place: tuple(f"zq{hashlib.sha256(f'{place}{number}'.encode()).hexdigest()[:10]}" for number in range(count))
    for place, (_, count) in PLACES.items()
}
ALL = [(place, word) for place, words in WORDS.items() for word in words]
SCOPES = (Scope.HITS, Scope.MEDIA, Scope.ALL)


def test_there_are_fifty_words_and_every_rule_is_one_of_the_table() -> None:
    assert len({word for _, word in ALL}) == len(ALL) == 50
    assert {field for field, _ in PLACES.values()} - {NOBODY} <= {field.name for field in fields(Disclosure)}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scanned case with all of them; half of the files, among them every kind, are on a list."""
    if shutil.which("mke2fs", path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
        pytest.skip("mke2fs is missing (Debian package e2fsprogs)")
    folder = tmp_path_factory.mktemp("leaks")
    tree = folder / "tree"
    contents = plant(tree)
    image = folder / f"{WORDS['evidence-file-name'][0]}.raw"
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-d", tree, "-E", "root_owner=0:0", image, "16M"], check=True, env=environment
    )
    return scanned(folder, image, contents[::2])


def scanned(folder: Path, image: Path, listed: list[bytes]) -> Path:
    with Library(folder / "library") as library:
        provenance = Provenance(WORDS["set-issuer"][0], None, WORDS["set-note"][0], None)
        library.import_list(
            vics_list(folder, listed), WORDS["set-name"][0], Disposition.NOTABLE, authority=WORDS["set-authority"][0],
            provenance=provenance,
        )  # fmt: skip
        sets = tuple(library.sets())
    case = folder / "a.case"
    CaseStore.create(case, "CI/1/2026", EXAMINER, "Oficio 1", ["E1"]).close()
    with CaseStore.open(case) as store:
        scan(store, EXAMINER, ScanRequest((image,), "E1", sets, folder / "library", jobs=2), NoDisplay())
    return case


def plant(tree: Path) -> list[bytes]:
    """Write the files; give their contents."""
    contents = []
    texts = iter(WORDS["text-content"])
    pictures = iter(pictured())
    for number, name in enumerate(WORDS["file-name"]):
        folder = tree / WORDS["folder-name"][number % len(WORDS["folder-name"])]
        folder.mkdir(parents=True, exist_ok=True)
        if number % 2:
            path, data = folder / f"{name}.jpg", next(pictures)
        else:
            path, data = folder / f"{name}.txt", f"{next(texts)} {number}\n".encode() * 40
        path.write_bytes(data)
        contents.append(data)
    odd = os.fsencode(tree) + b"/" + WORDS["name-that-is-no-utf-8"][0].encode() + b"\xff.bin"
    rest = "".join(texts).encode() * 9
    with open(odd, "wb") as file:  # noqa: PTH123 - a name of bytes
        file.write(rest)
    return [rest, *contents]


def pictured() -> Iterator[bytes]:
    """Pictures with words in their comments and Exif."""
    from io import BytesIO

    words = {place: iter(WORDS[place]) for place in WORDS}
    for seed in range(5):
        exif = Image.Exif()
        exif[Base.ImageDescription] = next(words["exif-description"], "")
        exif[Base.Model] = next(words["exif-camera"], "")
        exif.get_ifd(IFD.GPSInfo)[GPS.GPSAreaInformation] = next(words["exif-place"], "").encode()
        buffer = BytesIO()
        Image.fromarray(photo(200, 300, seed)).save(
            buffer, "JPEG", exif=exif, comment=next(words["picture-comment"], "").encode()
        )
        yield buffer.getvalue()


def vics_list(folder: Path, listed: list[bytes]) -> Path:
    media = [
        {
            "MediaID": WORDS["entry-reference"][number % 2],
            "Category": 1,
            "MD5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
            "Series": WORDS["list-series"][number % 2],
            "Comments": WORDS["list-comments"][number % 2],
            "Tags": WORDS["list-tags"][0],
            "MediaFiles": [{"FileName": WORDS["list-file-name-of-entry"][0]}],
        }
        for number, data in enumerate(listed)
    ]
    path = folder / f"{WORDS['list-file-name'][0]}.json"
    path.write_text(json.dumps({"@odata.context": "http://x/DataModels/2.0.xml/US/$metadata#Media", "value": media}))
    return path


def forms(word: str) -> dict[str, bytes]:
    """Every form in which a word could stand in a file, in lower case."""
    plain = word.encode()
    found = {
        "plain": plain,
        "UTF-16LE": word.encode("utf-16-le"),
        "UTF-16BE": word.encode("utf-16-be"),
        "hexadecimal": plain.hex().encode(),
        "URL": "".join(f"%{byte:02x}" for byte in plain).encode(),
        "JSON": "".join(f"\\u{ord(character):04x}" for character in word).encode(),
        "reversed": plain[::-1],
    }
    for encoding in ("utf-8", "utf-16-le"):
        for shift in range(3):
            encoded = b64encode(b"\0" * shift + word.encode(encoding))
            # what the bytes before and after decide is left out
            start, end = (0, 2, 3)[shift], len(encoded) - 4
            found[f"base64 of {encoding} at {shift}"] = encoded[start:end]
    return found


FORMS = {word: forms(word) for _, word in ALL}


def forms_found(data: bytes, word: str) -> set[str]:
    lower = data.lower()
    return {form for form, value in FORMS[word].items() if value in (data if form.startswith("base64") else lower)}


def may_see(allowed: Disclosure, place: str) -> bool:
    field = PLACES[place][0]
    return field is not None and getattr(allowed, field) is True


@pytest.fixture(scope="module")
def written(case: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Recipient, dict[str, bytes]]:
    """All that can be written for each recipient, by name."""
    folder = tmp_path_factory.mktemp("written")
    found: dict[Recipient, dict[str, bytes]] = defaultdict(dict)
    with CaseReader.open(case) as reader:
        for recipient in Recipient:
            for exporter in loader.exporters():
                for scope in SCOPES:
                    output = folder / f"{exporter.name}-{scope}-{recipient}"
                    try:
                        write_export(exporter, reader, output, recipient, scope)
                    except ReportError as error:
                        found[recipient][f"{output.name}, refused"] = str(error).encode()
                    else:
                        found[recipient][output.name] = output.read_bytes()
            for language in ("es", "en"):
                for file in write_report(reader, folder / f"{recipient}-{language}", language, recipient):
                    found[recipient][f"{language}/{file.path.name}"] = file.path.read_bytes()
            bag = folder / f"{recipient}-package"
            write_package(reader, bag, recipient, loader.exporters())
            found[recipient] |= {str(path.relative_to(folder)): path.read_bytes() for path in files_in(bag)}
        found[Recipient.PROSECUTOR] |= pdf_of(reader, folder)
    return found


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def pdf_of(reader: CaseReader, folder: Path) -> dict[str, bytes]:
    """A report as PDF with its tables inside: all that is packed in it, unpacked, and the words that are shown."""
    if shutil.which("pdftotext") is None:
        return {}
    write_report(reader, folder / "pdf", "es", Recipient.PROSECUTOR, with_pdf=True)
    document = folder / "pdf" / "report.pdf"
    found = {"the PDF": document.read_bytes()}
    for number, packed in enumerate(re.findall(rb"stream\r?\n(.*?)\r?\nendstream", found["the PDF"], re.DOTALL)):
        with contextlib.suppress(zlib.error):
            found[f"stream {number} of the PDF"] = zlib.decompress(packed)
    found["words of the PDF"] = subprocess.run(["pdftotext", document, "-"], check=True, capture_output=True).stdout
    assert any(data.startswith(b"\xef\xbb\xbf") for data in found.values())  # a table is in it, and was unpacked
    return found


@pytest.mark.parametrize("recipient", Recipient)
def test_nobody_finds_a_word_that_the_table_keeps_from_them(
    written: dict[Recipient, dict[str, bytes]], recipient: Recipient
) -> None:
    allowed = disclosure(recipient)
    leaks = {
        (name, place, *sorted(seen))
        for name, data in written[recipient].items()
        for place, word in ALL
        if (seen := forms_found(data, word)) and not may_see(allowed, place)
    }
    assert leaks == set()


@pytest.mark.parametrize("recipient", Recipient)
def test_what_the_table_gives_is_there(written: dict[Recipient, dict[str, bytes]], recipient: Recipient) -> None:
    """Else the search would prove nothing: each word that may be seen stands in something."""
    allowed = disclosure(recipient)
    everything = b"\n".join(written[recipient].values())
    missing = {
        (place, word) for place, word in ALL if may_see(allowed, place) and "plain" not in forms_found(everything, word)
    }
    assert missing == set()


def test_the_words_are_on_the_evidence_and_in_the_case(case: Path) -> None:
    image = next(case.parent.glob("*.raw")).read_bytes()
    listed = next(case.parent.glob("*.json")).read_bytes()
    for place, word in ALL:
        if place.startswith(("text", "picture", "exif", "file-", "folder-", "name-")):
            assert word.encode() in image, place
        elif place.startswith(("entry", "list-")) and place != "list-file-name":
            assert word.encode() in listed, place
    with CaseReader.open(case) as reader:
        assert sum(reader.hit_counts().values()) == 6


@pytest.mark.parametrize("recipient", [Recipient.PROSECUTOR, Recipient.DEFENCE, Recipient.COURT])
def test_no_digest_of_a_path_lets_a_guess_be_tried(
    written: dict[Recipient, dict[str, bytes]], case: Path, recipient: Recipient
) -> None:
    """Names are few and can be guessed: without the key of the case, no file may tell a right guess."""
    everything = b"\n".join(written[recipient].values()).lower()
    with CaseReader.open(case) as reader:
        uuid = UUID(reader.case_info()["uuid"])
        paths = {hit.stored_path for hit in reader.hits()}
    names = paths | {path.rpartition(b"/")[2] for path in paths}
    for name in names:
        for algorithm in ("md5", "sha1", "sha256"):
            assert hashlib.new(algorithm, name, usedforsecurity=False).hexdigest()[:10].encode() not in everything
        assert str(uuid5(uuid, name.decode("latin-1"))).encode() not in everything


@pytest.mark.parametrize("recipient", Recipient)
def test_no_perceptual_hash_and_no_digest_that_is_not_theirs_leaves(
    written: dict[Recipient, dict[str, bytes]], case: Path, recipient: Recipient
) -> None:
    everything = b"\n".join(written[recipient].values()).lower()
    with CaseReader.open(case) as reader:
        perceptual = [row["value"] for row in reader.query("SELECT value FROM perceptual_hashes")]
        hit = {row["content"] for row in reader.query("SELECT content FROM hits")}
        contents = list(reader.query("SELECT sha256, sha1, md5 FROM contents"))
    assert perceptual
    assert not [value for value in perceptual if value.encode() in everything]
    allowed = disclosure(recipient)
    for row in contents:
        may_see = allowed.digests and (row["sha256"] in hit or allowed.unmatched)
        assert all((digest.encode() in everything) == may_see for digest in row.values()), row["sha256"] in hit
