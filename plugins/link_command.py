"""``tamiz link``: what cases have in common."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plugins.case_commands import AS_JSON
from plugins.command import CASE, TamizCommand, print_json, show

if TYPE_CHECKING:
    from forensics.case.store import CaseStore


@click.command("link", cls=TamizCommand)
@click.argument("cases", type=CASE, nargs=-1, required=True, metavar="CASE CASE...")
@click.option("--all", "everything", is_flag=True,
              help="Compare all contents, not only pictures, films and what was hit.")  # fmt: skip
@AS_JSON
def link_command(cases: tuple[Path, ...], everything: bool, as_json: bool) -> None:
    """Show contents that cases share, and pictures of one that look like pictures of another.

    The cases are only read; nothing is recorded in them. What a benign set of a case knows is left out.
    """
    from forensics.case.linkage import find_links
    from forensics.case.store import CaseStore

    if len(cases) < 2:
        raise click.UsageError("name at least two cases")
    with ExitStack() as opened:
        stores = [opened.enter_context(CaseStore.open(case, read_only=True)) for case in cases]
        described = [_describe(store) for store in stores]
        links = [dataclasses.asdict(link) for link in find_links(stores, everything=everything)]
    if as_json:
        print_json({"cases": described, "links": links})
        return
    rows = [
        {
            "link": number,
            "kind": link["kind"],
            "distance": link["distance"],
            "case": described[content["case"]]["number"],
            "exhibit": stream["exhibit"],
            "locator": stream["locator"],
            "modified": stream["modified"],
            "media_type": content["media_type"],
            "notable": "notable" if content["notable"] else None,
            "streams": content["stream_count"],
        }
        for number, link in enumerate(links, start=1)
        for content in link["contents"]
        for stream in content["streams"]
    ]
    columns = (
        "link", "kind", "distance", "case", "exhibit", "locator", "modified", "media_type", "notable", "streams",
    )  # fmt: skip
    show(rows, columns, False, "the cases have nothing in common that was compared")


def _describe(store: CaseStore) -> dict[str, str]:
    number, uuid = store.connection.execute("SELECT number, uuid FROM case_info").fetchone()
    return {"file": store.path.name, "number": number, "uuid": uuid}
