"""Text of a case made safe to print: whatever stands in it, it can neither hide nor reverse what stands around it."""

from __future__ import annotations

from forensics.evidence.stream import display_text


def printable(text: str) -> str:
    """Write everything invisible or misleading as an escape.

    Paths come so from the evidence already; names of partitions, lists and examiners need not.

    Args:
        text: Any text of a case.

    Returns:
        Text without control, formatting or bidirectional characters (see
        :func:`forensics.evidence.stream.display_text`).
    """
    return display_text(text.encode("utf-8", "backslashreplace"))
