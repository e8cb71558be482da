"""The command ``tamiz demo``: builds the sample evidence, runs the main job on it, and tells whether all was found."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.errors import TamizError
from plugins.command import TamizCommand
from plugins.sample_evidence import folder as demo_folder

if TYPE_CHECKING:
    from plugins.sample_evidence.comparison import Comparison, Sighting
    from plugins.sample_evidence.disk import SampleEvidence

_EXHIBITS = ("E1", "E2")
_CASE_NUMBER = "DEMO-2024-001"
_EXAMINER = "Demo Examiner"
_DONE = 0
_DONE_WITH_GAPS = 3
_STANDARD_ERROR = 2

# The tamiz program of this very installation, whether or not its scripts are in the PATH. Not "-m cli": a worker that
# is spawned would import that module once more.
_TAMIZ = (sys.executable, "-c", "import sys, cli; sys.argv[0] = 'tamiz'; cli.main()")


@dataclass(frozen=True, slots=True)
class MainJob:
    """What the main job gave.

    Attributes:
        hits: Objects of ``tamiz hits --json``.
        status: Object of ``tamiz status --json``.
        report: Folder of the report.
    """

    hits: Sequence[Mapping[str, Any]]
    status: Mapping[str, Any]
    report: Path


@click.command("demo", cls=TamizCommand)
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("tamiz-demo"))
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
@click.pass_context
def demo(context: click.Context, folder: Path, *, as_json: bool) -> None:
    """Build harmless sample evidence and lists, and run the main job on them.

    DIR is made if it is not there (default: ./tamiz-demo). It must be empty or hold an earlier demo, which is
    replaced. Exit code 1 if anything planted was missed, or anything innocent was hit.
    """
    demo_folder.prepare(folder)
    click.echo(f"Building the sample evidence in {_short(folder)} ...", err=as_json)
    # every command would pay for importing it
    from plugins.sample_evidence.comparison import compare
    from plugins.sample_evidence.disk import build

    evidence = build(folder)
    job = run_main_job(evidence, folder, quiet=as_json)
    comparison = compare(evidence.truth, _EXHIBITS, job.hits)
    if as_json:
        click.echo(json.dumps(_document(folder, job, comparison), indent=1, ensure_ascii=False))
    else:
        _show(folder, evidence, job, comparison)
    if not comparison.as_planted:
        context.exit(1)


def run_main_job(evidence: SampleEvidence, folder: Path, *, quiet: bool = False) -> MainJob:
    """Import the lists, make a case, scan both images, write the report: by the very commands a newcomer would type.

    Args:
        evidence: The sample evidence.
        folder: Its folder; the commands run there, with a library of known-hash sets of its own.
        quiet: Show the commands and what they print on standard error instead of standard output.

    Raises:
        TamizError: A command failed.
    """
    case = demo_folder.CASE
    exhibits = [part for exhibit in _EXHIBITS for part in ("--exhibit", exhibit)]
    for line in (f"cd {shlex.quote(_short(folder))}", f'export TAMIZ_LIBRARY="$PWD/{demo_folder.LIBRARY}"'):
        click.echo(f"$ {line}", err=quiet)

    commands: list[list[str]] = [
        ["set", "import", evidence.notable.name, "--name", "sample-notable", "--disposition", "notable"],
        ["set", "import", evidence.benign.name, "--name", "sample-benign", "--disposition", "benign"],
        ["case", "new", case, "--number", _CASE_NUMBER, "--examiner", _EXAMINER, *exhibits],
        ["scan", case, evidence.raw.name, "--exhibit", _EXHIBITS[0]],
        ["scan", case, evidence.ewf.name, "--exhibit", _EXHIBITS[1]],
        ["report", case, "--output", demo_folder.REPORT],
    ]
    for arguments in commands:
        _run(folder, arguments, quiet=quiet)
    from plugins.sample_evidence.comparison import parse_hits

    hits = parse_hits(_read(folder, ["hits", case, "--json"], quiet=quiet))
    status = _read(folder, ["status", case, "--json"], quiet=quiet)
    return MainJob(hits, parse_status(status), folder / demo_folder.REPORT)


def parse_status(text: str) -> Mapping[str, Any]:
    """Read the output of ``tamiz status --json``.

    Raises:
        TamizError: It does not hold the counts of streams.
    """
    try:
        status: Mapping[str, Any] = json.loads(text)
        lacking = {"seen", "hashed", "skipped", "failed"} - status["streams"].keys()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TamizError("wrote no status", "tamiz status --json", "report this as a defect") from error
    if lacking:
        raise TamizError(
            f"wrote no count of {', '.join(sorted(lacking))}", "tamiz status --json", "report this as a defect"
        )
    return status


def _run(folder: Path, arguments: Sequence[str], *, quiet: bool) -> None:
    """Run one command and let it print; its standard output goes to standard error if ``quiet``."""
    _start(folder, arguments, _STANDARD_ERROR if quiet else None, quiet=quiet)


def _read(folder: Path, arguments: Sequence[str], *, quiet: bool) -> str:
    """Run one command and take what it writes to standard output."""
    return _start(folder, arguments, subprocess.PIPE, quiet=quiet)


def _start(folder: Path, arguments: Sequence[str], output: int | None, *, quiet: bool) -> str:
    click.echo(f"$ {shlex.join(['tamiz', *arguments])}", err=quiet)
    finished = subprocess.run(
        [*_TAMIZ, *arguments],
        cwd=folder,
        env={**os.environ, "TAMIZ_LIBRARY": str((folder / demo_folder.LIBRARY).absolute()), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=output,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode not in {_DONE, _DONE_WITH_GAPS}:
        raise TamizError(
            f"failed with exit code {finished.returncode}", f"tamiz {arguments[0]}", "see its message above"
        )
    return finished.stdout or ""


def _show(folder: Path, evidence: SampleEvidence, job: MainJob, comparison: Comparison) -> None:
    truth = evidence.truth
    streams = sum(volume.files + volume.deleted + volume.alternate_streams for volume in truth.volumes.values())
    click.echo(f"\n{'How it was planted':<20}{'planted':>9}{'found':>9}{'missed':>9}")
    for line in comparison.classes:
        click.echo(f"{line.planted_class:<20}{line.planted:>9}{line.found:>9}{line.missed:>9}")
    planted = sum(line.planted for line in comparison.classes)
    click.echo(f"{'total':<20}{planted:>9}{planted - len(comparison.missed):>9}{len(comparison.missed):>9}")
    innocents = streams - len(truth.planted)
    click.echo(f"\nFalse hits on the {innocents} innocent streams of each image: {len(comparison.false_hits)}")
    for sighting in comparison.missed:
        click.echo(f"Missed: {_place(sighting)}")
    for difference in comparison.differences:
        place = _place(difference.sighting)
        click.echo(f"Differs: {place}: {difference.field} {difference.reported}, not {difference.expected}")
    for locator in comparison.false_hits:
        click.echo(f"False hit: {locator}")
    counts = job.status["streams"]
    skipped, failed = counts["skipped"], counts["failed"]
    click.echo(f"Hashed: {counts['hashed']} of {counts['seen']} streams; {skipped} skipped, {failed} failed")
    click.echo(f"Report: {_short(job.report)}")
    click.echo(f"Case: {_short(folder / demo_folder.CASE)}")


def _document(folder: Path, job: MainJob, comparison: Comparison) -> dict[str, Any]:
    """The result as ``--json`` prints it."""
    return {
        "as_planted": comparison.as_planted,
        "classes": [
            {"class": line.planted_class, "planted": line.planted, "found": line.found, "missed": line.missed}
            for line in comparison.classes
        ],
        "missed": [_named(sighting) for sighting in comparison.missed],
        "differences": [
            _named(difference.sighting)
            | {"field": difference.field, "expected": difference.expected, "reported": difference.reported}
            for difference in comparison.differences
        ],
        "false_hits": list(comparison.false_hits),
        "status": job.status,
        "folder": str(folder),
        "case": str(folder / demo_folder.CASE),
        "report": str(job.report),
    }


def _named(sighting: Sighting) -> dict[str, str]:
    planted = sighting.planted
    return {
        "exhibit": sighting.exhibit,
        "class": planted.planted_class,
        "volume": planted.volume,
        "path": planted.path,
    }


def _place(sighting: Sighting) -> str:
    return f"{sighting.exhibit}/{sighting.planted.volume} {sighting.planted.path} ({sighting.planted.planted_class})"


def _short(path: Path) -> str:
    """The path relative to the working folder where that is shorter."""
    absolute = str(path.absolute())
    try:
        return min(os.path.relpath(absolute), absolute, key=len)
    except OSError:
        return absolute
