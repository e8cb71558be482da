"""Whatever is changed in or beside a sealed case is seen by ``tamiz verify`` and by ``verify.py``, and named."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.case import ledger
from forensics.case.store import CaseStore
from forensics.seal import verify
from forensics.seal.files import manifest_path, signature_path
from forensics.seal.keys import new_key, read_public_key, read_signing_key
from forensics.seal.manifest import describe_signer
from forensics.seal.sealing import seal
from forensics.seal.verification import PHRASES, document, verify_sealed
from tests.reports.conftest import EXAMINER
from tests.seal.conftest import Sealed, sample


def test_what_was_not_changed_is_said_to_be_as_it_was_sealed(sealed: Sealed) -> None:
    assert sealed.codes() == set()
    assert sealed.codes(key=sealed.key) == set()
    answer = verify_sealed(sealed.path, sealed.key)
    assert [code for code, _ in answer.notes] == ["sealed", "signed-known", "head", "streams"]
    assert document(answer)["intact"] is True


def test_any_byte_that_is_changed_is_seen(sealed: Sealed) -> None:
    whole = sealed.path.read_bytes()
    dice = random.Random(7)  # noqa: S311
    for _ in range(100):
        position = dice.randrange(len(whole))
        changed = bytearray(whole)
        changed[position] ^= 1 << dice.randrange(8)
        sealed.path.write_bytes(changed)
        assert "file-changed" in sealed.codes(), position


EDITS = {
    "a path": ("UPDATE streams SET path = 'x' WHERE id = 3", {"table-changed", "seal-row"}),
    "an offset by one": (
        "UPDATE streams SET physical_offset = physical_offset + 1 WHERE id = 1",
        {"table-changed", "seal-row"},
    ),
    "a content added": (
        (
            "INSERT INTO contents (sha256, sha1, md5, size, media_type, perceptual) "
            "SELECT md5 || md5, sha1, md5, size, media_type, 'not-applicable' FROM contents LIMIT 1"
        ),
        {"table-changed", "seal-row", "statement"},
    ),
    "the number of the case": ("UPDATE case_info SET number = '1'", {"table-changed", "seal-row", "statement"}),
    "when a scan ended": ("UPDATE scans SET ended = '2026'", {"table-changed", "seal-row", "statement"}),
    "a digest of the evidence": (
        "UPDATE source_digests SET value = replace(value, '0', '1')",
        {"table-changed", "seal-row"},
    ),
    "a table added": ("CREATE TABLE more (a INTEGER) STRICT", {"table-added", "schema-changed", "seal-row"}),
    "a trigger dropped": ("DROP TRIGGER ledger_no_delete", {"schema-changed", "seal-row"}),
    "an index dropped": ("DROP INDEX streams_content", {"schema-changed", "seal-row"}),
    "a table under another name": (
        "ALTER TABLE films RENAME TO film",
        {"schema-changed", "seal-row", "table-missing", "table-added"},
    ),
    "the mark of the seal": ("PRAGMA application_id = 0x544D5A31", {"not-marked"}),
    "the schema's version": ("PRAGMA user_version = 77", {"statement"}),
}


@pytest.mark.parametrize("what", EDITS)
def test_any_row_or_structure_that_is_changed_is_named(sealed: Sealed, what: str) -> None:
    statement, expected = EDITS[what]
    with sealed.edited() as connection:
        connection.execute(statement)
    assert sealed.codes() - {"logical-digest"} >= expected | {"file-changed"}
    assert sealed.codes() - {"logical-digest", "file-changed"} == expected


def test_a_hit_that_is_taken_away_is_named_with_the_table_and_the_counts(sealed: Sealed) -> None:
    with sealed.edited() as connection:
        connection.execute("DELETE FROM hits WHERE tier = 'near'")
    assert sealed.codes() == {"file-changed", "table-changed", "seal-row", "statement", "logical-digest"}
    text = verify.text(verify.verify(sealed.path), verify.PHRASES)
    assert "cambió la tabla hits: se selló con 8 renglones, ahora tiene 7" in text
    assert "table hits was changed: sealed with 8 rows, now it has 7" in text


def test_bytes_that_no_row_lies_in_are_told_apart(sealed: Sealed) -> None:
    data = bytearray(sealed.path.read_bytes())
    data[72] ^= 1  # the header keeps twenty bytes for later versions of SQLite
    sealed.path.write_bytes(data)
    assert sealed.codes() == {"file-changed", "only-bytes"}


# The ledger


def test_a_ledger_row_that_is_altered_is_named(sealed: Sealed) -> None:
    sealed.without_triggers("UPDATE ledger SET actor = 'Otra' WHERE sequence = 2")
    assert {"ledger-broken", "table-changed", "file-changed"} <= sealed.codes()
    assert ("ledger-broken", {"row": 2}) in verify.verify(sealed.path).findings


def test_a_ledger_row_that_is_taken_out_is_named(sealed: Sealed) -> None:
    sealed.without_triggers("DELETE FROM ledger WHERE sequence = 2")
    assert ("ledger-broken", {"row": 3}) in verify.verify(sealed.path).findings
    assert "ledger-broken" in sealed.codes()


def test_ledger_rows_that_change_places_are_named(sealed: Sealed) -> None:
    sealed.without_triggers(
        "UPDATE ledger SET sequence = 99 WHERE sequence = 2",
        "UPDATE ledger SET sequence = 2 WHERE sequence = 3",
        "UPDATE ledger SET sequence = 3 WHERE sequence = 99",
    )
    assert ("ledger-broken", {"row": 2}) in verify.verify(sealed.path).findings
    assert "ledger-broken" in sealed.codes()


def test_a_ledger_without_its_end_is_seen_though_its_chain_is_whole(sealed: Sealed) -> None:
    sealed.without_triggers("DELETE FROM ledger WHERE sequence = (SELECT max(sequence) FROM ledger)")
    assert sealed.codes() == {"file-changed", "table-changed", "ledger-head", "seal-row"}


def test_a_ledger_written_anew_with_right_hashes_is_seen_by_its_head(sealed: Sealed) -> None:
    sealed.without_triggers("UPDATE ledger SET actor = 'Otra' WHERE sequence = 2")
    sealed.rewrite_ledger(2)
    assert sealed.codes() == {"file-changed", "table-changed", "ledger-head"}


# The manifest, with and without the key


def _forge_all(sealed: Sealed, folder: Path) -> None:
    """Change a row, and write everything else anew as a seal would."""
    with sealed.edited() as connection:
        connection.execute("DELETE FROM hits WHERE tier = 'near'")
        connection.execute("PRAGMA application_id = 0x544D5A31")
        connection.execute("DROP TRIGGER ledger_no_delete")
        connection.execute("DELETE FROM ledger WHERE action = 'seal'")
        (sql,) = (line for line in _schema().split(";\n\n") if "TRIGGER ledger_no_delete" in line)
        connection.execute(sql.strip().removesuffix(";"))
    with CaseStore.open(sealed.path) as store:
        new = seal(store, EXAMINER, folder / "forged.case")
    sealed.path.unlink()
    shutil.move(folder / "forged.case", sealed.path)
    manifest_path(sealed.path).write_bytes(manifest_path(folder / "forged.case").read_bytes())
    assert new.manifest["signer"] is None


def _schema() -> str:
    from importlib.resources import files

    return files("forensics.case").joinpath("schema.sql").read_text("utf-8")


def test_a_forger_without_the_key_is_seen_by_the_signature(sealed: Sealed, tmp_path: Path) -> None:
    signer = json.loads(manifest_path(sealed.path).read_bytes())["signer"]
    head = json.loads(manifest_path(sealed.path).read_bytes())["ledger"]["head"]
    (tmp_path / "forger").mkdir()
    _forge_all(sealed, tmp_path / "forger")
    assert sealed.codes() == {"signature-wrong"}  # the old signature, and nobody who signs
    sealed.forge(signer=signer)
    assert sealed.codes() == {"signature-wrong"}
    signature_path(sealed.path).unlink()
    assert sealed.codes() == {"signature-missing"}
    sealed.forge(signer=None)
    assert sealed.codes() == set()  # nothing can be held against it but what was kept elsewhere:
    assert sealed.codes(key=sealed.key) == {"signature-missing"}
    assert sealed.codes(head=head) == {"head-unknown"}


def test_a_forger_with_a_key_of_his_own_is_seen_by_whoever_knows_the_laboratorys(
    sealed: Sealed, tmp_path: Path
) -> None:
    new_key(tmp_path / "other.key", None)
    (tmp_path / "forger").mkdir()
    _forge_all(sealed, tmp_path / "forger")
    sealed.forge(signer=describe_signer(read_public_key(tmp_path / "other.key.pub")))
    sealed.sign(tmp_path / "other.key")
    assert sealed.codes(key=sealed.key) == {"signer-other"}
    assert sealed.codes() == set()
    assert "signed" in [code for code, _ in verify.verify(sealed.path).notes]


def test_whatever_the_manifest_states_otherwise_is_named(sealed: Sealed) -> None:
    manifest = json.loads(manifest_path(sealed.path).read_bytes())
    for name in ("case", "counts", "scans", "sealed", "sealed_digest", "logical_digest"):
        before = manifest_path(sealed.path).read_bytes()
        value = manifest[name]
        sealed.forge(**{name: value[:-1] if isinstance(value, list | str) else value | {"at": "x", "number": "y"}})
        assert {"signature-wrong", "statement"} <= sealed.codes(), name
        assert ("statement", {"what": name}) in verify.verify(sealed.path).findings
        manifest_path(sealed.path).write_bytes(before)
    assert sealed.codes() == set()


def test_a_manifest_that_is_gone_leaves_the_seal_in_the_ledger(sealed: Sealed) -> None:
    manifest_path(sealed.path).unlink()
    assert sealed.codes() == {"manifest-missing"}
    with sealed.edited() as connection:
        connection.execute("UPDATE streams SET path = 'x' WHERE id = 3")
    assert sealed.codes() == {"manifest-missing", "seal-row"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=40),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_a_manifest_that_is_none_is_told_and_ends_nothing(sealed: Sealed, data: bytes) -> None:
    manifest_path(sealed.path).write_bytes(data)
    assert sealed.codes() == {"manifest-malformed"}


_PATHS = [
    ("format",), ("case",), ("case", "number"), ("file",), ("file", "sha256"), ("file", "size"), ("sealed",),
    ("sealed", "at"), ("schema",), ("schema", "sha256"), ("schema", "version"), ("tables",), ("tables", "streams"),
    ("tables", "hits", "rows"), ("sealed_digest",), ("logical_digest",), ("ledger",), ("ledger", "head"), ("counts",),
    ("counts", "streams"), ("counts", "hits", "near"), ("scans",), ("signer",), ("signer", "public_key"),
    ("signer", "fingerprint"),
]  # fmt: skip


@pytest.mark.parametrize("replacement", [None, 0, "", [], {}, "x" * 64, {"x": 1}], ids=repr)
@pytest.mark.parametrize("place", _PATHS, ids="/".join)
def test_any_part_of_a_manifest_may_be_anything(sealed: Sealed, place: tuple[str, ...], replacement: object) -> None:
    manifest = json.loads(manifest_path(sealed.path).read_bytes())
    inner = manifest
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = replacement
    manifest_path(sealed.path).write_bytes(json.dumps(manifest).encode())
    assert sealed.codes() & {"signature-wrong", "signature-missing", "manifest-malformed"}


# What lies beside, and files that are none


@pytest.mark.parametrize("end", ["-wal", "-journal", "-shm"])
def test_a_journal_beside_the_file_is_told_and_not_read(sealed: Sealed, end: str) -> None:
    sealed.path.with_name(sealed.path.name + end).write_bytes(b"")
    assert sealed.codes() == {"journal-beside"}


@pytest.mark.parametrize("left", [0, 10, 99, 512, 5000])
def test_a_file_that_is_cut_short_is_seen(sealed: Sealed, left: int) -> None:
    sealed.path.write_bytes(sealed.path.read_bytes()[:left])
    codes = sealed.codes()
    assert "file-changed" in codes
    assert codes & {"unreadable", "table-changed"}


def test_text_that_is_no_utf8_is_told(sealed: Sealed) -> None:
    with sealed.edited() as connection:
        connection.execute("UPDATE streams SET path = CAST(x'ff41' AS TEXT) WHERE id = 3")
    codes = sealed.codes()
    assert {"file-changed", "unreadable", "table-changed"} <= codes


def test_a_case_that_was_never_sealed_is_told(tmp_path: Path) -> None:
    case = sample(tmp_path)
    codes = Sealed(case, None).codes()  # type: ignore[arg-type]
    assert codes == {"manifest-missing", "not-marked", "seal-row"}


def test_what_a_terminal_would_obey_is_not_printed(sealed: Sealed) -> None:
    sealed.forge(case={"uuid": "x", "number": "\x1b[2J\r\u202e" + "9" * 999})
    for answer in (verify_sealed(sealed.path), verify.verify(sealed.path)):
        text = verify.text(answer, PHRASES)
        assert not {"\x1b", "\r", "\u202e"} & set(text)
        assert len(text) < 4000


def test_every_code_has_words_in_both_languages() -> None:
    for code, words in PHRASES.items():
        assert len(words) == 2, code
        assert words[0] != words[1], code


def test_a_head_that_a_report_printed_is_that_of_a_row(sealed: Sealed) -> None:
    with CaseStore.open(sealed.path, read_only=True) as store:
        heads = [row.hash for row in ledger.rows(store.connection)]
    for head in heads:
        assert sealed.codes(head=head) == set()
    assert sealed.codes(head="0" * 64) == {"head-unknown"}


def test_a_signature_by_the_key_is_over_this_manifest_only(sealed: Sealed, tmp_path: Path) -> None:
    new_key(tmp_path / "k", None)
    signature = read_signing_key(tmp_path / "k").sign(b"something else")
    for wrong in (signature, b"", bytes(64), signature_path(sealed.path).read_bytes() + b"\0"):
        signature_path(sealed.path).write_bytes(wrong)
        assert sealed.codes() == {"signature-wrong"}
