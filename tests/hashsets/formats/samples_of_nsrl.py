"""Generated lists of the NSRL, in its three forms."""

from __future__ import annotations

from typing import Any

from hashsets.format import KnownEntry
from tests.hashsets.formats.sample import HUGE, Chance, Hostile, Sample, database, triple

# --- NSRL

NSRL_TEXT_HEADER = '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"'
NSRL_OLD_HEADER = '"SHA-1","FileName","FileSize","ProductCode","OpSystemCode","MD4","MD5","CRC32","SpecialCode"'


def nsrl_text(chance: Chance, count: int) -> Sample:
    lines, entries = [NSRL_TEXT_HEADER], []
    for number in range(count):
        md5, sha1, _ = triple(chance)
        code = chance.choice(["", "", "M", "S"])
        name = chance.choice(["plain.dll", 'a "quoted", name.txt', "comma, comma.exe"])
        line = f'"{sha1.upper()}","{md5.upper()}","0A1B2C3D","{name}",{number},{number % 9},"WIN","{code}"'
        attributes = {"special_code": code} if code else {}
        entries.append(KnownEntry(len(lines) + 1, md5, sha1, size=number, attributes=attributes))
        lines += [line] * (1 + number % 2)  # the same file of another product is the same entry
    return Sample(("\r\n".join(lines) + "\r\n").encode(), entries)


def nsrl_old(chance: Chance, count: int) -> Sample:
    lines, entries = [NSRL_OLD_HEADER], []
    for number in range(2, count + 2):
        md5, sha1, _ = triple(chance)
        lines.append(f'"{sha1}","a ""b"", c.txt",{number},1,"WIN","{"0" * 32}","{md5}","0A1B2C3D",""')
        entries.append(KnownEntry(number, md5, sha1, size=number))
    return Sample("\n".join(lines).encode(), entries)


def nsrl_text_hostile(chance: Chance) -> Hostile:
    md5, sha1, _ = triple(chance)
    tail = '"0A1B2C3D","n",1,1,"WIN",""'
    lines = [
        NSRL_TEXT_HEADER,
        f'"{sha1}","{md5}",{tail}',
        f'"{sha1}","{md5}",{tail}',
        f'"{sha1[1:]}","{md5}",{tail}',
        f'"{sha1}","{md5[1:]}z",{tail}',
        f'"{sha1}","{md5}","0","n",{HUGE},1,"WIN",""',
        f'"{sha1}","{md5}","0","n",-1,1,"WIN",""',
        f'"{sha1}","{md5}","0","n",7,1,"WIN","a free text"',
        f'"","",{tail}',
        f'"{sha1}","{md5}","0","' + "n" * 70000 + '",1,1,"WIN",""',
        "garbage",
    ]
    return Hostile("\n".join(lines).encode(), imported=2, rejected=7)


NSRL_MINIMAL = """
CREATE TABLE FILE (sha256 VARCHAR NOT NULL, sha1 VARCHAR NOT NULL, md5 VARCHAR NOT NULL, crc32 VARCHAR NOT NULL,
    file_name VARCHAR NOT NULL, file_size INTEGER NOT NULL, package_id INTEGER NOT NULL,
    CONSTRAINT PK_FILE__FILE PRIMARY KEY (sha256, sha1, md5, file_name, file_size, package_id));
CREATE TABLE PKG (package_id INTEGER, name VARCHAR, version VARCHAR, operating_system_id INTEGER,
    manufacturer_id INTEGER, language VARCHAR, application_type VARCHAR);
CREATE TABLE OS (operating_system_id INTEGER, name VARCHAR, version VARCHAR, manufacturer_id INTEGER);
CREATE TABLE MFG (manufacturer_id INTEGER, name VARCHAR);
CREATE TABLE VERSION (version VARCHAR UNIQUE NOT NULL, build_set VARCHAR, build_date TIMESTAMP, release_date TIMESTAMP,
    description VARCHAR);
CREATE VIEW DISTINCT_HASH AS SELECT DISTINCT sha256, sha1, md5, crc32 FROM FILE;
INSERT INTO VERSION VALUES ('2022.12.1', 'modern', '2022-12-01', '2022-12-02', 'invented');
"""
NSRL_FULL = """
CREATE TABLE PACKAGE_OBJECT (package_object_id INTEGER UNIQUE, package_id INTEGER, object_id INTEGER UNIQUE);
CREATE TABLE METADATA (metadata_id NUMERIC UNIQUE NOT NULL, object_id INTEGER, key_hash VARCHAR, path VARCHAR,
    file_name VARCHAR NOT NULL, extension VARCHAR, bytes INTEGER NOT NULL, crc32 VARCHAR, md5 VARCHAR, sha1 VARCHAR,
    sha256 VARCHAR);
CREATE TABLE VERSION (version VARCHAR UNIQUE NOT NULL, build_set VARCHAR, build_date TIMESTAMP, release_date TIMESTAMP,
    description VARCHAR);
CREATE VIEW FILE AS SELECT UPPER(md.sha256) AS sha256, UPPER(md.sha1) AS sha1, UPPER(md.md5) AS md5,
    md.file_name AS file_name, md.bytes AS file_size, po.package_id FROM METADATA AS md, PACKAGE_OBJECT AS po
    WHERE md.object_id = po.object_id;
INSERT INTO VERSION VALUES ('2021.12.2', 'curated', '2021-12-01', '2021-12-02', 'invented');
"""
_INSERT_FILE = "INSERT INTO FILE VALUES (?, ?, ?, '0A1B2C3D', ?, ?, ?)"


def _distinct(chance: Chance, count: int) -> list[tuple[str, str, str, int]]:
    """Digests and sizes, sorted as the primary key of FILE sorts them."""
    made = [(triple(chance), size) for size in range(count)]
    return sorted((sha256, sha1, md5, size) for (md5, sha1, sha256), size in made)


def nsrl(chance: Chance, count: int) -> Sample:
    made = _distinct(chance, count)
    rows = [
        (sha256.upper(), sha1.upper(), md5.upper(), f"name{package}", size, package)
        for sha256, sha1, md5, size in made
        for package in range(2)
    ]
    entries = [KnownEntry(at, md5, sha1, sha256, size) for at, (sha256, sha1, md5, size) in enumerate(made, 1)]
    return Sample(database(NSRL_MINIMAL, {_INSERT_FILE: rows}), entries, is_text=False)


def nsrl_full(chance: Chance, count: int) -> Sample:
    made = _distinct(chance, count)
    insert = "INSERT INTO METADATA VALUES (?, 1, 'k', 'p', 'n', 'dll', ?, '0A1B2C3D', ?, ?, ?)"
    rows = [(at, size, md5, sha1, sha256) for at, (sha256, sha1, md5, size) in enumerate(made)]
    entries = [KnownEntry(at, md5, sha1, sha256, size) for at, (sha256, sha1, md5, size) in enumerate(made, 1)]
    return Sample(database(NSRL_FULL, {insert: rows}), entries, is_text=False)


def nsrl_hostile(chance: Chance) -> Hostile:
    md5, sha1, sha256 = triple(chance)
    rows: list[tuple[Any, ...]] = [
        (sha256, sha1, md5, "good", 1, 1),
        (sha256, sha1, md5, "again", 1, 1),
        (b"\xff\x00", sha1, md5, "a blob", 1, 1),
        (sha256, sha1, 7, "a number", 1, 1),
        (sha256, sha1, md5, "a text for a size", "many", 1),
        (sha256, sha1, md5, "less than nothing", -5, 1),
        ("", "", "", "empty", 1, 1),
        (sha256[1:], sha1, md5, "short", 1, 1),
    ]
    evil = (
        NSRL_MINIMAL
        + "DROP VIEW DISTINCT_HASH; CREATE VIEW DISTINCT_HASH AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL "
        "SELECT x + 1 FROM n) SELECT x FROM n;"
    )
    return Hostile(database(evil, {_INSERT_FILE: rows}), imported=1, rejected=6)


_DELTA_INSERT = "INSERT INTO FILE(sha256,sha1,md5,crc32,file_name,file_size,package_id) VALUES"


def nsrl_delta(chance: Chance, count: int) -> Sample:
    lines, entries = ["-- invented; 'not a value", "BEGIN TRANSACTION;"], []
    for number in range(1, count + 1):
        md5, sha1, sha256 = triple(chance)
        name = chance.choice(
            ["plain.dll", "it''s; a (name), -- no remark", 'x/*y*/"z', "two\nlines", "''", "X''", "''''"]
        )
        lines.append(f"{_DELTA_INSERT}('{sha256.upper()}','{sha1}','{md5}','0A1B2C3D','{name}',{number},{number % 3});")
        entries.append(KnownEntry(number, md5, sha1, sha256, number))
    lines += ["INSERT INTO VERSION VALUES('2022.12.1','modern','','','');", "COMMIT;"]
    return Sample(("\n".join(lines) + "\n").encode(), entries)


def nsrl_delta_hostile(chance: Chance) -> Hostile:
    md5, sha1, sha256 = triple(chance)
    good = f"'{sha256}','{sha1}','{md5}','0','n',1,1"
    lines = [
        "BEGIN;",
        f"{_DELTA_INSERT}({good}),({good});",
        f"INSERT OR IGNORE INTO \"METADATA\" (md5, bytes) VALUES ('{md5}', '12');",
        f"insert into file values({good});",
        f"{_DELTA_INSERT}({good},1);",
        f"{_DELTA_INSERT}('{sha256}','{sha1}','{md5}x','0','n',1,1);",
        f"{_DELTA_INSERT}('{sha256}','{sha1}','{md5}','0','n',{HUGE},1);",
        f"{_DELTA_INSERT}('{sha256}','{sha1}',X'{md5}','0','n',-1,1);",
        f"{_DELTA_INSERT}(NULL,NULL,NULL,'0','n',1,1);",
        f"DELETE FROM FILE WHERE md5 = '{md5}';",
        "DROP TABLE FILE;",
        "ATTACH DATABASE '/etc/passwd' AS x;",
        "COMMIT;",
    ]
    return Hostile("\n".join(lines).encode(), imported=4, rejected=8)


def nsrl_delta_broken() -> dict[str, bytes]:
    start = f"{_DELTA_INSERT}('00'"
    return {
        "endless text": f"{_DELTA_INSERT}('{'x' * 1_000_000}".encode(),
        "endless row": (start + ",1" * 1_000_000).encode(),
        "cut short": f"{start},".encode(),
        "nesting": (start + "(" * 100_000).encode(),
    }
