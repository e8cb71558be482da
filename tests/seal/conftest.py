"""A sealed case and its neighbours, and both ways to check it."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from forensics.case.ledger import GENESIS, canonical_json
from forensics.case.store import CaseStore
from forensics.seal import verify
from forensics.seal.files import manifest_path, signature_path
from forensics.seal.keys import PublicKey, new_key, read_public_key, read_signing_key
from forensics.seal.sealing import seal
from forensics.seal.verification import PHRASES, verify_sealed
from tests.reports.conftest import EXAMINER, SETS, CaseWriter, fill_sample

BEYOND_THE_PROGRAM = {"damaged", "logical-digest", "cms-wrong", "cms", "time-stamp-untrusted", "time-stamp-checked"}
"""What only ``tamiz verify`` can find."""


def sample(folder: Path) -> Path:
    """A finished case with one of everything, under ``a.case``."""
    store = CaseStore.create(folder / "a.case", "CI/FE/017/2026", EXAMINER, "Oficio 42/2026", ["E1", "IND-02"])
    writer = CaseWriter(store, folder, SETS)
    fill_sample(writer)
    return writer.finish()


@pytest.fixture(scope="session")
def sealed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sealed and signed case; not to be changed."""
    folder = tmp_path_factory.mktemp("sealed")
    case = sample(folder)
    new_key(folder / "lab.key", None)
    (folder / "out").mkdir()
    with CaseStore.open(case) as store:
        seal(store, EXAMINER, folder / "out/s.case", read_signing_key(folder / "lab.key"))
    shutil.copy(folder / "lab.key.pub", folder / "out/lab.pub")
    return folder / "out"


@dataclass(frozen=True)
class Sealed:
    """A sealed case that a test may tamper with.

    Attributes:
        path: The sealed file.
        key: Who signed it.
    """

    path: Path
    key: PublicKey

    def codes(self, *, key: PublicKey | None = None, head: str | None = None) -> set[str]:
        """Check it in both ways, which must find the same, and give the codes of what was found."""
        by_us = verify_sealed(self.path, key, head)
        by_program = verify.verify(self.path, key.raw if key else None, head)
        assert {code for code, _ in by_program.findings} == {c for c, _ in by_us.findings} - BEYOND_THE_PROGRAM
        assert sorted(map(repr, _shared(by_us.findings))) == sorted(map(repr, _shared(by_program.findings)))
        assert verify.text(by_us, PHRASES)
        assert verify.text(by_program, verify.PHRASES)
        return {code for code, _ in by_us.findings}

    @contextmanager
    def edited(self) -> Iterator[sqlite3.Connection]:
        """Change the file as somebody would who knows SQLite: the triggers are no obstacle."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            yield connection

    def without_triggers(self, *statements: str) -> None:
        """Run statements with the triggers gone, and put them back."""
        with self.edited() as connection:
            query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid"
            triggers = connection.execute(query).fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)
            for _, sql in triggers:
                connection.execute(sql)

    def rewrite_ledger(self, first: int) -> None:
        """Make the chain whole again from a row on."""
        with self.edited() as connection:
            triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            previous = GENESIS
            query = "SELECT sequence, at, actor, system_user, action, details FROM ledger ORDER BY sequence"
            for row in connection.execute(query).fetchall():
                digest = hashlib.sha256(canonical_json([*row, previous]).encode()).hexdigest()
                if row[0] >= first:
                    connection.execute(
                        "UPDATE ledger SET previous_hash = ?, hash = ? WHERE sequence = ?", (previous, digest, row[0])
                    )
                previous = digest
            for _, sql in triggers:
                connection.execute(sql)

    def forge(self, **changes: object) -> None:
        """Write into the manifest what somebody without the key would have it say."""
        place = manifest_path(self.path)
        manifest = json.loads(place.read_bytes())
        place.write_text(json.dumps(manifest | changes, sort_keys=True, indent=2, ensure_ascii=False) + "\n", "utf-8")

    def sign(self, key_file: Path) -> None:
        """Sign the manifest with a key."""
        signature_path(self.path).write_bytes(read_signing_key(key_file).sign(manifest_path(self.path).read_bytes()))


@pytest.fixture
def sealed(sealed_once: Path, tmp_path: Path) -> Sealed:
    """A copy of the sealed case, which the file system does not protect."""
    folder = tmp_path / "sealed"
    shutil.copytree(sealed_once, folder)
    (folder / "s.case").chmod(0o600)
    return Sealed(folder / "s.case", read_public_key(folder / "lab.pub"))


def _shared(findings: list[tuple[str, dict[str, object]]]) -> list[tuple[str, object]]:
    """What both name: the table, the row, the statement."""
    named = {"table", "row", "name"}
    return [
        (code, {key: value for key, value in values.items() if key in named or code == "statement"})
        for code, values in findings
        if code not in BEYOND_THE_PROGRAM
    ]
