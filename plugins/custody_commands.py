"""``tamiz custody`` and ``tamiz refer``: hand-overs of exhibits, and referrals to another authority."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plugins.case_commands import AS_JSON, CORRECTS, MISSING
from plugins.command import CASE, EXAMINER, TamizCommand, TamizGroup, print_json, say, show, writing_to_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from forensics.case.custody import ChainGap, CustodyEvent
    from forensics.case.referrals import RecordedReferral
    from forensics.case.stated import Stated

AT = click.option("--at", metavar="TIME", help="When, with the offset: 2026-03-01T10:30-06:00.")

BREAKS = {
    "other-giver": "who gives it is not known to be who took it last",
    "earlier": "it is earlier than the hand-over before it",
    "same-person": "somebody gives it to themselves",
}


@click.group("custody", cls=TamizGroup)
def custody_group() -> None:
    """Record hand-overs of exhibits and show the chain."""


@custody_group.command("add", epilog=MISSING)
@click.argument("case", type=CASE)
@click.option("--exhibit", required=True, metavar="LABEL", help="The exhibit.")
@click.option("--from", "giver", required=True, metavar="NAME", help="Who gave it; N.A. if it was found.")
@click.option("--to", "receiver", required=True, metavar="NAME", help="Who took it.")
@click.option("--at", required=True, metavar="TIME", help="When, with the offset: 2026-03-01T10:30-06:00.")
@click.option("--from-position", "giver_position", help="Institution and position of who gave it.")
@click.option("--to-position", "receiver_position", help="Institution and position of who took it.")
@click.option("--place", help="Where.")
@click.option("--purpose", help="What for.")
@click.option("--stage", help="Stage of the chain: collection, transfer, storage, analysis ...")
@click.option("--transport", help="Way and special conditions of a transfer.")
@click.option("--seal-number", "seal_numbers", multiple=True, metavar="NUMBER", help="A seal on it. Repeatable.")
@click.option("--condition", help="Condition of exhibit, packing and seals.")
@click.option("--remarks", help="Observations.")
@CORRECTS
@EXAMINER
def custody_add(
    case: Path, exhibit: str, at: str, seal_numbers: tuple[str, ...], corrects: int | None, examiner: str | None,
    **texts: str | None,
) -> None:  # fmt: skip
    """Record a hand-over. A mistake is corrected by a further row: --corrects ROW."""
    from forensics.case.custody import HandOver, add_hand_over, custody_events, gaps
    from forensics.case.stated import stated, stated_time

    seals = stated("\n".join(number.strip() for number in seal_numbers) if seal_numbers else None)
    what = {name: stated(text) for name, text in texts.items()}
    hand_over = HandOver(exhibit, stated_time(at), seal_numbers=seals, **what)
    with writing_to_case(case, examiner) as (store, actor):
        number = add_hand_over(store, actor, hand_over, corrects)
        found = list(gaps(custody_events(store, exhibit)))
    click.echo(f"custody event {number}: recorded")
    _warn(found)


@custody_group.command("list")
@click.argument("case", type=CASE)
@click.option("--exhibit", metavar="LABEL", help="Only of this exhibit.")
@AS_JSON
def custody_list(case: Path, exhibit: str | None, as_json: bool) -> None:
    """Show the chain of custody, corrected rows included, and warn of its gaps."""
    from forensics.case.custody import custody_events, gaps
    from forensics.case.stated import Missing, as_word
    from forensics.case.stated import as_json as json_value
    from forensics.case.store import CaseStore

    with CaseStore.open(case, read_only=True) as store:
        events = list(custody_events(store, exhibit))
    found = list(gaps(events))
    rows = [_event_row(event, json_value if as_json else as_word) for event in events]
    for row, event in zip(rows, events, strict=True):
        seals = event.hand_over.seal_numbers
        if not isinstance(seals, Missing):
            row["seal_numbers"] = seals.splitlines() if as_json else ", ".join(seals.splitlines())
        if not as_json:
            row["at"] = event.hand_over.at.local
    if as_json:
        print_json({"events": rows, "gaps": [dataclasses.asdict(gap) for gap in found]})
    else:
        columns = ("row", "exhibit", "at", "giver", "receiver", "place", "purpose", "seal_numbers", "corrected_by")
        show(rows, columns, False, "no hand-over is recorded")
    _warn(found)


@custody_group.command("sheet")
@click.argument("case", type=CASE)
@click.option("--output", required=True, type=CASE, help="The HTML file to write.")
@click.option("--language", type=click.Choice(("es", "en")), default="es", show_default=True)
@EXAMINER
def custody_sheet(case: Path, output: Path, language: str, examiner: str | None) -> None:
    """Write the data sheet of the chain of custody, to be copied into the official form. For the laboratory."""
    from forensics.reports.custody_sheet import write_custody_sheet

    with writing_to_case(case, examiner) as (store, actor):
        digest = write_custody_sheet(store, output, language)
        store.record(actor, "custody sheet", {"language": language, "file": output.name, "sha256": digest})
    click.echo(f"{output}  sha256 {digest}")


@click.command("refer", cls=TamizCommand, epilog=MISSING)
@click.argument("case", type=CASE)
@click.option("--to", "authority", metavar="AUTHORITY", help="To whom.")
@AT
@click.option("--reference", help="Number of the letter; with --receipt, of the receipt or of the case there.")
@click.option("--reason", help="Why.")
@click.option("--exhibit", metavar="LABEL", help="Refer an exhibit; the whole case if left out.")
@click.option("--hit", metavar="LOCATOR/SET", help="Refer a hit.")
@click.option("--receipt", type=int, metavar="ROW", help="Record the receipt for a referral instead.")
@click.option("--received-by", metavar="NAME", help="With --receipt: who received it.")
@CORRECTS
@click.option("--list", "as_list", is_flag=True, help="List the referrals instead.")
@AS_JSON
@EXAMINER
def refer_command(
    case: Path, authority: str | None, at: str | None, reference: str | None, reason: str | None, exhibit: str | None,
    hit: str | None, receipt: int | None, received_by: str | None, corrects: int | None, as_list: bool, as_json: bool,
    examiner: str | None,
) -> None:  # fmt: skip
    """Record that a case, an exhibit or a hit was referred to another authority, and its receipt."""
    from forensics.case import referrals
    from forensics.case.stated import stated, stated_time
    from forensics.case.subject import find_subject

    if as_list:
        _list_referrals(case, as_json)
        return
    if at is None or (authority is None) == (receipt is None):
        raise click.UsageError("give --at, and --to AUTHORITY or --receipt ROW; or --list")
    moment = stated_time(at)
    with writing_to_case(case, examiner) as (store, actor):
        if receipt is not None:
            what = referrals.Receipt(moment, stated(received_by), stated(reference))
            number = referrals.add_receipt(store, actor, receipt, what, corrects)
            click.echo(f"receipt {number} for referral {receipt}: recorded")
            return
        about = find_subject(store, exhibit, hit)
        referral = referrals.Referral(authority or "", moment, about, stated(reference), stated(reason))
        number = referrals.refer(store, actor, referral, corrects)
    click.echo(f"referral {number}: recorded")


def _list_referrals(case: Path, as_json: bool) -> None:
    from forensics.case.referrals import referrals
    from forensics.case.stated import as_json as json_value
    from forensics.case.stated import as_word
    from forensics.case.store import CaseStore

    written = json_value if as_json else as_word
    with CaseStore.open(case, read_only=True) as store:
        rows = [_referral_row(each, written) for each in referrals(store)]
    if not as_json:
        rows = [row | {"receipts": len(row["receipts"])} for row in rows]
    columns = ("row", "authority", "at", "subject", "reference", "receipts", "corrected_by", "uuid")
    show(rows, columns, as_json, "nothing was referred")


def _referral_row(each: RecordedReferral, written: Callable[[Stated], Any]) -> dict[str, Any]:
    about = each.referral.about
    return {
        "row": each.number,
        "uuid": each.uuid,
        "authority": each.referral.authority,
        "at": each.referral.at.at,
        "utc_offset": each.referral.at.utc_offset,
        "subject": about.kind,
        "exhibit": about.exhibit,
        "locator": about.locator,
        "set": about.set,
        "reference": written(each.referral.reference),
        "reason": written(each.referral.reason),
        "corrects": each.corrects,
        "corrected_by": each.corrected_by,
        "recorded": each.recorded,
        "recorded_by": each.recorded_by,
        "receipts": [
            {
                "row": number,
                "at": receipt.at.at,
                "utc_offset": receipt.at.utc_offset,
                "received_by": written(receipt.received_by),
                "reference": written(receipt.reference),
            }
            for number, receipt in each.receipts
        ],
    }


def _event_row(event: CustodyEvent, written: Callable[[Stated], Any]) -> dict[str, Any]:
    stated = {
        field.name: getattr(event.hand_over, field.name)
        for field in dataclasses.fields(event.hand_over)
        if field.name not in {"exhibit", "at"}
    }
    return {
        "row": event.number,
        "exhibit": event.hand_over.exhibit,
        "at": event.hand_over.at.at,
        "utc_offset": event.hand_over.at.utc_offset,
        **{name: written(value) for name, value in stated.items()},
        "corrects": event.corrects,
        "corrected_by": event.corrected_by,
        "recorded": event.recorded,
        "recorded_by": event.recorded_by,
    }


def _warn(found: Iterable[ChainGap]) -> None:
    for gap in found:
        say(f"warning: gap in the custody of {gap.exhibit} at row {gap.number}: {BREAKS[gap.what]}")
