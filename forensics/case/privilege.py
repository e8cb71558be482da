"""What a privilege filter withheld: it stays withheld until someone says otherwise, and that stands in the ledger."""

from __future__ import annotations

import json
from collections.abc import Collection

from forensics.case import ledger
from forensics.case.ledger import Actor
from forensics.case.store import CaseStore
from forensics.case.stream_plan import Plan, examined_although_privileged
from forensics.errors import CaseError
from forensics.reason import Reason


def check_privilege(store: CaseStore, plan: Plan, *, lifted: bool) -> None:
    """Refuse a scan that would examine or name what must be withheld, or that comes too late to withhold it.

    Args:
        store: The case.
        plan: What the scan would examine.
        lifted: The operator has asked for what earlier scans withheld.

    Raises:
        CaseError: An earlier scan had a privilege filter and this one has none; or streams that its filter names were
            examined by an earlier scan.
    """
    place = str(store.path)
    if plan.withholds:
        count = examined_although_privileged(store.connection, plan)
        if count:
            what = f"an earlier scan examined {count:,} streams that the privilege filter names"
            raise CaseError(what, place, "scan into a new case, with the filter from the beginning")
    elif not lifted and _is_filtered(store):
        what = "an earlier scan withheld what a privilege filter names"
        raise CaseError(what, place, "give the filter again with --privileged, or lift it with --include-privileged")


def release_privileged(store: CaseStore, actor: Actor, scan_id: int, source_id: int, volumes: Collection[str]) -> None:
    """Have the volumes in which streams were withheld listed again, these streams with their names.

    Args:
        store: The case.
        actor: Who.
        scan_id: The scan that lifts the filter.
        source_id: The source.
        volumes: Labels of the volumes that can be opened now.
    """
    withheld = "source_id = ? AND volume_id = ? AND reason = ?"
    with store.transaction():
        execute = store.connection.execute
        count = 0
        for volume_id, label in execute("SELECT id, label FROM volumes WHERE source_id = ?", (source_id,)).fetchall():
            if label not in volumes:
                continue
            gone = execute(f"DELETE FROM streams WHERE {withheld}", (source_id, volume_id, Reason.PRIVILEGED))  # noqa: S608
            if gone.rowcount:
                execute("UPDATE volumes SET walked = 0 WHERE id = ?", (volume_id,))
            count += gone.rowcount
        if count:
            (source,) = execute("SELECT label FROM sources WHERE id = ?", (source_id,)).fetchone()
            details = {"scan": scan_id, "source": source, "streams": count}
            ledger.append(store.connection, actor, "privilege lifted", details)


def _is_filtered(store: CaseStore) -> bool:
    """Whether the last scan that said anything of privilege had a filter."""
    query = "SELECT arguments FROM scans WHERE kind = 'scan' ORDER BY id DESC"
    for (text,) in store.connection.execute(query):
        arguments = json.loads(text)
        if arguments.get("privileged"):
            return True
        if arguments.get("include_privileged"):
            return False
    return False
