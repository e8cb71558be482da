"""``tamiz offence`` and ``tamiz tag``: catalogues of offences, and codes that an analyst attaches."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from plugins.case_commands import AS_JSON, MISSING
from plugins.command import CASE, EXAMINER, TamizCommand, TamizGroup, library_folder, show, writing_to_case


@click.group("offence", cls=TamizGroup)
def offence_group() -> None:
    """Catalogues of offences: dated data, never a verdict."""


@offence_group.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def offence_import(file: Path) -> None:
    """Take a catalogue of your own (TOML) into the library, such as a state's code."""
    from forensics.offences.catalogue import import_catalogue

    offences = import_catalogue(file, library_folder())
    click.echo(f"{offences[0].catalogue} {offences[0].version}: {len(offences)} offences")


@offence_group.command("list")
@click.option("--catalogue", help="Only of this catalogue.")
@AS_JSON
def offence_list(catalogue: str | None, as_json: bool) -> None:
    """List the offences of all catalogues."""
    from forensics.offences.catalogue import all_offences

    rows = [
        dataclasses.asdict(offence) | {"name": offence.name}
        for offence in all_offences(library_folder())
        if catalogue in {None, offence.catalogue}
    ]
    show(rows, ("name", "version", "provision", "repealed", "title_es"), as_json, "no such catalogue")


@click.command("tag", cls=TamizCommand, epilog=MISSING)
@click.argument("case", type=CASE)
@click.option("--code", metavar="CATALOGUE/CODE", help="The offence, such as mx-cpf/202-bis.")
@click.option("--version", metavar="YYYY-MM-DD", help="Version of the catalogue; the newest if left out.")
@click.option("--hit", metavar="LOCATOR/SET", help="Attach it to a hit.")
@click.option("--exhibit", metavar="LABEL", help="Attach it to an exhibit; to the whole case if neither is named.")
@click.option("--note", help="Why.")
@click.option("--remove", type=int, metavar="ROW", help="Take a code away again; the row stays on record.")
@click.option("--list", "as_list", is_flag=True, help="List the codes attached instead.")
@click.option("--also-removed", is_flag=True, help="With --list: also those that were taken away.")
@AS_JSON
@EXAMINER
def tag_command(
    case: Path, code: str | None, version: str | None, hit: str | None, exhibit: str | None, note: str | None,
    remove: int | None, as_list: bool, also_removed: bool, as_json: bool, examiner: str | None,
) -> None:  # fmt: skip
    """Attach the code of an offence to a hit, an exhibit or the case. Nothing is attached by itself."""
    from forensics.case import offence_tags
    from forensics.case.stated import stated
    from forensics.case.subject import find_subject
    from forensics.offences.catalogue import all_offences, find

    if sum((code is not None, remove is not None, as_list)) != 1:
        raise click.UsageError("give --code, --remove or --list")
    if as_list:
        _list_tags(case, also_removed, as_json)
        return
    if remove is not None:
        with writing_to_case(case, examiner) as (store, actor):
            offence_tags.remove(store, actor, remove, stated(note))
        click.echo(f"tag {remove}: taken away")
        return
    offence = find(all_offences(library_folder()), code or "", version)
    with writing_to_case(case, examiner) as (store, actor):
        about = find_subject(store, exhibit, hit)
        number = offence_tags.attach(store, actor, offence, about, stated(note))
    click.echo(f"tag {number}: {offence.name} ({offence.law}, {offence.provision}) attached to the {about.kind}")
    if offence.repealed:
        click.echo(f"note: repealed on {offence.repealed}", err=True)


def _list_tags(case: Path, also_removed: bool, as_json: bool) -> None:
    from forensics.case.offence_tags import offence_tags
    from forensics.case.stated import as_json as json_value
    from forensics.case.stated import as_word
    from forensics.case.store import CaseStore

    written = json_value if as_json else as_word
    with CaseStore.open(case, read_only=True) as store:
        rows = [
            {
                "row": tag.number,
                "catalogue": tag.catalogue,
                "version": tag.version,
                "code": tag.code,
                "jurisdiction": tag.jurisdiction,
                "law": tag.law,
                "provision": tag.provision,
                "title_es": tag.title_es,
                "title_en": tag.title_en,
                "subject": tag.subject.kind,
                "exhibit": tag.subject.exhibit,
                "locator": tag.subject.locator,
                "set": tag.subject.set,
                "note": written(tag.note),
                "by": tag.by,
                "at": tag.at,
                "removed_by": tag.removed_by,
                "removed_at": tag.removed_at,
            }
            for tag in offence_tags(store, also_removed=also_removed)
        ]
    columns = (
        "row",
        "catalogue",
        "code",
        "version",
        "subject",
        "exhibit",
        "locator",
        "set",
        "by",
        "note",
        "removed_by",
    )
    show(rows, columns, as_json, "no offence is attached")
