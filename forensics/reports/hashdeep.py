"""Digests of files as hashdeep writes and audits them (``%%%% HASHDEEP-1.0``).

One line a stream: size, MD5, SHA-1, SHA-256, name. The name stands last and may hold commas; hashdeep knows no escapes,
so what is no printable character is an escape here (the case has the bytes). ``hashdeep -a`` holds a folder against the
list; of the names it needs nothing, but with ``-v`` it tells which files have moved.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from forensics import __version__
from forensics.case.content_walk import Scope, walk_contents
from forensics.case.reader import CaseReader
from forensics.new_file import new_file, refuse_existing
from forensics.reports.exporter import Exporter
from forensics.reports.pseudonym import StreamNames
from forensics.reports.recipient import Recipient, require

_HEAD = "%%%% HASHDEEP-1.0\n%%%% size,md5,sha1,sha256,filename\n"


class HashdeepExporter(Exporter):
    """The list of hashdeep."""

    name: ClassVar[str] = "hashdeep"
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.HITS, Scope.MEDIA, Scope.ALL)

    def export(self, case: CaseReader, output: Path, recipient: Recipient, scope: Scope = Scope.HITS) -> None:
        """Write the list.

        Raises:
            ReportError: The file exists or cannot be written, the case's key is missing, or the recipient gets no
                digests.
        """
        allowed = require(recipient, "digests", "list of digests")
        refuse_existing(output)
        names = StreamNames(case.path, allowed)
        with new_file(output) as file:
            file.write(f"{_HEAD}## tamiz {__version__}, case {case.case_info()['uuid']}, {scope}\n## \n".encode())
            for content in walk_contents(case.query, scope):
                line = f"{content.size},{content.md5},{content.sha1},{content.sha256},"
                for stream in content.streams:
                    file.write(f"{line}{names.of(stream.path, stream.stored_path)}\n".encode())
