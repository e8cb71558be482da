"""Commands with which facts of a case leave the laboratory, or are held against what comes in: ``export``, ``tip``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plugins import loader
from plugins.command import CASE, EXAMINER, TamizCommand, print_json, reading_for_others, record_reading, show

if TYPE_CHECKING:
    from forensics.reports.tip import Answer

RECIPIENTS = ("prosecutor", "court", "laboratory", "defence")
SCOPES = ("hits", "media", "all")
PACKAGE = "package"
"""Beside the registered formats: a folder with the report, exports and the seal."""


@click.command("export", cls=TamizCommand)
@click.argument("case", type=CASE)
@click.argument("format_name", metavar="FORMAT")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), help="File to write; of a package the folder."
)
@click.option("--recipient", type=click.Choice(RECIPIENTS), default="prosecutor", show_default=True,
              help="Decides what the export may contain.")  # fmt: skip
@click.option("--include", "scope", type=click.Choice(SCOPES), default="hits", show_default=True,
              help="Which contents: those hit; all pictures and films; everything (laboratory only).")  # fmt: skip
@click.option("--sealed", type=CASE, help="Of a package: the case as 'tamiz seal' left it.")
@click.option("--key", "key_file", type=CASE, help="Of a package: key to sign it with (see 'tamiz key new').")
@click.option("--passphrase-file", type=CASE, help="A file with the passphrase of the key.")
@click.option("--pdf", "with_pdf", is_flag=True, help="Of a package: with the report as PDF too.")
@EXAMINER
def export_command(
    case: Path, format_name: str, output: Path, recipient: str, scope: str, sealed: Path | None, key_file: Path | None,
    passphrase_file: Path | None, with_pdf: bool, examiner: str | None,
) -> None:  # fmt: skip
    """Export a case in one of the registered formats (see 'tamiz doctor').

    FORMAT may also be "package": report, exports and seal in a folder whose every file can be checked.
    """
    if format_name == PACKAGE:
        if scope != "hits":
            raise click.UsageError("--include does not apply to a package")
        _export_package(case, output, recipient, sealed, (key_file, passphrase_file), with_pdf, examiner)
        return
    if sealed or key_file or with_pdf:
        raise click.UsageError(f"--sealed, --key and --pdf are for the format '{PACKAGE}'")
    from forensics.case.content_walk import Scope
    from forensics.case.reader import CaseReader
    from forensics.release.approvals import EXPORT, Kind, release
    from forensics.reports.exporter import write_export
    from forensics.reports.recipient import Recipient

    exporters = {exporter.name: exporter for exporter in loader.exporters()}
    if format_name not in exporters:
        raise click.UsageError(f"no export format '{format_name}'; there are: {', '.join(sorted(exporters))}")
    with reading_for_others(case, examiner) as (store, record):
        approval = release(store, Kind(EXPORT, Recipient(recipient), format_name))
        file = write_export(exporters[format_name], CaseReader(store), output, Recipient(recipient), Scope(scope))
        details = {"format": format_name, "recipient": recipient, "include": scope}
        record("export", details | {"file": file.path.name, "sha256": file.sha256, **approval})
    click.echo(f"{file.path}  sha256 {file.sha256}")


def _export_package(
    case: Path, output: Path, recipient: str, sealed: Path | None, key: tuple[Path | None, Path | None],
    with_pdf: bool, examiner: str | None,
) -> None:  # fmt: skip
    from forensics.case.reader import CaseReader
    from forensics.release.approvals import EXPORT, Kind, release
    from forensics.release.package import write_package
    from forensics.reports.recipient import Recipient
    from forensics.seal.keys import read_passphrase, read_signing_key

    key_file, passphrase_file = key
    passphrase = read_passphrase(passphrase_file) if passphrase_file else None
    signer = read_signing_key(key_file, passphrase) if key_file else None
    with reading_for_others(case, examiner) as (store, record):
        approval = release(store, Kind(EXPORT, Recipient(recipient), PACKAGE))
        reader = CaseReader(store)
        with reader.snapshot():
            package = write_package(
                reader, output, Recipient(recipient), loader.exporters(), sealed=sealed, key=signer, with_pdf=with_pdf
            )
        details = {"format": PACKAGE, "recipient": recipient, "files": package.files}
        record("export", details | {"file": output.name, "sha256": package.sha256, **approval})
    click.echo(f"{output}: {package.files} files  sha256 of its tag manifest {package.sha256}")
    if signer is None:
        click.echo("NOT SIGNED: whoever can write these files could make them anew; sign with --key", err=True)


@click.command("tip", cls=TamizCommand)
@click.argument("case", type=CASE)
@click.argument("file", type=CASE)
@EXAMINER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tip_command(case: Path, file: Path, examiner: str | None, as_json: bool) -> None:
    """Show which streams hold the files whose digests a tip names. FILE is text, CSV, XML or JSON with digests."""
    from forensics.case.reader import CaseReader
    from forensics.reports.tip import look_up, read_tip

    tip = read_tip(file)
    with CaseReader.open(case) as reader, reader.snapshot():
        answer = look_up(reader, tip)
    counts = {"files": len(tip.files), "found": answer.found}
    record_reading(case, examiner, "tip", {"file": file.name, "sha256": tip.sha256, **counts})
    if as_json:
        print_json(dataclasses.asdict(answer))
        return
    columns = ("line", "exhibit", "locator", "allocation", "agreeing", "disagreeing", "hits")
    show(_rows(answer), columns, as_json=False, nothing="the tip names no file")
    click.echo("\n".join(_in_words(answer)), err=True)


def _rows(answer: Answer) -> Iterator[dict[str, object]]:
    for finding in answer.findings:
        agreeing, disagreeing = " ".join(finding.agreeing), " ".join(finding.disagreeing)
        for stream in finding.streams or [dict.fromkeys(("exhibit", "locator", "allocation", "hits"))]:
            yield {"line": finding.place, **stream, "agreeing": agreeing or "-", "disagreeing": disagreeing or "-"}


def _in_words(answer: Answer) -> Iterator[str]:
    streams, coverage = answer.coverage["streams"], answer.coverage
    yield f"{answer.found:,} of {len(answer.findings):,} files are on the media"
    if answer.not_among_hashed:
        yield (
            f"{answer.not_among_hashed:,} are not among the {streams['hashed']:,} streams that were hashed "
            f"(of {streams['seen']:,} seen; {coverage['not_examined']:,} things were not examined)"
        )
    if not coverage["complete"]:
        yield "the case is NOT complete: " + "; ".join(coverage["incomplete"])
