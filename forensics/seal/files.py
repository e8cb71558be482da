"""What lies beside a sealed case, and under which name."""

from __future__ import annotations

from pathlib import Path

VERIFIER = "verify.py"
"""The program that checks a sealed case with nothing but Python."""

JOURNALS = ("-wal", "-journal", "-shm")
"""Ends of names under which SQLite would look for changes not yet in the file. Beside a sealed case there are none."""


def manifest_path(sealed: Path) -> Path:
    """The manifest: what was sealed, in digests and counts."""
    return sealed.with_name(sealed.name + ".manifest.json")


def signature_path(sealed: Path) -> Path:
    """Ed25519 signature over the manifest, 64 bytes."""
    return sealed.with_name(sealed.name + ".manifest.json.sig")


def cms_path(sealed: Path) -> Path:
    """CMS signature over the manifest, detached, DER."""
    return sealed.with_name(sealed.name + ".manifest.json.p7s")


def time_stamp_path(sealed: Path) -> Path:
    """Answer of a time-stamping authority over the manifest (RFC 3161), DER."""
    return answer_path(manifest_path(sealed))


def answer_path(stamped: Path) -> Path:
    """Where the answer of an authority over any file is kept."""
    return stamped.with_name(stamped.name + ".tsr")
