"""hashsets.formats.nsrl_delta: held against SQLite itself, which runs what we only parse."""

from __future__ import annotations

import io
import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from hashsets.format import KnownEntry, RejectedEntry
from hashsets.formats.nsrl_delta import NsrlDeltaFormat
from tests.hashsets.formats.samples_of_nsrl import NSRL_MINIMAL, nsrl_delta
from tests.hashsets.invented import hashes, seeded

DELTA = NsrlDeltaFormat()


class Dripping(io.RawIOBase):
    """A file that gives a few bytes at a time, so that every place is once the end of a piece."""

    def __init__(self, data: bytes, at_once: int) -> None:
        self._file = io.BytesIO(data)
        self._at_once = at_once

    def readable(self) -> bool:
        return True

    def read(self, _: int = -1) -> bytes:
        return self._file.read(self._at_once)


@given(
    st.lists(st.tuples(hashes(32), st.text(st.sampled_from("a'\";,()-/*\n`[x\\"), max_size=8), st.integers(0, 2**62))),
    st.integers(1, 7),
)
def test_what_sqlite_inserts_is_what_is_read(rows: list[tuple[str, str, int]], at_once: int) -> None:
    lines = [
        f"INSERT INTO FILE(md5,file_name,file_size,sha1,sha256,crc32,package_id) VALUES('{md5}',"
        f"'{name.replace(chr(39), 2 * chr(39))}',{size},'','','',{number}); -- it's {name.splitlines()[:1]!r}\n/* ' */"
        for number, (md5, name, size) in enumerate(rows)
    ]
    sql = "BEGIN TRANSACTION;\n" + "\n".join(lines).replace("/* ' */", "/* ' */\n") + "\nCOMMIT;\n"
    connection = sqlite3.connect(":memory:")
    connection.executescript(NSRL_MINIMAL)
    connection.executescript(sql)
    inserted = connection.execute("SELECT md5, file_size FROM FILE ORDER BY package_id").fetchall()
    connection.close()
    items = list(DELTA.read(Dripping(sql.encode(), at_once)))  # type: ignore[arg-type]
    assert not [item for item in items if isinstance(item, RejectedEntry)]
    assert [(item.md5, item.size) for item in items if isinstance(item, KnownEntry)] == inserted
    assert len(inserted) == len(rows)


def test_a_generated_delta_is_what_sqlite_makes_of_it() -> None:
    sample = nsrl_delta(seeded(8), 200)
    connection = sqlite3.connect(":memory:")
    connection.executescript(NSRL_MINIMAL.replace("'2022.12.1'", "'before'"))
    connection.executescript(sample.data.decode())
    inserted = connection.execute(
        "SELECT lower(md5), sha1, lower(sha256), file_size FROM FILE ORDER BY rowid"
    ).fetchall()
    connection.close()
    assert [(each.md5, each.sha1, each.sha256, each.size) for each in sample.entries] == inserted
