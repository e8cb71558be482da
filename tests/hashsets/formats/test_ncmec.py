"""hashsets.formats.ncmec: entries, what their issuer takes back, and what other members dispute."""

from __future__ import annotations

from pathlib import Path

from hashsets.format import Disposition, KnownEntry, ListHeader, RetractedEntry
from hashsets.formats.ncmec import NcmecFormat
from hashsets.library import Library
from tests.hashsets.formats.contract import read
from tests.hashsets.formats.samples_of_issuers import ncmec_document, ncmec_entry

NCMEC = NcmecFormat()
MD5, SHA1 = "a1" * 16, "a1" * 20

DOCUMENTED = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">
  <images count="2" maxTimestamp="2017-10-24T15:10:00Z">
    <image><member id="42">Invented</member><timestamp>2017-10-24T15:00:00Z</timestamp><id>image1</id>
      <classification>A1</classification>
      <fingerprints><md5>{MD5}</md5><sha1>{SHA1}</sha1><pdna>a1a1a1...</pdna></fingerprints>
      <feedback lastUpdateTimestamp="2023-06-01T12:48:14Z">
        <affirmativeFeedback type="Md5" lastUpdateTimestamp="2023-06-01T12:48:14Z">
          <members timestamp="2023-06-01T12:48:14Z"><member id="42">Invented</member></members></affirmativeFeedback>
        <negativeFeedback type="Sha1" lastUpdateTimestamp="2023-05-31T19:41:51Z">
          <reasons><reason guid="01234567-abcd-0123-4567-012345678900" name="Invented reason" type="Sha1"/>
            <members timestamp="2023-06-01T12:48:14Z"><member id="42">Invented</member></members></reasons>
        </negativeFeedback></feedback></image>
    <deletedImage><member id="43">Other</member><id>image4</id></deletedImage>
  </images>
  <videos count="2" maxTimestamp="2017-10-24T15:20:00Z">
    <video><member id="42">Invented</member><id>video1</id>
      <fingerprints><md5>{MD5}</md5><tmk-pdqf rel="self" href="/v2/entries/1"/></fingerprints></video>
    <deletedVideo><member id="42">Invented</member><id>video4</id></deletedVideo>
  </videos>
  <paging><next>/v2/entries?from=2017&amp;to=2018&amp;start=2001</next></paging>
</queryResult>"""


def test_what_the_documentation_shows_is_read() -> None:
    attributes = {"photodna": "malformed, left out", "media_type": "image", "disputed": "sha1 (1 member)"}
    assert read(NCMEC, DOCUMENTED.encode()) == [
        ListHeader("2", "ncmec"),
        KnownEntry(1, MD5, SHA1, category="A1", reference="42/image/image1", attributes=attributes),
        RetractedEntry(2, "43/image/image4"),
        KnownEntry(3, MD5, reference="42/video/video1", attributes={"media_type": "video"}),
        RetractedEntry(4, "42/video/video4"),
    ]


def test_a_prefix_for_the_namespace_changes_nothing() -> None:
    prefixed = (
        DOCUMENTED.replace("<", "<h:").replace("<h:/", "</h:").replace("<h:?", "<?").replace("xmlns=", "xmlns:h=")
    )
    assert NCMEC.recognises(prefixed.encode())
    assert read(NCMEC, prefixed.encode()) == read(NCMEC, DOCUMENTED.encode())


def _tombstone(member: str, identifier: str, kind: str = "Image", fingerprints: str = "") -> str:
    return f'<deleted{kind}><member id="{member}"/><id>{identifier}</id>{fingerprints}</deleted{kind}>'


def test_what_is_taken_back_is_marked_wherever_it_stands(library: Library, tmp_path: Path) -> None:
    digests = [f"{number:032x}" for number in range(6)]
    prints = [f"<md5>{digest}</md5>" for digest in digests]
    inside = [
        _tombstone("42", "early"),
        ncmec_entry("early", prints[0]),
        ncmec_entry("late", prints[1]),
        ncmec_entry("late", prints[2], member="7"),
        ncmec_entry("kept", prints[3]),
        _tombstone("42", "late"),
        _tombstone("42", "kept", "Video"),
        _tombstone("42", "elsewhere"),
        _tombstone("42", "whole", fingerprints=f"<fingerprints>{prints[4]}</fingerprints>"),
    ]
    path = tmp_path / "list.xml"
    path.write_bytes(ncmec_document("".join(inside)))
    known_set = library.import_list(path, "n", Disposition.NOTABLE)
    assert (known_set.scheme, known_set.format_version) == ("ncmec", "2")
    found = {
        digest: [match.entry.attributes.get("retracted") for match in matches]
        for digest, matches in zip(digests, library.lookup(digests), strict=True)
    }
    assert found == dict(zip(digests, [["true"], ["true"], [None], [None], ["true"], []], strict=True))
    reasons = [(entry.position, entry.reason) for entry in library.rejected("n")]
    assert reasons == [(7, "retracted by the issuer"), (8, "retracted by the issuer")]


def test_members_are_counted_once_for_each_kind_of_hash() -> None:
    members = "".join(f'<member id="{number % 3}"/>' for number in range(9))
    feedback = "".join(
        f'<negativeFeedback type="{kind}"><reasons><members>{members}</members></reasons></negativeFeedback>'
        for kind in ("Md5", "md5", "PDQ <".replace("<", "&lt;"))
    )
    (_, entry) = read(NCMEC, ncmec_document(ncmec_entry("1", f"<md5>{MD5}</md5>", f"<feedback>{feedback}</feedback>")))
    assert isinstance(entry, KnownEntry)
    assert entry.attributes["disputed"] == "md5 (3 members); pdq (3 members)"


def test_a_dispute_survives_the_check_of_an_import(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    path.write_text(DOCUMENTED)
    library.import_list(path, "n", Disposition.NOTABLE)
    ((first, second),) = library.lookup([MD5])
    assert first.entry.attributes["disputed"] == "sha1 (1 member)"
    assert "disputed" not in second.entry.attributes
