"""``tamiz set``: import, build, compare, export and look after known-hash sets."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plugins.command import (
    DISPOSITIONS,
    EXAMINER,
    NOT_ALL_EXAMINED,
    TamizGroup,
    actor_named,
    library_folder,
    open_library,
    print_json,
    progress_options,
    show,
    writing_to_case,
)

if TYPE_CHECKING:
    from forensics.case.listing import Listing
    from forensics.case.store import CaseStore
    from hashsets.format import Disposition
    from hashsets.importing import ImportReport
    from hashsets.provenance import Provenance

FILE = click.Path(path_type=Path)
SHOWN_DIFFERENCES = 50
"""How many differences are written out for people; the JSON has them all."""

AUTHORITY = click.option("--authority", help="The reference under which it may be used.")
ISSUER = click.option("--issuer", help="Who made it.")
LIST_VERSION = click.option("--list-version", help="The issuer's version of it.")
RECEIVED = click.option("--received", metavar="YYYY-MM-DD", help="The day on which the laboratory received it.")
NOTE = click.option("--note", help="How it is to be handled, its licence.")


@click.group("set", cls=TamizGroup)
def set_group() -> None:
    """Import and look after known-hash sets."""


@set_group.command("import")
@click.argument("file", type=FILE)
@click.option("--name", required=True, help="Name for the set; an older set of that name and disposition is replaced.")
@click.option("--disposition", required=True, type=click.Choice(DISPOSITIONS), help="What the set is for.")
@click.option("--format", "format_name", help="Format of the list; recognised by its content if left out.")
@click.option("--scheme", help="Scheme of its categories, if the list does not name one.")
@AUTHORITY
@ISSUER
@LIST_VERSION
@RECEIVED
@NOTE
@click.option("--in-place", is_flag=True, help="Index an NSRL RDS 3 database where it is; its entries are not copied.")
@click.option("--json", "as_json", is_flag=True, help="Print the set as JSON.")
def set_import(
    file: Path, name: str, disposition: str, format_name: str | None, scheme: str | None, authority: str | None,
    issuer: str | None, list_version: str | None, received: str | None, note: str | None, in_place: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Import a list of known hashes. Malformed entries are set aside and counted."""
    from hashsets.format import Disposition
    from hashsets.importing import import_list
    from hashsets.provenance import Provenance

    with open_library() as library:
        report = import_list(
            library, file, name, Disposition(disposition), format_name, scheme, authority,
            provenance=Provenance(issuer, list_version, note, received), in_place=in_place,
        )  # fmt: skip
    known_set, replaced = report.known_set, report.replaced
    if as_json:
        print_json(
            {
                **dataclasses.asdict(known_set),
                "replaced": dataclasses.asdict(replaced) if replaced else None,
                "columns_read": report.columns_read,
                "columns_ignored": report.columns_ignored,
            }
        )
        return
    done = "used in place in" if in_place else "imported from"
    click.echo(f"{known_set.name}: {known_set.entries:,} entries {done} {known_set.file_name} ({known_set.format})")
    if replaced:
        click.echo(f"replaced the {replaced.entries:,} entries imported {replaced.imported}", err=True)
    if report.columns_read:
        click.echo(f"columns read: {', '.join(report.columns_read)}", err=True)
    if report.columns_ignored:
        click.echo(f"columns NOT imported: {', '.join(report.columns_ignored)}", err=True)
    if known_set.rejected:
        remedy = f"tamiz set show {shlex.quote(known_set.name)} --rejected"
        click.echo(f"{known_set.rejected:,} malformed entries were set aside; see: {remedy}", err=True)


@set_group.command("build")
@click.argument("name")
@click.option("--from", "origin", required=True, type=click.Path(path_type=Path), help="A folder or a case.")
@click.option("--disposition", required=True, type=click.Choice(DISPOSITIONS), help="What the set is for.")
@click.option("--scheme", help="Scheme of the category.")
@click.option("--category", help="Category of all entries.")
@AUTHORITY
@ISSUER
@LIST_VERSION
@NOTE
@click.option("--set", "sets", multiple=True, metavar="NAME",
              help="Of a case: a set whose hits are taken; all notable ones if left out. Repeatable.")  # fmt: skip
@click.option("--tier", "tiers", multiple=True, type=click.Choice(("exact", "near", "similar")),
              help="Of a case: which hits are taken; exact and near if left out. Repeatable.")  # fmt: skip
@click.option("--all-pictures", is_flag=True, help="Of a case: take all pictures and films, hit or not.")
@click.option("--with-names", is_flag=True, help="Keep a path with each entry, as its reference.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Of a folder: number of workers; one a core if left out.")
@EXAMINER
@progress_options
@click.option("--json", "as_json", is_flag=True, help="Print the set as JSON.")
def set_build(
    name: str, origin: Path, disposition: str, scheme: str | None, category: str | None, authority: str | None,
    issuer: str | None, list_version: str | None, note: str | None, sets: tuple[str, ...], tiers: tuple[str, ...],
    all_pictures: bool, with_names: bool, jobs: int | None, examiner: str | None, progress: str, as_json: bool,
) -> None:  # fmt: skip
    """Make a list of one's own from the files of a folder, or from what a case holds.

    Of a case the contents with exact and near hits in notable sets are taken, except those that a benign set lists and
    those whose entries were all retracted. Names of files do not enter the set unless asked for.
    """
    from forensics.case.listing import FIRM_TIERS, Choice, Listing
    from hashsets.format import Disposition
    from hashsets.match import Tier
    from hashsets.provenance import Provenance

    is_folder = origin.is_dir()
    if is_folder and (sets or tiers or all_pictures):
        raise click.UsageError("--set, --tier and --all-pictures choose among the contents of a case; this is a folder")
    if all_pictures and (sets or tiers):
        raise click.UsageError("--all-pictures takes all; --set and --tier choose among hits")
    choice = Choice.ALL if is_folder else Choice.MEDIA if all_pictures else Choice.HITS
    listing = Listing(choice, sets, tuple(map(Tier, tiers)) or FIRM_TIERS, category, with_names)
    provenance = Provenance(issuer, list_version, note)
    with _contents_of(origin, examiner, jobs, progress) as store:
        report, not_listed = _build(store, listing, name, Disposition(disposition), scheme, authority, provenance)
        if not is_folder:
            details = {"set": name, "entries": report.known_set.entries, "sha256": report.known_set.file_sha256}
            store.record(actor_named(_examiner(store, examiner)), "set built", details)
        gaps = _gaps(store) if is_folder else []
    if as_json:
        print_json({**dataclasses.asdict(report.known_set), "not_listed": not_listed, "not_examined": gaps})
    else:
        click.echo(f"{name}: {report.known_set.entries:,} entries built from {report.known_set.file_name}")
    if report.replaced:
        click.echo(f"replaced the {report.replaced.entries:,} entries of {report.replaced.imported}", err=True)
    if not_listed:
        why = "a benign set lists them, or all their entries were retracted"
        click.echo(f"{not_listed:,} contents that were hit are NOT in the set: {why}", err=True)
    if gaps:
        click.echo(f"{len(gaps):,} things in the folder could not be examined and are NOT in the set:", err=True)
        for gap in gaps[:20]:
            click.echo(f"  {gap['locator']}  {gap['reason']}", err=True)
        sys.exit(NOT_ALL_EXAMINED)


@contextmanager
def _contents_of(origin: Path, examiner: str | None, jobs: int | None, progress: str) -> Iterator[CaseStore]:
    """Open a case, or examine a folder into one that is gone afterwards."""
    if not origin.is_dir():
        with writing_to_case(origin, examiner) as (store, _):
            yield store
        return
    from forensics.triage.folder_case import folder_case
    from forensics.triage.progress import Style, choose_display

    with open_library():
        pass  # makes it, if there is none yet
    actor = actor_named(examiner or "set build")
    with (
        choose_display(Style(progress)) as display,
        folder_case(origin, actor, library_folder(), jobs, display) as store,
    ):
        yield store


def _build(
    store: CaseStore, listing: Listing, name: str, disposition: Disposition, scheme: str | None, authority: str | None,
    provenance: Provenance,
) -> tuple[ImportReport, int]:  # fmt: skip
    from forensics.case.listing import Choice, known_entries, left_out
    from forensics.case.reader import CaseReader
    from hashsets.building import build_set

    origin = "folder" if listing.choice is Choice.ALL else f"case-{CaseReader(store).case_info()['uuid']}"
    with open_library() as library:
        entries = known_entries(store, listing)
        report = build_set(library, entries, origin, name, disposition, scheme, authority, provenance)
    return report, left_out(store, listing)


def _examiner(store: CaseStore, examiner: str | None) -> str:
    from forensics.case.reader import CaseReader

    return examiner or CaseReader(store).examiners()[0]


def _gaps(store: CaseStore) -> list[dict[str, str]]:
    from forensics.case.reader import CaseReader

    return [dataclasses.asdict(gap) for gap in CaseReader(store).gaps()]


@set_group.command("export")
@click.argument("name")
@click.option("--format", "format_name", required=True, type=click.Choice(("vics", "csv")), help="Format of the list.")
@click.option("--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def set_export(name: str, format_name: str, output: Path, as_json: bool) -> None:
    """Write a set out for others: VICS 2.0, which holds all of it, or CSV. Both can be imported again."""
    from hashsets.exporting import export_set

    with open_library() as library:
        written = export_set(library, name, format_name, output)
    if as_json:
        print_json({**dataclasses.asdict(written), "path": str(written.path)})
        return
    click.echo(f"{written.path}: {written.entries:,} entries  sha256 {written.sha256}")
    for kind, count in written.left_out.items():
        click.echo(f"NOT in the file, which has no place for it: {kind} ({count:,})", err=True)


@set_group.command("diff")
@click.argument("first")
@click.argument("second")
@click.option("--hashes", is_flag=True, help="Show the strongest hash of each entry too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def set_diff(first: str, second: str, hashes: bool, as_json: bool) -> None:
    """Compare two sets: what only one has, and what they state differently. Shows places, and no hash unless asked."""
    from hashsets.comparing import compare

    with open_library() as library:
        result = dataclasses.asdict(compare(library, first, second))
    details = result.pop("details")
    for row in details:
        row["fields"] = list(row["fields"])
        if not hashes:
            del row["hash"]
    if as_json:
        print_json({"first": first, "second": second, **result, "details": details})
        return
    for label, count in (
        (f"only in '{first}'", "only_first"), (f"only in '{second}'", "only_second"),
        ("in both, stated differently", "differing"), ("in both, alike", "same"),
    ):  # fmt: skip
        click.echo(f"{result[count]:>12,}  {label}")
    rows = [row | {"fields": ", ".join(row["fields"]) or None} for row in details[:SHOWN_DIFFERENCES]]
    if rows:
        show(rows, [*rows[0]], as_json, "")
    if len(details) > SHOWN_DIFFERENCES:
        click.echo(f"... and {len(details) - SHOWN_DIFFERENCES:,} more: see --json", err=True)


@set_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def set_list(as_json: bool) -> None:
    """List the known-hash sets."""
    with open_library() as library:
        sets = [dataclasses.asdict(known_set) for known_set in library.sets()]
    columns = ("name", "disposition", "entries", "rejected", "format", "scheme", "authority", "imported")
    show(sets, columns, as_json, "no sets; import one with 'tamiz set import'")


@set_group.command("show")
@click.argument("name")
@click.option("--rejected", is_flag=True, help="List the entries that were set aside.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def set_show(name: str, rejected: bool, as_json: bool) -> None:
    """Show where a set came from."""
    with open_library() as library:
        known_set = dataclasses.asdict(library.get(name))
        place = library.database_of(name)
        known_set["used_in_place"] = str(place.path) if place else None
        entries = [dataclasses.asdict(entry) for entry in library.rejected(name)] if rejected else []
    if rejected:
        show(entries, ("position", "reason"), as_json, "no entry was set aside")
    elif as_json:
        print_json(known_set)
    else:
        for field, value in known_set.items():
            click.echo(f"{field:15} {'-' if value is None else value}")


@set_group.command("verify")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def set_verify(name: str | None, as_json: bool) -> None:
    """Read the files of a set, or of all, and say whether they are what the import wrote."""
    from hashsets.verification import verify

    with open_library() as library:
        found = [dataclasses.asdict(each) for each in verify(library, [library.get(name)] if name else library.sets())]
    if as_json:
        print_json(found)
    for each in () if as_json else found:
        click.echo(f"{each['name']}: {'DAMAGED' if each['problems'] else 'sound'}")
        for problem in each["problems"]:
            click.echo(f"  {problem}; import the list again")
        for problem in each["remade"]:
            click.echo(f"  was made anew: {problem}")
    if any(each["problems"] for each in found):
        sys.exit(1)


@set_group.command("remove")
@click.argument("name")
@click.confirmation_option("--yes", prompt="Remove this set from the library?")
def set_remove(name: str) -> None:
    """Remove a set from the library. Cases keep what they recorded of it."""
    with open_library() as library:
        library.remove(name)
    click.echo(f"{name}: removed")


@set_group.command("lookup")
@click.argument("hashes", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def set_lookup(hashes: tuple[str, ...], as_json: bool) -> None:
    """Look hashes up in all sets: MD5, SHA-1 and SHA-256 exactly, PDQ, pHash and frames within the strict radius."""
    from hashsets.standing import dispute, is_retracted

    with open_library() as library:
        sets = {known_set.uuid: known_set for known_set in library.sets()}
        rows = [
            {
                "hash": value,
                "set": sets[match.entry.set_uuid].name,
                "disposition": sets[match.entry.set_uuid].disposition,
                "scheme": sets[match.entry.set_uuid].scheme,
                "category": match.entry.category,
                "position": match.entry.position,
                "reference": match.entry.reference,
                "basis": match.basis,
                "retracted": is_retracted(match.entry.attributes),
                "disputed": dispute(match.entry.attributes),
            }
            for value, matches in zip(hashes, library.lookup(hashes), strict=True)
            for match in matches
        ]
    columns = ["hash", "set", "disposition", "scheme", "category", "position"]
    columns += [flag for flag in ("retracted", "disputed") if any(row[flag] for row in rows)]
    show(rows, columns, as_json, "in no set")
