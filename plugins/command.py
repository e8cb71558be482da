"""What all commands share, those of plug-ins included: common options, errors in one line, tables or JSON."""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from forensics.errors import TamizError

if TYPE_CHECKING:
    from forensics.case.ledger import Actor
    from forensics.case.store import CaseStore
    from hashsets.library import Library

RecordReading = Callable[[str, dict[str, Any]], None]
"""Records in a ledger what was done, and its details."""

FAILED, NOT_ALL_EXAMINED = 1, 3
"""Exit codes beside 0 (done) and 2 (wrong usage, Click's own)."""

EXAMINER_VARIABLE = "TAMIZ_EXAMINER"
"""Names the examiner where no ``--examiner`` does."""

EXAMINER = click.option(
    "--examiner", envvar=EXAMINER_VARIABLE, help="Name of the examiner, if not the one who made the case."
)
"""Names who runs a command on a case."""

CASE = click.Path(path_type=Path, dir_okay=False)
"""Type of a parameter that is a case file."""

DISPOSITIONS = ("notable", "benign", "reference")
"""What a known-hash set can be for."""


PROGRESS_STYLES = ("auto", "live", "plain", "json", "none")
"""How progress can be told."""


def progress_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options ``--progress`` and ``--quiet``; the command takes ``progress``, one of :data:`PROGRESS_STYLES`."""
    progress = click.option(
        "--progress", type=click.Choice(PROGRESS_STYLES), default="auto", show_default=True, callback=_progress_style,
        help="How progress is told, on standard error; 'json' writes an object a line.",
    )  # fmt: skip
    quiet = click.option(
        "--quiet", is_flag=True, is_eager=True, expose_value=False, callback=_keep_quiet, help="As --progress none."
    )
    return progress(quiet(function))


def _keep_quiet(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta["quiet"] = value


def _progress_style(context: click.Context, _: click.Parameter, value: str) -> str:
    style = "none" if context.meta.get("quiet") else value
    context.find_root().ensure_object(dict)["progress"] = style
    return style


def say(text: str) -> None:
    """Tell the user something, on standard error: a line, or with ``--progress json`` an object like all others."""
    from forensics.triage.progress import Style, tell

    style = click.get_current_context().find_root().ensure_object(dict).get("progress")
    tell(text, Style(style or Style.PLAIN))


class TamizCommand(click.Command):
    """A command that also takes the options every command has, and answers errors with one line."""

    def __init__(self, *args: Any, **attributes: Any) -> None:  # noqa: ANN401 - as in click
        super().__init__(*args, **attributes)
        self.params.append(
            click.Option(
                ["--library"],
                type=click.Path(path_type=Path, file_okay=False),
                expose_value=False,
                callback=keep_option,
                help="Folder of the known-hash sets.",
            )
        )
        self.params.append(
            click.Option(["--debug"], is_flag=True, expose_value=False, callback=keep_option, help="Show tracebacks.")
        )


class TamizGroup(click.Group):
    """A group of such commands."""

    command_class = TamizCommand
    group_class = type

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as in click
        """Run a command; answer what goes wrong with one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except TamizError as error:
            _fail(str(error))
        except KeyboardInterrupt:
            _fail("interrupted; what was found so far is kept: run the same command again to go on")
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours: still one line
            # its text may hold a name from the evidence
            _fail(f"unexpected error: {type(error).__name__}. Run again with --debug and report it")


def keep_option(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Remember an option that every command has, wherever it stands."""
    settings = context.find_root().ensure_object(dict)
    if value is not None and (value or parameter.name not in settings):
        settings[parameter.name] = value


def _fail(line: str) -> NoReturn:
    context = click.get_current_context()
    if context.find_root().ensure_object(dict).get("debug"):
        traceback.print_exc()
    say(line)
    context.exit(FAILED)


@contextmanager
def open_library() -> Iterator[Library]:
    """Open the library of known-hash sets that the user chose."""
    from hashsets.library import Library

    with Library(library_folder()) as library:
        yield library


def library_folder() -> Path:
    """The library the user chose: ``--library``, else ``$TAMIZ_LIBRARY``, else the user's data folder."""
    from hashsets.library import default_folder

    chosen: Path | None = click.get_current_context().find_root().ensure_object(dict).get("library")
    return chosen or default_folder()


def actor_named(name: str) -> Actor:
    """Who runs the command: a person's name, and the system account."""
    from forensics.case.ledger import Actor
    from forensics.triage.environment import system_user

    return Actor(name.encode("utf-8", "backslashreplace").decode(), system_user())


@contextmanager
def writing_to_case(case: Path, examiner: str | None) -> Iterator[tuple[CaseStore, Actor]]:
    """Open a case for writing as its examiner, or as the one named; end in order when asked to terminate."""
    from forensics.case.reader import CaseReader
    from forensics.case.store import CaseStore

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    with CaseStore.open(case) as store:
        yield store, actor_named(examiner or CaseReader(store).examiners()[0])


@contextmanager
def reading_for_others(case: Path, examiner: str | None) -> Iterator[tuple[CaseStore, RecordReading]]:
    """Open a case whose findings are to leave the laboratory; what left is recorded in its ledger.

    Nothing can be recorded in a sealed case: it is read, and the user is told.
    """
    from forensics.case.store import CaseStore, is_sealed

    if is_sealed(case):
        with CaseStore.open(case, read_only=True) as store:
            yield store, lambda action, _: say(f"{case} is sealed: this {action} is not recorded in its ledger")
        return
    with writing_to_case(case, examiner) as (store, actor):
        yield store, partial(store.record, actor)


def record_reading(case: Path, examiner: str | None, action: str, details: dict[str, Any]) -> None:
    """Leave a row in the ledger of a case for what somebody has read of it.

    What cannot be written (a sealed case, a read-only medium) can still be read; the user is told.
    """
    from forensics.case.ledger import recently_read
    from forensics.case.reader import CaseReader
    from forensics.case.store import CaseStore

    with CaseStore.open(case, read_only=True) as store:
        actor = actor_named(examiner or CaseReader(store).examiners()[0])
        if recently_read(store.connection, actor, action, details):
            return  # opening a case for writing may have to wait for a scan
    if store.sealed or not (os.access(case, os.W_OK) and os.access(case.parent, os.W_OK)):
        say(f"{case} cannot be written: that it was read is not recorded in its ledger")
        return
    with writing_to_case(case, examiner) as (store, actor):
        store.record_reading(actor, action, details)


def print_json(document: object) -> None:
    """Print one JSON document on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def show(rows: Iterable[dict[str, Any]], columns: Sequence[str], as_json: bool, nothing: str) -> None:
    """Print rows as one JSON document, or as a table of some columns."""
    if as_json:
        print_json(list(rows))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*("-" if row[column] is None else str(row[column]) for column in columns))
    if table.row_count == 0:
        click.echo(nothing, err=True)
        return
    # a row is a line, however long: a locator cut in two cannot be copied, and a program expects one
    Console(width=100_000, highlight=False, markup=False).print(table)
