"""The state of a case in one document, as ``status --json`` prints it. Totals reconcile or say that they do not."""

from __future__ import annotations

from typing import Any

from forensics.case.reader import CaseReader


def status(case: CaseReader) -> dict[str, Any]:
    """Summarise a case.

    Returns:
        ``complete`` (bool: every stream has an outcome, nothing is listed as not examined, no scan is unfinished),
        ``streams``, ``bytes`` (hashed), ``contents``, ``pictures``, ``videos``, ``hits`` (rows of ``hits`` by tier),
        ``not_examined``, ``scans``, and beyond the public ones ``pending``, ``benign_streams``, ``conflicts``,
        ``pictures_not_hashed``, ``outcomes``, ``ledger_head``, ``case``.
    """
    counts = case.stream_counts()
    gaps = [{"locator": gap.locator, "reason": gap.reason, "detail": gap.detail} for gap in case.gaps()]
    scans = case.scans()
    finished = bool(scans) and scans[-1]["state"] == "finished"
    head = None
    for row in case.ledger():
        head = {"sequence": row.sequence, "hash": row.hash, "at": row.at}
    return {
        "case": case.case_info(),
        "complete": finished and counts.reconciles and not gaps and case.unwalked_volumes() == 0,
        "streams": {
            "seen": counts.seen,
            "hashed": counts.hashed,
            "skipped": counts.skipped,
            "failed": counts.failed,
        },
        "pending": counts.pending,
        "bytes": case.hashed_bytes(),
        "contents": case.contents(),
        "pictures": case.pictures(),
        "videos": case.media_counts().get("video", 0),
        "hits": case.hit_counts(),
        "benign_streams": case.benign_streams(),
        "conflicts": case.conflicts(),
        "pictures_not_hashed": case.pictures_not_hashed(),
        "outcomes": case.outcome_counts(),
        "not_examined": gaps,
        "scans": scans,
        "ledger_head": head,
    }
