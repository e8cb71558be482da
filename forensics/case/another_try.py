"""What earlier scans could not examine waits again, when a scan is asked to try once more.

Evidence may lie on a better disk by now, the machine have more memory, this version decode what the last one could not.
"""

from __future__ import annotations

import sqlite3

from forensics.reason import Reason

HASHED_IN_PART = "(perceptual_reason IS NOT NULL AND perceptual_reason <> 'benign')"
"""Condition on contents: a picture or film of which something, or all, has no perceptual hash for want of power."""

_MAY_PASS = (
    Reason.CRASHED, Reason.TIMED_OUT, Reason.OUT_OF_MEMORY, Reason.READ_ERROR, Reason.DIRECTORY_UNREADABLE,
)  # fmt: skip
"""Why a volume, or a folder in it, could not be listed, though another time it may."""


def try_again(connection: sqlite3.Connection, source_id: int) -> None:
    """Make streams wait that failed or whose contents were hashed in part, and volumes that were listed with gaps.

    The caller holds a transaction, and records anew what it still finds not to be examined.

    Args:
        connection: The case.
        source_id: The source.
    """
    connection.execute(
        "UPDATE streams SET state = 'pending', reason = NULL, detail = NULL WHERE source_id = ? AND state = 'failed'",
        (source_id,),
    )
    connection.execute(
        "UPDATE streams SET state = 'pending', content = NULL WHERE source_id = ? AND content IN "  # noqa: S608 - literals
        f"(SELECT sha256 FROM contents WHERE {HASHED_IN_PART})",
        (source_id,),
    )
    marks = ",".join("?" * len(_MAY_PASS))
    gaps = connection.execute(
        f"DELETE FROM not_examined WHERE source_id = ? AND reason IN ({marks}) RETURNING locator",  # noqa: S608 - marks
        (source_id, *_MAY_PASS),
    ).fetchall()
    if gaps:
        # which volume a locator lies in is the locator's own affair; to list one again costs little and changes nothing
        connection.execute("UPDATE volumes SET walked = 0 WHERE source_id = ?", (source_id,))
