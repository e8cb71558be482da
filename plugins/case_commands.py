"""``tamiz case``, ``authority`` and ``exhibit``: making a case, and stating what it rests on and what was seized."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from plugins.command import (
    CASE,
    EXAMINER,
    EXAMINER_VARIABLE,
    TamizGroup,
    actor_named,
    show,
    writing_to_case,
)

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
MISSING = "S.I. says that it is unknown, N.A. that there can be none; what is left out was not assessed."
CORRECTS = click.option("--corrects", type=int, metavar="ROW", help="Number of the wrong row that this one replaces.")


@click.group("case", cls=TamizGroup)
def case_group() -> None:
    """Make cases, and bring old ones up to date."""


@case_group.command("new")
@click.argument("case", type=CASE)
@click.option("--number", required=True, help="Case number.")
@click.option("--examiner", required=True, envvar=EXAMINER_VARIABLE, help="Name of the examiner.")
@click.option("--authority", help="Warrant or request under which the examination is made.")
@click.option("--exhibit", "exhibits", multiple=True, metavar="LABEL", help="An exhibit, such as E1. Repeatable.")
@click.option("--require-approval", is_flag=True,
              help="A report or export for others needs the approval of a second person.")  # fmt: skip
def case_new(
    case: Path, number: str, examiner: str, authority: str | None, exhibits: tuple[str, ...], require_approval: bool
) -> None:
    """Make a new case file."""
    from forensics.case.store import CaseStore

    actor = actor_named(examiner)
    CaseStore.create(case, number, actor, authority, exhibits, approval_required=require_approval).close()
    click.echo(f"{case}: made")


@case_group.command("upgrade")
@click.argument("case", type=CASE)
@click.option("--examiner", required=True, envvar=EXAMINER_VARIABLE, help="Name of the examiner.")
def case_upgrade(case: Path, examiner: str) -> None:
    """Bring a case of an older tamiz up to this one. A copy of it as it was is kept beside it."""
    from forensics.case.upgrade import upgrade

    copy = upgrade(case, actor_named(examiner))
    click.echo(f"{case}: upgraded; as it was: {copy}")


@click.group("authority", cls=TamizGroup)
def authority_group() -> None:
    """State the warrants and requests on which a case rests."""


@authority_group.command("add", epilog=MISSING)
@click.argument("case", type=CASE)
@click.option("--kind", required=True, help="warrant, request, consent, statute or other.")
@click.option("--origin", help="How the matter came to the authorities: complaint, anonymous, interpol, "
              "global-alliance, ncmec, ex-officio, referral or other.")  # fmt: skip
@click.option("--reference", help="Its number.")
@click.option("--issued-by", help="The authority.")
@click.option("--issued", metavar="YYYY-MM-DD", help="The day.")
@click.option("--jurisdiction", help="Such as MX or MX-JAL.")
@click.option("--foreign-reference", help="Number of a foreign authority, or of a report such as a tip.")
@click.option("--scope", help="What it allows.")
@CORRECTS
@EXAMINER
def authority_add(
    case: Path, kind: str, origin: str | None, reference: str | None, issued_by: str | None, issued: str | None,
    jurisdiction: str | None, foreign_reference: str | None, scope: str | None, corrects: int | None,
    examiner: str | None,
) -> None:  # fmt: skip
    """Record a warrant, a request or another ground."""
    from forensics.case.authorities import Authority, add_authority
    from forensics.case.stated import stated, stated_day

    authority = Authority(
        kind, stated(origin), stated(reference), stated(issued_by), stated_day(issued), stated(jurisdiction),
        stated(foreign_reference), stated(scope),
    )  # fmt: skip
    with writing_to_case(case, examiner) as (store, actor):
        number = add_authority(store, actor, authority, corrects)
    click.echo(f"authority {number}: recorded")


@authority_group.command("list")
@click.argument("case", type=CASE)
@AS_JSON
def authority_list(case: Path, as_json: bool) -> None:
    """List the authorities, also those that were corrected."""
    from forensics.case.authorities import authorities
    from forensics.case.stated import as_json as json_value
    from forensics.case.stated import as_word
    from forensics.case.store import CaseStore

    written = json_value if as_json else as_word
    with CaseStore.open(case, read_only=True) as store:
        rows = [
            {
                "row": each.number,
                **{name: written(value) for name, value in _fields(each.authority).items()},
                "corrects": each.corrects,
                "corrected_by": each.corrected_by,
                "recorded": each.recorded,
                "recorded_by": each.recorded_by,
            }
            for each in authorities(store)
        ]
    columns = ("row", "kind", "reference", "issued_by", "issued", "jurisdiction", "origin", "corrected_by")
    show(rows, columns, as_json, "no authority is recorded")


@click.group("exhibit", cls=TamizGroup)
def exhibit_group() -> None:
    """State what was seized."""


@exhibit_group.command("add")
@click.argument("case", type=CASE)
@click.argument("label")
@click.option("--parent", metavar="LABEL", help="The exhibit it was found in, as a card in a phone.")
@EXAMINER
def exhibit_add(case: Path, label: str, parent: str | None, examiner: str | None) -> None:
    """Enter an exhibit."""
    from forensics.case.exhibits import add_exhibit

    with writing_to_case(case, examiner) as (store, actor):
        identity = add_exhibit(store, actor, label, parent)
    click.echo(f"{label}: {identity}")


@exhibit_group.command("describe", epilog=MISSING)
@click.argument("case", type=CASE)
@click.argument("label")
@click.argument("facts", nargs=-1, required=True, metavar="FIELD=VALUE...")
@EXAMINER
def exhibit_describe(case: Path, label: str, facts: tuple[str, ...], examiner: str | None) -> None:
    """State something of an exhibit: kind, description, make, model, serial_number ...

    'tamiz exhibit list CASE --json' has every FIELD. What was stated of a field before stays on record.
    """
    from forensics.case.exhibits import Field, describe_exhibit
    from forensics.case.stated import stated

    named = {}
    for fact in facts:
        name, equals, value = fact.partition("=")
        if not equals or name not in set(Field):
            raise click.UsageError(f"'{name}' is no FIELD=VALUE; the fields are: {', '.join(Field)}")
        named[Field(name)] = stated(value)
    with writing_to_case(case, examiner) as (store, actor):
        describe_exhibit(store, actor, label, named)
    click.echo(f"{label}: {len(named)} recorded")


@exhibit_group.command("list")
@click.argument("case", type=CASE)
@AS_JSON
def exhibit_list(case: Path, as_json: bool) -> None:
    """List the exhibits and what is stated of them."""
    from forensics.case.exhibits import exhibits
    from forensics.case.stated import as_json as json_value
    from forensics.case.stated import as_word
    from forensics.case.store import CaseStore

    written = json_value if as_json else as_word
    with CaseStore.open(case, read_only=True) as store:
        rows = [
            {
                "exhibit": each.label,
                "uuid": each.uuid,
                "created": each.created,
                "parent": each.parent,
                **{str(field): written(value) for field, value in each.facts.items()},
            }
            for each in exhibits(store)
        ]
    columns = ("exhibit", "parent", "kind", "make", "model", "serial_number", "return_status", "uuid")
    show(rows, columns, as_json, "the case has no exhibit yet")


def _fields(record: object) -> dict[str, str]:
    """Fields of a dataclass by name; unlike :func:`dataclasses.asdict` it leaves their values as they are."""
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}  # type: ignore[arg-type]
