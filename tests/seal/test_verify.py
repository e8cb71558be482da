"""The program that goes with a sealed case: nothing but Python, and nothing but what it says."""

from __future__ import annotations

import ast
import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.case.table_digests import schema_digest, table_digest
from forensics.seal import verify
from tests.seal.conftest import Sealed


def run(path: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it as a stranger would: alone in an empty place, in isolated mode, in a plain environment."""
    command = [sys.executable, "-I", "verify.py", path.name, *map(str, arguments)]
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    return subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, encoding="utf-8", check=False)


def test_it_runs_alone_and_answers_in_both_languages(sealed: Sealed) -> None:
    answer = run(sealed.path, "--key", "lab.pub")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("EL ARCHIVO ESTÁ COMO SE SELLÓ\n  Caso CI/FE/017/2026, sellado 20")
    assert "\n\nTHE FILE IS AS IT WAS SEALED\n  Case CI/FE/017/2026, sealed 20" in answer.stdout
    assert f"Firmado con la clave indicada, {sealed.key.fingerprint}" in answer.stdout
    with sealed.edited() as connection:
        connection.execute("UPDATE exhibits SET label = 'E9' WHERE id = 1")
    answer = run(sealed.path)
    assert (answer.returncode, answer.stderr) == (1, "")
    assert "cambió la tabla exhibits" in answer.stdout
    assert "table exhibits was changed" in answer.stdout


def test_wrong_usage_is_one_line(sealed: Sealed) -> None:
    for path, arguments in (
        (sealed.path.with_name("none.case"), []),
        (sealed.path, ["--key", "none.pub"]),
        (sealed.path, ["--key", "verify.py"]),
        (sealed.path, ["--key", "s.case"]),
    ):
        answer = run(path, *arguments)
        assert (answer.returncode, answer.stdout, len(answer.stderr.splitlines())) == (2, "", 1), answer


def test_it_reads_and_writes_nothing_else(sealed: Sealed) -> None:
    shutil.copy(sealed.path, sealed.path.with_name("before"))
    before = sorted(path.name for path in sealed.path.parent.iterdir())
    run(sealed.path)
    assert sorted(path.name for path in sealed.path.parent.iterdir()) == before
    assert sealed.path.read_bytes() == sealed.path.with_name("before").read_bytes()


def test_it_imports_the_standard_library_only() -> None:
    tree = ast.parse(Path(verify.__file__).read_text("utf-8"), feature_version=(3, 9))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    assert not {name for name in names if "urllib" in name or "socket" in name or "subprocess" in name}


# The canonical form, computed in two ways

_TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["\0", "a\0b", '"', "\\", "\x1f\x7f\u2028", "\u00e1\U0001f600", "/", "'"]
)
_ROW = st.tuples(
    st.none() | st.integers(-(1 << 63), (1 << 63) - 1), _TEXT, st.none() | st.floats(allow_nan=False), _TEXT | st.none()
)


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(_ROW, max_size=8), real=st.booleans())
def test_a_table_has_the_digest_that_tamiz_gives_it(
    rows: list[tuple[int | None, str, float | None, str | None]], real: bool
) -> None:
    kind = "REAL" if real else "TEXT"
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f'CREATE TABLE "t""x" (n INTEGER, "k ey" TEXT, r {kind}, v TEXT, PRIMARY KEY (v, "k ey"))')
        for n, key, number, value in rows:
            bound = (n, key, number if real else None, value)
            connection.execute('INSERT OR IGNORE INTO "t""x" VALUES (?, ?, ?, ?)', bound)
        ours = table_digest(connection, 't"x')
        assert verify.table_digest(connection, 't"x') == {"rows": ours.rows, "sha256": ours.sha256}
        assert verify.digests(connection, verify.Answer())[0] == schema_digest(connection)


def test_a_stranger_computes_it_from_the_page_that_describes_it(sealed: Sealed) -> None:
    page = (Path(__file__).parents[2] / "docs/case-schema.md").read_text("utf-8")
    section = page.partition("## Sealed cases")[2]
    program = section.partition("```python\n")[2].partition("```")[0].replace('"FILE"', repr(str(sealed.path)))
    assert "streams" in program
    answer = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, encoding="utf-8", check=True)
    stated = json.loads(sealed.path.with_name("s.case.manifest.json").read_bytes())["tables"]["streams"]["sha256"]
    assert answer.stdout.strip() == stated


# Ed25519


def test_the_published_signatures_hold() -> None:
    """RFC 8032, 7.1, tests 1 to 3."""
    for key, message, signature in (
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         ("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465"
         "5141438e7a100b")),
        ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         ("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb0"
         "0d291612bb0c00")),
        ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         ("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc0"
         "27beceea1ec40a")),
    ):  # fmt: skip
        assert verify.signature_holds(bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(message))


@settings(deadline=None, max_examples=25)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), bit=st.integers(0, 511))
def test_it_agrees_with_openssl_on_signatures_and_on_changed_ones(seed: bytes, message: bytes, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert verify.signature_holds(public, signature, message)
    assert not verify.signature_holds(public, signature, message + b"x")
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert verify.signature_holds(public, bytes(changed), message) == _holds(public, bytes(changed), message)


@settings(deadline=None, max_examples=40)
@given(public=st.binary(min_size=30, max_size=33), signature=st.binary(min_size=60, max_size=66))
def test_it_agrees_with_openssl_on_what_is_no_key_and_no_signature(public: bytes, signature: bytes) -> None:
    assert verify.signature_holds(public, signature, b"m") == _holds(public, signature, b"m")


@pytest.mark.parametrize("scalar", [0, 1, verify.L - 1, verify.L, verify.L + 1, 2**256 - 1])
def test_a_scalar_beyond_the_order_is_refused(scalar: int) -> None:
    public = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    signature = bytes(32) + scalar.to_bytes(32, "little")
    assert verify.signature_holds(public, signature, b"m") == _holds(public, signature, b"m")


def test_a_signature_with_the_order_added_is_refused() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signature = key.sign(b"m")
    scalar = int.from_bytes(signature[32:], "little") + verify.L
    malleable = signature[:32] + scalar.to_bytes(32, "little")
    assert not verify.signature_holds(key.public_key().public_bytes_raw(), malleable, b"m")


def _holds(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (ValueError, InvalidSignature):
        return False
    return True
