"""``tamiz browse``: a case in the browser, read-only and on this machine only."""

from __future__ import annotations

from pathlib import Path

import click

from plugins.command import CASE, EXAMINER, TamizCommand, record_reading


@click.command("browse", cls=TamizCommand)
@click.argument("case", type=CASE)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; any that is free if left out.")
@click.option("--open", "open_browser", is_flag=True, help="Open the browser too.")
@EXAMINER
def browse_command(case: Path, port: int, open_browser: bool, examiner: str | None) -> None:
    """Look at a case in the browser: tables, facets and ready questions. Read-only, on this machine only.

    It shows names and digests, for the laboratory; there is no content to be shown. Needs tamiz[browse].
    """
    from forensics.case.reader import CaseReader
    from forensics.reports.browse import application, listen, login, serve

    CaseReader.open(case).close()  # else a file that is no case would be shown
    datasette = application(case)
    with listen(port) as listening:
        record_reading(case, examiner, "browse", {})
        address = login(datasette, listening.getsockname()[1])
        click.echo(address)
        click.echo("Whoever has this address can read the case while this command runs. Ctrl-C ends it.", err=True)
        if open_browser:
            click.launch(address)
        serve(datasette, listening)
