"""The VICS case, read back as JSON and by our own importer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.case.content_walk import Scope
from forensics.case.reader import CaseReader, Hit
from forensics.reports.exporter import write_export
from forensics.reports.pseudonym import Pseudonyms
from forensics.reports.recipient import Recipient
from forensics.reports.vics import VicsExporter
from hashsets.format import Disposition, KnownEntry
from hashsets.library import Library
from hashsets.match import Tier
from tests.reports.conftest import ISSUER_REFERENCE, MARKER, NOTABLE, OTHER, PERCEPTUAL_VALUE, REFERENCE, NewCase, match


def export(case: Path, recipient: Recipient = Recipient.LABORATORY, scope: Scope = Scope.HITS) -> Path:
    output = case.parent / "case.json"
    with CaseReader.open(case) as reader:
        write_export(VicsExporter(), reader, output, recipient, scope)
    return output


def media_of(file: Path) -> list[dict[str, Any]]:
    document = json.loads(file.read_text("utf-8"))
    assert document["@odata.context"].endswith("/2.0.xml/CUSTOM/$metadata#Cases")
    (case,) = document["value"]
    assert case["CaseNumber"] == "CI/FE/017/2026"
    media: list[dict[str, Any]] = case["Media"]
    return media


def imported(file: Path) -> tuple[list[KnownEntry], str | None]:
    with Library(file.parent / "library") as library:
        known_set = library.import_list(file, "back", Disposition.NOTABLE)
        assert known_set.rejected == 0
        return list(library.entries("back")), known_set.scheme


def hits_of(case: Path) -> list[Hit]:
    with CaseReader.open(case) as reader:
        return list(reader.hits())


@pytest.mark.parametrize("recipient", [Recipient.LABORATORY, Recipient.PROSECUTOR])
def test_our_own_importer_reads_the_same_digests_and_sizes_back(sample_case: Path, recipient: Recipient) -> None:
    entries, scheme = imported(export(sample_case, recipient))
    hits = hits_of(sample_case)
    assert {(one.md5, one.sha1, one.sha256, one.size) for one in entries} == {
        (hit.md5, hit.sha1, hit.sha256, hit.size) for hit in hits
    }
    assert len(entries) == len({hit.sha256 for hit in hits})
    assert scheme == "vics-2.0-mx"
    assert all(one.perceptual == () for one in entries)


def test_a_category_comes_back_where_it_is_a_fact(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b"a", b"1", match(NOTABLE, 1, category="01"), match(OTHER, 1, category="01"))
    writer.add(b"b", b"22", match(NOTABLE, 2, category="1"), match(OTHER, 2, category="2"))
    writer.add(b"c", b"333", match(NOTABLE, 3, Tier.NEAR, 4, category="1"))
    writer.add(b"d", b"4444", match(NOTABLE, 4, category="3"), match(REFERENCE, 3, category=None))
    file = export(writer.finish())
    codes = {1: "01", 2: None, 3: None, 4: "3"}
    assert {one.size: one.category for one in imported(file)[0]} == codes
    assert {one["MediaSize"]: one.get("Category") for one in media_of(file)} == codes | {4: 3}


def test_categories_of_several_schemes_stand_only_with_their_entries(new_case: NewCase) -> None:
    writer = new_case()
    writer.store.connection.execute("UPDATE sets_used SET scheme = 'propio' WHERE uuid = ?", (REFERENCE,))
    writer.add(b"a", b"one", match(NOTABLE, 1, category="1"), match(REFERENCE, 2, category="B"))
    file = export(writer.finish())
    (media,) = media_of(file)
    assert "Category" not in media
    assert {(one["Scheme"], one["Code"]) for one in media["Matches"]} == {("vics-2.0-mx", "1"), ("propio", "B")}
    assert imported(file)[1] is None


def test_every_match_and_every_file_is_there(sample_case: Path) -> None:
    media = {one["AlternativeHashes"][0]["HashValue"]: one for one in media_of(export(sample_case))}
    hits = hits_of(sample_case)
    for sha256, one in media.items():
        mine = [hit for hit in hits if hit.sha256 == sha256]
        assert {(each["SetID"], each.get("Code"), each["Tier"]) for each in one["Matches"]} == {
            (hit.set_uuid, hit.category, hit.tier) for hit in mine
        }
        assert {(each["PhysicalLocation"], each["FilePath"], each["Unallocated"]) for each in one["MediaFiles"]} == {
            (hit.locator, hit.path, hit.allocation != "allocated") for hit in mine
        }
    assert set(media) == {hit.sha256 for hit in hits}


def test_others_than_the_laboratory_get_pseudonyms_and_no_references(sample_case: Path) -> None:
    laboratory = export(sample_case).read_text("utf-8")
    assert MARKER in laboratory
    assert ISSUER_REFERENCE in laboratory
    (sample_case.parent / "case.json").unlink()
    file = export(sample_case, Recipient.PROSECUTOR)
    text = file.read_text("utf-8")
    assert MARKER not in text
    assert ISSUER_REFERENCE not in text
    names = {each["FilePath"] for one in media_of(file) for each in one["MediaFiles"]}
    pseudonyms = Pseudonyms.of_case(sample_case)
    assert names == {pseudonyms.of_path(hit.stored_path) for hit in hits_of(sample_case)}


def test_no_perceptual_hash_is_in_it_and_all_media_are_if_asked(sample_case: Path) -> None:
    file = export(sample_case, scope=Scope.MEDIA)
    assert PERCEPTUAL_VALUE not in file.read_text("utf-8")
    with CaseReader.open(sample_case) as case:
        pictures = case.perceptual_account().pictures
        hits = {hit.sha256 for hit in case.hits()}
    media = media_of(file)
    assert len(media) == pictures
    assert sum(bool(one["Matches"]) for one in media) == len(hits)


def test_a_hostile_name_is_text(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b'a"},{"MD5":"\xff\n\xe2\x80\xae/x\\y.jpg', b"one", match(NOTABLE, 1))
    (media,) = media_of(export(writer.finish()))
    (file,) = media["MediaFiles"]
    assert file["FilePath"] == 'a"},{"MD5":"\\xff\\u000a\\u202e/x\\y.jpg'
