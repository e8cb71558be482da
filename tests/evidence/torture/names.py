"""Hostile names: what a suspect may call a file to mislead a person, a terminal, a shell, a spreadsheet or a parser."""

from __future__ import annotations

EVERYWHERE = (
    "-rf",
    "--help",
    "=1+1",
    "+SUM(A1)",
    "@SUM(A1)",
    "a,b;c'd",
    "$(reboot)`",
    "%s%n%x",
    "fdp.\u202egpj.exe",
    "\u2066isolated\u2069",
    "zero\u200bwidth",
    "e\u0301 decomposed",
    "\u00e9 composed",
    "\U0001f4f7 beyond the first plane",
)
"""Names that every file system with characters takes, FAT's long names among them."""

UNIX_AND_POSIX_NTFS = (
    "line\nfeed",
    "carriage\rreturn",
    "\x1b[31mred\x1b[0m",
    "bell\x07",
    "tab\there",
    "del\x7f",
    "c1\u009b control",
    "trailing dots...",
    "trailing spaces   ",
    " leading space",
    "...",
    "NUL",
    "con.txt",
    "question?*<>|",
    'quote"quote',
    "back\\slash",
    "Case",
    "cASE",
)
"""Names that Windows would not create, but that stand on volumes written by others."""

LONE_SURROGATES = ("\ud800 high alone", "low alone \udfff", "\udc00\ud800 exchanged")
"""No characters at all; NTFS, exFAT and FAT store them none the less."""

NOT_UTF8 = (b"caf\xe9.bin", b"\xff\xfe\x80", b"cut \xe2\x82", b"overlong \xc0\xaf", b"surrogate \xed\xa0\x80")
"""Names for file systems that store bytes."""
