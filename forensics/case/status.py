"""The state of a case in one document, as ``status --json`` prints it. Totals reconcile or say that they do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from forensics.case.reader import CaseReader
from forensics.reason import LEFT_OUT, Reason


def status(case: CaseReader) -> dict[str, Any]:
    """Summarise a case.

    Returns:
        ``complete`` (bool: nothing stands in ``incomplete``), ``incomplete`` (reasons in words),
        ``streams``, ``bytes`` (hashed), ``contents``, ``pictures``, ``videos``, ``hits`` (rows of ``hits`` by tier),
        ``not_examined``, ``scans``, and beyond the public ones ``pending``, ``benign_streams``, ``conflicts``,
        ``inconsistent`` (contents that match an entry which states another digest as well), ``disagreements`` (sets
        that contradict each other), ``standing`` (contents that match retracted or disputed entries),
        ``crowded_entries`` (those that match very many contents), ``pictures_hashed``, ``videos_hashed``,
        ``pictures_not_hashed``, ``videos_not_hashed``, ``partly_hashed`` (pictures and films of which only a part has
        perceptual hashes), ``pictures_not_compared``, ``videos_not_compared`` (hashed, and showing too little to
        be compared), ``outcomes``, ``ledger_head``, ``case``.
    """
    counts = case.stream_counts()
    gaps = [{"locator": gap.locator, "reason": gap.reason, "detail": gap.detail} for gap in case.gaps()]
    scans = case.scans()
    account = case.perceptual_account()
    outcomes = case.outcome_counts()
    changed = case.changed_sources()
    left_out = {outcome["reason"] for outcome in outcomes} & LEFT_OUT
    incomplete = [
        reason
        for reason, applies in (
            ("nothing has been scanned yet", not any(scan["kind"] == "scan" for scan in scans)),
            ("a scan is running", any(scan["state"] == "running" for scan in scans)),
            ("streams wait to be examined: run the scan again", counts.pending > 0),
            ("volumes wait to be listed: run the scan again", case.unwalked_volumes() > 0),
            ("some of it was not examined (see below)", bool(gaps)),
            (
                "the scan's profile left streams out",
                bool(left_out & {Reason.EXCLUDED_BY_PROFILE, Reason.SIZE_NOT_LISTED}),
            ),
            ("the scan's filters left streams out", Reason.EXCLUDED_BY_FILTER in left_out),
            ("streams were withheld as privileged", Reason.PRIVILEGED in left_out),
            ("the files of a source have changed: " + ", ".join(changed), bool(changed)),
        )
        if applies
    ]
    head = None
    for row in case.ledger():
        head = {"sequence": row.sequence, "hash": row.hash, "at": row.at}
    return {
        "case": case.case_info(),
        "complete": not incomplete,
        "incomplete": incomplete,
        "streams": {
            "seen": counts.seen,
            "hashed": counts.hashed,
            "skipped": counts.skipped,
            "failed": counts.failed,
        },
        "pending": counts.pending,
        "bytes": case.hashed_bytes(),
        "contents": case.contents(),
        "pictures": account.pictures,
        "pictures_hashed": account.pictures_hashed,
        "videos": account.videos,
        "videos_hashed": account.videos_hashed,
        "hits": case.hit_counts(),
        "benign_streams": case.benign_streams(),
        "conflicts": case.conflicts(),
        "inconsistent": case.inconsistent(),
        "disagreements": [asdict(each) for each in case.disagreements()],
        "standing": asdict(case.standing()),
        "crowded_entries": [asdict(each) for each in case.crowded_entries()],
        "pictures_not_hashed": account.pictures_not_hashed,
        "videos_not_hashed": account.videos_not_hashed,
        "partly_hashed": account.partly_hashed,
        "pictures_not_compared": account.pictures_not_compared,
        "videos_not_compared": account.videos_not_compared,
        "outcomes": outcomes,
        "not_examined": gaps,
        "scans": scans,
        "ledger_head": head,
    }


def _lines_about_sets(document: dict[str, Any]) -> Iterator[str]:
    """Say what is wrong with the sets, if anything is."""
    for each in document["disagreements"]:
        what = "is notable in one and benign in the other" if each["kind"] == "disposition" else "has two categories"
        yield f"disagree  '{each['sets'][0]}' and '{each['sets'][1]}': what {what}: {each['contents']:,} contents"
    if document["inconsistent"]:
        yield f"conflicts {document['inconsistent']:,} contents match an entry that states another digest too"
    standing = document["standing"]
    if standing["retracted"]:
        yield (
            f"retracted {standing['retracted']:,} contents match an entry that its issuer has retracted, "
            f"{standing['only_retracted']:,} of them no other"
        )
    if standing["disputed"]:
        yield f"disputed  {standing['disputed']:,} contents match an entry that others dispute"
    for each in document["crowded_entries"]:
        yield f"SUSPECT   {crowded_line(each['set'], each['position'], each['contents'])}"


def _lines_about_appearance(document: dict[str, Any]) -> Iterator[str]:
    """Say which pictures and films could not be found by what they show."""
    for kind in ("pictures", "videos"):
        for each in document[f"{kind}_not_hashed"]:
            yield f"{kind:9} {each['count']:,} without perceptual hash: {each['reason']}"
    for partly in document["partly_hashed"]:
        yield f"partly    {partly['count']:,} pictures and videos have perceptual hashes of a part: {partly['reason']}"
    for kind in ("pictures", "videos"):
        count = document[f"{kind}_not_compared"]
        if count:
            yield f"{kind:9} {count:,} show too little to be compared: matched by digest only"


def crowded_line(set_name: str, position: int, contents: int) -> str:
    """Warn of one entry that matches very many contents."""
    return (
        f"entry {position:,} of '{set_name}' matches {contents:,} contents: a hash that says nothing, "
        "or an entry put there on purpose"
    )


SHOWN_GAPS = 20
"""How many of the things not examined are written out for people; the JSON and the report have them all."""


def status_lines(document: dict[str, Any]) -> Iterator[str]:
    """Write the summary for people.

    Args:
        document: What :func:`status` gave.
    """
    streams, hits = document["streams"], document["hits"]
    yield f"case {document['case']['number']}: {'complete' if document['complete'] else 'NOT complete'}"
    for reason in document["incomplete"]:
        yield f"  because {reason}"
    yield (
        f"streams   {streams['seen']:,} seen = {streams['hashed']:,} hashed + {streams['skipped']:,} skipped"
        f" + {streams['failed']:,} failed" + (f" + {document['pending']:,} pending" if document["pending"] else "")
    )
    kinds = f"{document['pictures']:,} pictures" + (f", {document['videos']:,} videos" if document["videos"] else "")
    yield f"contents  {document['contents']:,} distinct, of them {kinds}"
    yield f"hits      {hits['exact']:,} exact, {hits['near']:,} near, {hits['similar']:,} similar"
    yield f"benign    {document['benign_streams']:,} streams hold a content that a benign set lists"
    if document["conflicts"]:
        yield f"conflicts {document['conflicts']:,} contents are notable in one set and benign in another"
    yield from _lines_about_sets(document)
    for outcome in document["outcomes"]:
        yield f"{outcome['state']:9} {outcome['count']:,} streams: {outcome['reason']}"
    yield from _lines_about_appearance(document)
    gaps = document["not_examined"]
    if gaps:
        yield f"NOT EXAMINED: {len(gaps):,}"
        for gap in gaps[:SHOWN_GAPS]:
            yield f"  {gap['locator']}  {gap['reason']}" + (f" ({gap['detail']})" if gap["detail"] else "")
        if len(gaps) > SHOWN_GAPS:
            yield f"  ... and {len(gaps) - SHOWN_GAPS:,} more: see 'tamiz status --json'"
