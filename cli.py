"""The ``tamiz`` command: parse, call one function, show."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics import __version__
from forensics.errors import PluginError, TamizError
from plugins import loader
from plugins.command import (
    CASE,
    DISPOSITIONS,
    EXAMINER,
    FAILED,
    NOT_ALL_EXAMINED,
    TamizGroup,
    keep_option,
    library_folder,
    open_library,
    print_json,
    progress_options,
    reading_for_others,
    record_reading,
    say,
    show,
    writing_to_case,
)
from plugins.export_commands import export_command, tip_command
from plugins.filter_options import filter_options
from plugins.set_commands import set_group

if TYPE_CHECKING:
    from forensics.case.reader import Hit
    from forensics.triage.selection import Filters
    from hashsets.match import KnownSet

FILE = click.Path(path_type=Path)
PASSWORD_FILE = click.option(
    "--password-file", "password_files", multiple=True, metavar="[VOLUME=]FILE",
    help="A file with the password of an encrypted volume (such as p2); of any volume if none is named. Repeatable.",
)  # fmt: skip
RECOVERY_KEY_FILE = click.option(
    "--recovery-key-file", "recovery_key_files", multiple=True, metavar="[VOLUME=]FILE",
    help="The same with a recovery key (BitLocker, FileVault). Repeatable.",
)  # fmt: skip

ALLOW_WRITABLE = click.option(
    "--allow-writable", is_flag=True,
    help="Read a folder or device although something could write to it. The case says so.",
)  # fmt: skip


@click.group(cls=TamizGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="tamiz")
@click.option("--library", type=click.Path(path_type=Path, file_okay=False), expose_value=False, callback=keep_option,
              help="Folder of the known-hash sets (else $TAMIZ_LIBRARY, else the user's data folder).")  # fmt: skip
@click.option("--debug", is_flag=True, expose_value=False, callback=keep_option, help="Show tracebacks.")
def cli() -> None:
    """Find known material on seized media by its hashes, without anyone looking at a picture.

    Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but something could not be examined (see 'tamiz status').
    """


# Cases (what makes them, and what people state of them, stands in the modules of plugins)


@cli.command()
@click.argument("case", type=CASE)
@click.argument("sources", type=FILE, nargs=-1, required=True, metavar="SOURCE...")
@click.option("--exhibit", help="Label of the exhibit the sources belong to.")
@click.option(
    "--set", "sets", multiple=True, metavar="NAME", help="A set to match against; all if left out. Repeatable."
)
@click.option("--jobs", type=click.IntRange(1, 256), help="Number of workers; one a core if left out.")
@click.option("--profile", type=click.Choice(("quick", "standard", "deep")), default="standard", show_default=True)
@click.option("--source-digest/--no-source-digest", default=True, help="SHA-256 of the evidence before and after.")
@click.option("--verify-image", is_flag=True, help="Recompute the digest that the acquisition tool stored (E01).")
@click.option("--retry-failed", is_flag=True, help="Examine again what earlier scans could not read or decode whole.")
@ALLOW_WRITABLE
@PASSWORD_FILE
@RECOVERY_KEY_FILE
@filter_options
@EXAMINER
@progress_options
@click.option("--json", "as_json", is_flag=True, help="Print the state of the case as JSON at the end.")
def scan(
    case: Path, sources: tuple[Path, ...], exhibit: str | None, sets: tuple[str, ...], jobs: int | None, profile: str,
    source_digest: bool, verify_image: bool, retry_failed: bool, allow_writable: bool, password_files: tuple[str, ...],
    recovery_key_files: tuple[str, ...], filters: Filters, include_privileged: bool, examiner: str | None,
    progress: str, as_json: bool,
) -> None:  # fmt: skip
    """Examine evidence: list, hash and match every stream. Run again to go on after an interruption.

    A SOURCE is a disk image or phone extraction, a folder on a read-only mount, or a read-only block device.
    """
    from forensics.evidence.keys import Keyring
    from forensics.triage import scan as triage
    from forensics.triage.progress import Style, choose_display

    folder, known_sets = _chosen_sets(sets)
    request = triage.ScanRequest(
        sources, exhibit, known_sets, folder, jobs, triage.Profile(profile), source_digest, verify_image,
        Keyring.read(password_files, recovery_key_files), allow_writable, filters, include_privileged, retry_failed,
    )  # fmt: skip
    with writing_to_case(case, examiner) as (store, actor), choose_display(Style(progress)) as display:
        result = triage.scan(store, actor, request, display)
    _warn_of_crowded_entries(case)
    if as_json or len(result.errors) < len(sources):
        _show_status(case, as_json)
    for error in (*result.errors, *result.problems):
        say(str(error))
    if result.errors or result.problems:
        sys.exit(FAILED)
    if result.gaps:
        sys.exit(NOT_ALL_EXAMINED)


@cli.command("match")
@click.argument("case", type=CASE)
@click.option(
    "--set", "sets", multiple=True, metavar="NAME", help="A set to match against; all if left out. Repeatable."
)
@EXAMINER
@progress_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def match_command(case: Path, sets: tuple[str, ...], examiner: str | None, progress: str, as_json: bool) -> None:
    """Match the hashes stored in a case against (newer) sets. The evidence is not needed."""
    from forensics.triage import scan as triage
    from forensics.triage.progress import Style, choose_display

    folder, known_sets = _chosen_sets(sets)
    with writing_to_case(case, examiner) as (store, actor), choose_display(Style(progress)) as display:
        found = triage.match(store, actor, known_sets, folder, display)
    _warn_of_crowded_entries(case)
    if as_json:
        print_json({"matches": found, "sets": [known_set.name for known_set in known_sets]})
        return
    click.echo(f"{found:,} matches of contents with entries of {len(known_sets)} sets")


@cli.command()
@click.argument("case", type=CASE)
@click.option("--disposition", "dispositions", multiple=True, type=click.Choice(DISPOSITIONS),
              help="Which sets' hits; notable and reference if left out. Repeatable.")  # fmt: skip
@EXAMINER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def hits(case: Path, dispositions: tuple[str, ...], examiner: str | None, as_json: bool) -> None:
    """List the hits: one row for each stream and set entry."""
    from forensics.case.reader import PUBLIC_HIT_FIELDS, SHOWN, CaseReader

    with CaseReader.open(case) as reader:
        found = reader.hits(dispositions or SHOWN)
        columns = ["exhibit", "locator", "allocation", "set", "scheme", "category", "basis", "distance", "tier"]
        rows = []
        for hit in found:
            rows.append({field: getattr(hit, field) for field in PUBLIC_HIT_FIELDS})
            if not as_json and (remark := _remark(hit)) is not None:
                rows[-1]["remark"] = remark
        if any("remark" in row for row in rows):
            columns.append("remark")
            rows = [{"remark": None} | row for row in rows]
        show(rows, columns, as_json, "no hits")
    record_reading(case, examiner, "hits", {"dispositions": list(dispositions or SHOWN), "rows": len(rows)})


@cli.command()
@click.argument("case", type=CASE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--digest", is_flag=True, help="Also compute the logical digest over all findings (reads the whole case)."
)
def status(case: Path, as_json: bool, digest: bool) -> None:
    """Show what was examined, what was not, and what was found."""
    _show_status(case, as_json, digest)


@cli.command()
@click.argument("case", type=CASE)
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the report."
)
@click.option("--language", type=click.Choice(("es", "en")), default="es", show_default=True)
@click.option("--recipient", type=click.Choice(("prosecutor", "court", "laboratory", "defence")), default="prosecutor",
              show_default=True, help="Decides what the report may contain.")  # fmt: skip
@click.option("--pdf", "with_pdf", is_flag=True, help="Write it as PDF/A too, with the tables inside (tamiz[pdf]).")
@EXAMINER
def report(
    case: Path, output: Path, language: str, recipient: str, with_pdf: bool, examiner: str | None
) -> None:  # fmt: skip
    """Write a report: one HTML page, and the hits and what was not examined as CSV."""
    from forensics.case.reader import CaseReader
    from forensics.release.approvals import REPORT, Kind, release
    from forensics.reports.recipient import Recipient
    from forensics.reports.report import write_report

    with reading_for_others(case, examiner) as (store, record):
        reader = CaseReader(store)
        with reader.snapshot():
            approval = release(store, Kind(REPORT, Recipient(recipient), language))
            files = write_report(reader, output, language, Recipient(recipient), with_pdf=with_pdf)
        written = [{"file": file.path.name, "sha256": file.sha256} for file in files]
        record("report", {"language": language, "recipient": recipient, "files": written, **approval})
    for file in files:
        click.echo(f"{file.path}  sha256 {file.sha256}")


@cli.command("locate")
@click.argument("case", type=CASE)
@click.argument("locator")
@click.option("--source", type=FILE, help="Where the evidence is now, if it has moved.")
@ALLOW_WRITABLE
@PASSWORD_FILE
@RECOVERY_KEY_FILE
@EXAMINER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def locate_command(
    case: Path, locator: str, source: Path | None, allow_writable: bool, password_files: tuple[str, ...],
    recovery_key_files: tuple[str, ...], examiner: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what a locator points at and hash it again. Shows no content."""
    from forensics.case.reader import CaseReader
    from forensics.evidence.keys import Keyring
    from forensics.triage.locate import locate

    with CaseReader.open(case) as reader:
        keyring = Keyring.read(password_files, recovery_key_files)
        located = locate(reader, locator, source, keyring, allow_writable=allow_writable)
    record_reading(case, examiner, "locate", {"locator": locator, "agrees": located.agrees})
    if as_json:
        print_json({**dataclasses.asdict(located), "agrees": located.agrees})
    else:
        for row in located.streams:
            for field, value in row.items():
                click.echo(f"{field:12} {'-' if value is None else value}")
        for name in ("md5", "sha1", "sha256"):
            stored, found = (digests[name] if digests else "-" for digests in (located.stored, located.found))
            click.echo(f"{name:12} {stored}  in the case\n{'':12} {found}  in the evidence now")
    if located.problem:
        raise TamizError(f"cannot be read: {located.problem}", locator)
    if not located.agrees:
        raise TamizError("evidence and case differ", locator, "check that it is the same evidence")


@cli.command("log")
@click.argument("case", type=CASE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def log_command(case: Path, as_json: bool) -> None:
    """Show the ledger and whether its chain is whole."""
    from forensics.case.proceedings import changed_rows
    from forensics.case.reader import CaseReader
    from forensics.case.store import CaseStore

    with CaseStore.open(case, read_only=True) as store:
        reader = CaseReader(store)
        rows = [dataclasses.asdict(row) for row in reader.ledger()]
        broken = reader.first_broken_ledger_row()
        changed = changed_rows(store.connection) if broken is None else []
    show(rows, ("sequence", "at", "actor", "action", "details", "hash"), as_json, "the ledger is empty")
    if broken is None:
        click.echo(f"the chain is whole: {len(rows)} rows, each follows from the one before it", err=True)
        click.echo(f"its head: {rows[-1]['hash']}", err=True)
    if broken is not None or changed:
        what = f"rows are not as they were recorded ({', '.join(changed)})"
        what = what if broken is None else f"the ledger is broken at row {broken}"
        raise TamizError(what, str(case), "the case was changed by other means than tamiz")


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Show what this machine can and cannot do."""
    from forensics.triage.diagnosis import diagnose

    rows = [dataclasses.asdict(finding) for finding in diagnose()]
    show(rows, ("subject", "state", "detail"), as_json, "")


# What the commands share


def _remark(hit: Hit) -> str | None:
    """Say what is said against the entry, and which view of a content matched, or which share of a film's frames."""
    from forensics.reports.printable import printable
    from forensics.reports.resemblance import resemblance
    from forensics.reports.translation import translation

    phrases = resemblance(translation("en"), hit)
    remarks = (
        "RETRACTED by its issuer" if hit.retracted else None,
        None if hit.disputed is None else f"DISPUTED: {printable(hit.disputed)}",
        None if phrases is None else phrases.unescape(),
    )
    return " · ".join(filter(None, remarks)) or None


def _warn_of_crowded_entries(case: Path) -> None:
    from forensics.case.reader import CaseReader
    from forensics.case.status import crowded_line

    with CaseReader.open(case) as reader:
        for entry in reader.crowded_entries():
            say(f"warning: {crowded_line(entry.set, entry.position, entry.contents)}")


def _chosen_sets(names: Sequence[str]) -> tuple[Path, tuple[KnownSet, ...]]:
    with open_library() as library:
        sets = tuple(library.get(name) for name in dict.fromkeys(names)) if names else tuple(library.sets())
    if not sets:
        say("warning: the library holds no set, nothing can be matched; see 'tamiz set import'")
    return library_folder(), sets


def _show_status(case: Path, as_json: bool, digest: bool = False) -> None:
    from forensics.case.reader import CaseReader
    from forensics.case.status import status as case_status
    from forensics.case.status import status_lines

    with CaseReader.open(case) as reader:
        with reader.snapshot():
            document = case_status(reader)
        if digest:
            document["logical_digest"] = reader.logical_digest()
    if as_json:
        print_json(document)
    else:
        click.echo("\n".join(status_lines(document)))


def _add_plugin_commands() -> None:
    """Add what plug-ins bring. A broken plug-in must not keep 'doctor' and '--help' from saying so."""
    try:
        for command in loader.commands():
            cli.add_command(command)
    except PluginError as error:
        click.echo(f"tamiz: {error}", err=True)


cli.add_command(set_group)
cli.add_command(export_command)
cli.add_command(tip_command)
_add_plugin_commands()


def main() -> None:
    """Console entry point."""
    # before numpy is loaded: starting threads for linear algebra, of which this process has none, costs 0.06 s
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cli()
