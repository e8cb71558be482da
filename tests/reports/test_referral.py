"""The referral: unmatched media by metadata, near-duplicates of hits first."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
from pathlib import Path

from forensics.case.reader import CaseReader
from forensics.hashing.digests import digests_of
from forensics.outcome import PerceptualState
from forensics.reports.exporter import write_export
from forensics.reports.near_duplicates import near_duplicates
from forensics.reports.pseudonym import Pseudonyms
from forensics.reports.recipient import Recipient
from forensics.reports.referral import ReferralExporter
from hashsets.match import Tier
from tests.reports.conftest import BENIGN, MARKER, NOTABLE, REFERENCE, NewCase, match

CHANCE = random.Random(8)  # noqa: S311
KNOWN, OTHER_KNOWN = (CHANCE.getrandbits(256) for _ in range(2))


def export(case: Path) -> tuple[str, list[dict[str, str]]]:
    output = case.parent / "referral.csv"
    with CaseReader.open(case) as reader:
        write_export(ReferralExporter(), reader, output, Recipient.LABORATORY)
    text = output.read_bytes().decode("utf-8-sig")
    return text, list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def flipped(value: int, bits: int) -> int:
    """A hash so many bits from another."""
    for bit in CHANCE.sample(range(256), bits):
        value ^= 1 << bit
    return value


def give_hashes(case: Path, hashes: dict[bytes, int], quality: int = 100) -> None:
    """Store another PDQ for some contents, and for all others one of their own."""
    connection = sqlite3.connect(case)
    own = {digests_of([data]).sha256: value for data, value in hashes.items()}
    for (content,) in connection.execute("SELECT content FROM perceptual_hashes").fetchall():
        value = own.get(content, CHANCE.getrandbits(256))
        connection.execute(
            "UPDATE perceptual_hashes SET value = ?, quality = ? WHERE content = ?", (f"{value:064x}", quality, content)
        )
    connection.commit()
    connection.close()


def test_near_duplicates_come_first_then_what_lies_beside_a_hit(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b"a/hit.jpg", b"hit", match(NOTABLE, 1))
    writer.add(b"b/hit.jpg", b"near hit", match(NOTABLE, 2, Tier.NEAR, 9))
    writer.add(b"c/lead.jpg", b"lead", match(NOTABLE, 3, Tier.SIMILAR, 30))
    writer.add(b"d/own.jpg", b"reference", match(REFERENCE, 1))
    writer.add(b"far/near-9.jpg", b"nine", picture=PerceptualState.HASHED)
    writer.add(b"far/near-31.jpg", b"thirty-one")
    writer.add(b"far/near-32.jpg", b"thirty-two")
    writer.add(b"far/near-hit.jpg", b"near the near hit")
    writer.add(b"far/near-lead.jpg", b"near the lead")
    writer.add(b"a/beside.jpg", b"beside")
    writer.add(b"d/beside-own.jpg", b"beside reference")
    writer.add(b"a/benign.jpg", b"benign", match(BENIGN, 1))
    writer.add(b"a/text.txt", b"text", picture=PerceptualState.NOT_APPLICABLE)
    case = writer.finish()
    lead = CHANCE.getrandbits(256)
    give_hashes(case, {
        b"hit": KNOWN, b"near hit": OTHER_KNOWN, b"lead": lead,
        b"nine": flipped(KNOWN, 9), b"thirty-one": flipped(KNOWN, 31), b"thirty-two": flipped(KNOWN, 32),
        b"near the near hit": flipped(OTHER_KNOWN, 20), b"near the lead": flipped(lead, 2),
        b"benign": flipped(KNOWN, 3),
    })  # fmt: skip
    _, rows = export(case)
    pseudonyms = Pseudonyms.of_case(case)

    def content(data: bytes) -> str:
        return pseudonyms.of_content(digests_of([data]).sha256)

    told = [(row["priority"], row["content"], row["cluster"], row["distance"], row["cluster_contents"]) for row in rows]
    assert told[:3] == [
        ("1", content(b"nine"), content(b"hit"), "9", "2"),
        ("1", content(b"near the near hit"), content(b"near hit"), "20", "1"),
        ("1", content(b"thirty-one"), content(b"hit"), "31", "2"),
    ]
    assert told[3] == ("2", content(b"beside"), "", "", "")
    rest = {b"thirty-two", b"near the lead", b"beside reference"}
    assert {row[:2] for row in told[4:]} == {("3", content(data)) for data in rest}


def test_it_holds_metadata_only_and_says_what_is_not_known(new_case: NewCase) -> None:
    writer = new_case()
    path = f"{MARKER}/secreto.jpg".encode()
    locator = writer.add(path, b"free")
    writer.add(f"{MARKER}/copia.jpg".encode(), b"free")
    text, (row,) = export(writer.finish())
    assert (row["files"], row["kind"], row["width"], row["height"], row["exhibits"]) == (
        "2",
        "picture",
        "640",
        "480",
        "E1",
    )
    assert row["first_locator"] == locator
    assert row["first_modified"] == row["last_modified"] == "2023-11-14T22:13:20.123456789Z"
    assert {row["camera_make"], row["camera_model"], row["taken"]} == {"not-assessed"}
    digests = digests_of([b"free"])
    for secret in (MARKER, "secreto", digests.md5, digests.sha1, digests.sha256):
        assert secret not in text


def test_hashes_that_say_little_bring_nothing_together(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b"a/hit.jpg", b"hit", match(NOTABLE, 1))
    writer.add(b"b/free.jpg", b"free")
    case = writer.finish()
    for hashes, quality, expected in (
        ({b"hit": KNOWN, b"free": KNOWN}, 100, 1),
        ({b"hit": KNOWN, b"free": KNOWN}, 49, 0),
        ({b"hit": 0, b"free": 0}, 100, 0),
    ):
        give_hashes(case, hashes, quality)
        with CaseReader.open(case) as reader:
            assert len(near_duplicates(reader.query)) == expected


def test_frames_of_films_are_compared_too(new_case: NewCase) -> None:
    writer = new_case()
    writer.add(b"a/hit.jpg", b"hit", match(NOTABLE, 1))
    writer.add(b"b/film.mp4", b"film")
    case = writer.finish()
    give_hashes(case, {b"hit": KNOWN})
    film = digests_of([b"film"]).sha256
    connection = sqlite3.connect(case)
    connection.execute("INSERT INTO films VALUES (?, 'pdq', 'decode-v2', 61000, 0, 'one-a-second', 61)", (film,))
    connection.execute("INSERT INTO film_frames VALUES (?, 5000, ?, 90)", (film, f"{flipped(KNOWN, 12):064x}"))
    connection.commit()
    connection.close()
    _, (row,) = export(case)
    assert (row["priority"], row["kind"], row["distance"], row["duration_ms"], row["frames"]) == (
        "1", "film", "12", "61000", "61",
    )  # fmt: skip
