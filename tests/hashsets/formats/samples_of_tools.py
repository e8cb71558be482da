"""Generated lists of forensic tools and of the md5sum family."""

from __future__ import annotations

import json
from typing import Any

from hashsets.format import KnownEntry, KnownPerceptualHash
from tests.hashsets.formats.sample import HUGE, Chance, Hostile, Sample, database, photodna, triple
from tests.hashsets.invented import hexadecimal

# --- other tools

KDB_SCHEMA = """
CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT);
INSERT INTO db_properties VALUES ('Schema Version', '1');
CREATE TABLE hashes (id INTEGER PRIMARY KEY AUTOINCREMENT, md5 BINARY(16) UNIQUE, sha1 BINARY(20),
    sha2_256 BINARY(32));
CREATE TABLE file_names (name TEXT NOT NULL, hash_id INTEGER NOT NULL, PRIMARY KEY(name, hash_id));
CREATE TABLE comments (comment TEXT NOT NULL, hash_id INTEGER NOT NULL, PRIMARY KEY(comment, hash_id));
"""
_INSERT_HASH = "INSERT INTO hashes (md5, sha1, sha2_256) VALUES (?, ?, ?)"


def autopsy(chance: Chance, count: int) -> Sample:
    made = [triple(chance) for _ in range(count)]
    rows = [tuple(bytes.fromhex(digest) for digest in digests) for digests in made]
    entries = [KnownEntry(position, *digests) for position, digests in enumerate(made, 1)]
    names = [("a name.jpg", number) for number in range(1, count + 1)]
    inserts: dict[str, list[tuple[Any, ...]]] = {_INSERT_HASH: [*rows], "INSERT INTO file_names VALUES (?, ?)": names}
    return Sample(database(KDB_SCHEMA, inserts), entries, is_text=False)


def autopsy_hostile(chance: Chance) -> Hostile:
    md5, sha1, sha256 = (bytes.fromhex(digest) for digest in triple(chance))
    rows = [
        (md5, sha1, sha256),
        (md5.hex(), None, None),
        (b"", None, None),
        (md5[1:], sha1, None),
        (None, sha1 + b"x", None),
        (None, None, 7),
        ("x" * 100_000, None, None),
    ]
    return Hostile(database(KDB_SCHEMA, {_INSERT_HASH: rows}), imported=2, rejected=5)


IPED_SCHEMA = """
CREATE TABLE HASHES (HASH_ID INTEGER PRIMARY KEY, MD5 BLOB, SHA1 BLOB, SHA256 BLOB, PHOTODNA BLOB);
CREATE TABLE PROPERTIES (PROPERTY_ID INTEGER PRIMARY KEY, NAME TEXT);
CREATE TABLE HASHES_PROPERTIES (HASH_ID INTEGER, PROPERTY_ID INTEGER, VALUE TEXT, PRIMARY KEY (HASH_ID, PROPERTY_ID));
INSERT INTO PROPERTIES VALUES (1, 'set'), (2, 'status');
"""
_INSERT_IPED = "INSERT INTO HASHES VALUES (?, ?, ?, ?, ?)"
_INSERT_PROPERTY = "INSERT INTO HASHES_PROPERTIES VALUES (?, ?, ?)"


def iped(chance: Chance, count: int) -> Sample:
    rows, properties, entries = [], [], []
    for position in range(1, count + 1):
        digests, opaque = triple(chance), photodna(chance)
        rows.append((position * 3, *(bytes.fromhex(digest) for digest in digests), opaque))
        properties.append((position * 3, 1, "an invented set"))
        attributes = {}
        if position % 2:
            properties.append((position * 3, 2, "known"))
            attributes["status"] = "known"
        known = (KnownPerceptualHash("photodna", opaque.hex()),)
        entries.append(KnownEntry(position, *digests, perceptual=known, attributes=attributes))
    inserts: dict[str, list[tuple[Any, ...]]] = {_INSERT_IPED: rows, _INSERT_PROPERTY: properties}
    return Sample(database(IPED_SCHEMA, inserts), entries, is_text=False)


def iped_hostile(chance: Chance) -> Hostile:
    md5 = bytes.fromhex(triple(chance)[0])
    rows: list[tuple[Any, ...]] = [
        (-5, md5, None, None, None),
        (1, md5, None, None, b"no photodna"),
        (2, md5[1:], None, None, None),
        (3, None, None, None, photodna(chance)),
        (4, 12345, None, None, None),
    ]
    properties = [(1, 2, "a free text that names somebody"), (99, 2, "known"), ("x", 2, "known")]
    return Hostile(database(IPED_SCHEMA, {_INSERT_IPED: rows, _INSERT_PROPERTY: properties}), imported=2, rejected=3)


def encase_header() -> bytes:
    header = bytearray(1152)
    header[:8] = b"HASH\r\n\xff\x00"
    name = "Invented set".encode("utf-16-le")
    header[1032 : 1032 + len(name)] = name
    return bytes(header)


def encase(chance: Chance, count: int) -> Sample:
    made = [hexadecimal(chance, 32) for _ in range(count)]
    data = encase_header() + b"".join(bytes.fromhex(md5) + b"\0\0" for md5 in made)
    return Sample(data, [KnownEntry(position, md5) for position, md5 in enumerate(made, 1)], is_text=False)


def encase_hostile(chance: Chance) -> Hostile:
    record = chance.randbytes(18)
    return Hostile(encase_header() + record * 3 + bytes(18) + record[:7], imported=4, rejected=1)


HASHKEEPER_HEADER = (
    '"file_id","hashset_id","file_name","directory","hash","file_size","date_modified","time_modified","time_zone",'
    '"comments","date_accessed","time_accessed"'
)


def hashkeeper(chance: Chance, count: int) -> Sample:
    lines, entries = [HASHKEEPER_HEADER], []
    for number in range(2, count + 2):
        md5 = hexadecimal(chance, 32)
        lines.append(f'{number * 3},7,"a, ""name"".txt","\\dir","{md5.upper()}",{number},,,"GMT","",,')
        entries.append(KnownEntry(number, md5, size=number, reference=str(number * 3)))
    return Sample(("\n".join(lines) + "\n").encode(), entries)


def hashkeeper_hostile(chance: Chance) -> Hostile:
    md5 = hexadecimal(chance, 32)
    lines = [
        HASHKEEPER_HEADER,
        f'1,7,"n","d","{md5}",1,,,,,,',
        f'1,7,"n","d","{md5}",1,,,,,,',
        f'1,7,"n","d","{md5[1:]}",1,,,,,,',
        f'1,7,"n","d","{md5}",{HUGE},,,,,,',
        f'1,7,"n,"d","{md5}",1,,,,,,',
        f'1,7,"n","d","{md5}"',
        '1,7,"n","d","",1,,,,,,',
    ]
    return Hostile("\n".join(lines).encode(), imported=2, rejected=5)


def hashlookup(chance: Chance, count: int) -> Sample:
    lines, entries = [], []
    for number in range(1, count + 1):
        md5, sha1, sha256 = triple(chance)
        record: dict[str, Any] = {
            "MD5": md5.upper(), "SHA-1": sha1.upper(), "SHA-256": sha256.upper(), "FileName": "./a name",
            "FileSize": str(number), "TLSH": "T1", "parents": [{"SHA-1": "0" * 40}],
        }  # fmt: skip
        attributes = {}
        if number % 4 == 0:
            record["KnownMalicious"] = "invented.example"
            attributes["known_malicious"] = "true"
        lines.append(json.dumps(record))
        entries.append(KnownEntry(number, md5, sha1, sha256, number, attributes=attributes))
    return Sample(("\n".join(lines) + "\n").encode(), entries)


def hashlookup_hostile(chance: Chance) -> Hostile:
    md5 = hexadecimal(chance, 32)
    lines = [
        f'{{"MD5": "{md5}"}}',
        f'{{"MD5": "{md5}"}}',
        f'{{"MD5": "{md5}", "MD5": "{md5[::-1]}"}}',
        f'{{"MD5": 12, "SHA-1": "{md5}"}}',
        f'{{"MD5": "{md5}", "FileSize": {HUGE}}}',
        f'{{"MD5": "{md5}", "FileSize": 1e400}}',
        f'{{"MD5": "{md5}", "parents": {"[" * 20000}{"]" * 20000}}}',
        f'{{"MD5": ["{md5}"]}}',
        "[1, 2]",
        "not json",
        '{"SHA-512": "00"}',
    ]
    return Hostile("\n".join(lines).encode(), imported=2, rejected=9)


# --- md5sum and its kin


def digest_list(chance: Chance, count: int) -> Sample:
    lines, entries = [], []
    for number in range(1, count + 1):
        digests = triple(chance)
        algorithm = number % 3
        tag = ("MD5", "SHA1", "SHA256")[algorithm]
        shapes = ("{}  a name", "{} *a name", "\\{}  a\\nname", "{}", tag + " (a (b) = c) = {}")
        lines.append(shapes[number % 5].format(digests[algorithm]))
        md5, sha1, sha256 = (digest if at == algorithm else None for at, digest in enumerate(digests))
        entries.append(KnownEntry(number, md5, sha1, sha256))
    return Sample(("\n".join(lines) + "\n").encode(), entries)


def digest_list_hostile(chance: Chance) -> Hostile:
    md5 = hexadecimal(chance, 32)
    lines = [md5, md5, md5[1:], f"{md5}0", f"SHA1 (x) = {md5}", "x" * 70000, "g" * 32, HUGE, f"{md5} x"]
    return Hostile("\n".join(lines).encode(), imported=3, rejected=6)


def hashdeep(chance: Chance, count: int) -> Sample:
    lines, entries = ["%%%% HASHDEEP-1.0", "%%%% size,md5,sha256,filename", "## invented", "##"], []
    for number in range(5, count + 5):
        md5, _, sha256 = triple(chance)
        lines.append(f"{number},{md5},{sha256},/a, name,with commas")
        entries.append(KnownEntry(number, md5, None, sha256, number))
    return Sample(("\n".join(lines) + "\n").encode(), entries)


def hashdeep_hostile(chance: Chance) -> Hostile:
    md5, _, sha256 = triple(chance)
    lines = [
        "%%%% HASHDEEP-1.0", "%%%% size,md5,sha256,filename", f"1,{md5},{sha256},n", f"1,{md5},{sha256},n",
        f"-1,{md5},{sha256},n", f"{HUGE},{md5},{sha256},n", f"1,{md5}x,{sha256},n", f"1,{md5}", "garbage",
        f"1,{md5},{sha256},{'n' * 70000}",
    ]  # fmt: skip
    return Hostile("\n".join(lines).encode(), imported=2, rejected=6)


def vpdq(chance: Chance, count: int) -> Sample:
    lines: list[str] = []
    entries = []
    for _ in range(count):
        known = tuple(KnownPerceptualHash("vpdq", hexadecimal(chance, 64), chance.randint(50, 100)) for _ in range(5))
        entries.append(KnownEntry(len(lines) + 1, perceptual=known))
        lines += [f"{frame},{each.quality},{each.value},{frame}.000" for frame, each in enumerate(known)]
    return Sample(("\n".join(lines) + "\n").encode(), entries)


def vpdq_hostile(chance: Chance) -> Hostile:
    pdq = hexadecimal(chance, 64)
    lines = [
        f"0,90,{pdq},0.0", f"1,90,{pdq[1:]},0.1", f"2,{HUGE},{pdq},0.2", f"{HUGE},90,{pdq},0.3", "x,y,z",
        f"4,,{pdq},1.0",
        f"0,90,{pdq},0.0",
    ]  # fmt: skip
    return Hostile("\n".join(lines).encode(), imported=2, rejected=5)


def csv(chance: Chance, count: int) -> Sample:
    lines, entries = ["MD5;SHA-1;Categoría;Observaciones;Tamaño"], []
    for number in range(2, count + 2):
        md5, sha1, _ = triple(chance)
        lines.append(f'{md5.upper()};{sha1};{number % 4};"a; remark";{number}')
        entries.append(KnownEntry(number, md5, sha1, size=number, category=str(number % 4)))
    return Sample(("\n".join(lines) + "\n").encode(), entries)


def csv_hostile(chance: Chance) -> Hostile:
    md5 = hexadecimal(chance, 32)
    lines = [
        "md5,size,category", f"{md5},1,2", f"{md5},1,2", f"{md5[1:]},1,2", f"{md5},-1,2", f"{md5},{HUGE},2",
        f"{md5},1,{'x' * 300}", f'"{md5},1,2', f"{md5},1", ",1,2", "x" * 70000,
    ]  # fmt: skip
    return Hostile("\n".join(lines).encode(), imported=2, rejected=8)
