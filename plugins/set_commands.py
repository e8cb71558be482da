"""``tamiz set``: import, build, compare, export and look after known-hash sets."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import click

from plugins.command import DISPOSITIONS, TamizGroup, open_library, print_json, show

FILE = click.Path(path_type=Path)


@click.group("set", cls=TamizGroup)
def set_group() -> None:
    """Import and look after known-hash sets."""


@set_group.command("import")
@click.argument("file", type=FILE)
@click.option("--name", required=True, help="Name for the set; an older set of that name and disposition is replaced.")
@click.option("--disposition", required=True, type=click.Choice(DISPOSITIONS), help="What the set is for.")
@click.option("--format", "format_name", help="Format of the list; recognised by its content if left out.")
@click.option("--scheme", help="Scheme of its categories, if the list does not name one.")
@click.option("--authority", help="The reference under which it may be used.")
@click.option("--issuer", help="Who made it.")
@click.option("--list-version", help="The issuer's version of it.")
@click.option("--received", metavar="YYYY-MM-DD", help="The day on which the laboratory received it.")
@click.option("--note", help="How it is to be handled, its licence.")
@click.option("--json", "as_json", is_flag=True, help="Print the set as JSON.")
def set_import(
    file: Path, name: str, disposition: str, format_name: str | None, scheme: str | None, authority: str | None,
    issuer: str | None, list_version: str | None, received: str | None, note: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Import a list of known hashes. Malformed entries are set aside and counted."""
    from hashsets.format import Disposition
    from hashsets.importing import import_list
    from hashsets.provenance import Provenance

    with open_library() as library:
        report = import_list(
            library, file, name, Disposition(disposition), format_name, scheme, authority,
            provenance=Provenance(issuer, list_version, note, received),
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
    click.echo(
        f"{known_set.name}: {known_set.entries:,} entries imported from {known_set.file_name} ({known_set.format})"
    )
    if replaced:
        click.echo(f"replaced the {replaced.entries:,} entries imported {replaced.imported}", err=True)
    if report.columns_read:
        click.echo(f"columns read: {', '.join(report.columns_read)}", err=True)
    if report.columns_ignored:
        click.echo(f"columns NOT imported: {', '.join(report.columns_ignored)}", err=True)
    if known_set.rejected:
        remedy = f"tamiz set show {shlex.quote(known_set.name)} --rejected"
        click.echo(f"{known_set.rejected:,} malformed entries were set aside; see: {remedy}", err=True)


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
        entries = [dataclasses.asdict(entry) for entry in library.rejected(name)] if rejected else []
    if rejected:
        show(entries, ("position", "reason"), as_json, "no entry was set aside")
    elif as_json:
        print_json(known_set)
    else:
        for field, value in known_set.items():
            click.echo(f"{field:15} {'-' if value is None else value}")


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
