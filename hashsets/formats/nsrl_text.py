"""``NSRLFile.txt`` of the NSRL, RDS version 2: comma-separated, with one of two headers.

As The Sleuth Kit tells them apart (``tsk/hashdb/nsrl.cpp``). A file name may hold quotes and commas, so a line is read
from both ends. The same file of many products stands on many lines, one after the other: they are one entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, ClassVar

from forensics.errors import ListFormatError
from hashsets import fields
from hashsets.fields import FieldError
from hashsets.format import KnownEntry, ListFormat, ListHeader, ListItem, RejectedEntry
from hashsets.formats.text import head_text, numbered_lines

_LAYOUTS = {
    '"SHA-1","FileName","FileSize","ProductCode","OpSystemCode","MD4","MD5","CRC32","SpecialCode"': (
        "2.old",
        re.compile(
            r'"(?P<sha1>[^"]*)",".*","?(?P<size>[^",]*)"?,[^,]*,"[^"]*","[^"]*","(?P<md5>[^"]*)","[^"]*","(?P<code>[^"]*)"'
        ),
    ),
    '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"': (
        "2",
        re.compile(
            r'"(?P<sha1>[^"]*)","(?P<md5>[^"]*)","[^"]*",".*","?(?P<size>[^",]*)"?,[^,]*,"[^"]*","(?P<code>[^"]*)"'
        ),
    ),
}
"""The version of each header, and the pattern of its lines."""


class NsrlTextFormat(ListFormat):
    """NSRL RDS version 2."""

    name: ClassVar[str] = "nsrl-text"

    def recognises(self, head: bytes) -> bool:
        """Tell by the first line."""
        return head_text(head).split("\n", 1)[0].strip() in _LAYOUTS

    def read(self, file: BinaryIO) -> Iterator[ListItem]:
        """Read a listing; an entry's position is the first of its lines.

        Raises:
            ListFormatError: The first line is neither of the two headers.
        """
        lines = numbered_lines(file)
        _, header = next(lines, (1, ""))
        layout = _LAYOUTS.get((header or "").strip())
        if layout is None:
            raise ListFormatError("no NSRL header", "line 1", "check the file or name its format")
        version, pattern = layout
        yield ListHeader(version=version.split(".")[0])
        last: tuple[str | None, ...] = ()
        for number, line in lines:
            if line is not None and not line.strip():
                continue
            item = _entry_or_rejected(number, line, pattern)
            if isinstance(item, KnownEntry):
                found = (item.sha1, item.md5, str(item.size), item.attributes.get("special_code"))
                if found == last:
                    continue
                last = found
            yield item


def _entry_or_rejected(number: int, line: str | None, pattern: re.Pattern[str]) -> KnownEntry | RejectedEntry:
    if line is None:
        return RejectedEntry(number, "line too long")
    match = pattern.fullmatch(line.strip())
    if match is None:
        return RejectedEntry(number, "not the columns that the header names")
    try:
        return fields.require_a_hash(
            KnownEntry(
                number,
                fields.digest("md5", match["md5"]) if match["md5"] else None,
                fields.digest("sha1", match["sha1"]) if match["sha1"] else None,
                size=fields.whole_number("FileSize", match["size"]),
                attributes={"special_code": fields.attribute("special_code", match["code"])} if match["code"] else {},
            )
        )
    except FieldError as error:
        return RejectedEntry(number, str(error))
