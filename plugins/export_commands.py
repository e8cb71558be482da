"""Commands with which facts of a case leave the laboratory, or are held against what comes in: ``export``, ``tip``."""

from __future__ import annotations

from pathlib import Path

import click

from plugins import loader
from plugins.command import CASE, EXAMINER, TamizCommand, reading_for_others

RECIPIENTS = ("prosecutor", "court", "laboratory", "defence")
SCOPES = ("hits", "media", "all")


@click.command("export", cls=TamizCommand)
@click.argument("case", type=CASE)
@click.argument("format_name", metavar="FORMAT")
@click.option("--output", required=True, type=CASE, help="File to write.")
@click.option("--recipient", type=click.Choice(RECIPIENTS), default="prosecutor", show_default=True,
              help="Decides what the export may contain.")  # fmt: skip
@click.option("--include", "scope", type=click.Choice(SCOPES), default="hits", show_default=True,
              help="Which contents: those hit; all pictures and films; everything (laboratory only).")  # fmt: skip
@EXAMINER
def export_command(
    case: Path, format_name: str, output: Path, recipient: str, scope: str, examiner: str | None
) -> None:
    """Export a case in one of the registered formats (see 'tamiz doctor')."""
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
