"""A case in the browser: Datasette (Apache-2.0, the extra ``tamiz[browse]``) over the case file, for the laboratory.

Read-only, on this machine's own address only, and for whoever holds the token that is printed: other accounts of the
machine have none. A case holds no content, so none can be shown; it does hold names and digests.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from forensics.case.store import is_sealed
from forensics.errors import ReportError

HOST = "127.0.0.1"

DATABASE = "case"
"""The case's name in addresses."""

_HITS = """
SELECT exhibits.label AS exhibit, streams.locator, streams.path, streams.allocation, contents.media_type,
       sets_used.name AS set_name, sets_used.disposition, sets_used.scheme, entries_hit.category, hits.basis,
       hits.distance, hits.tier, hits.probe, contents.sha256
FROM hits JOIN sets_used ON sets_used.uuid = hits.set_uuid
     JOIN entries_hit ON entries_hit.set_uuid = hits.set_uuid AND entries_hit.position = hits.position
     JOIN contents ON contents.sha256 = hits.content JOIN streams ON streams.content = hits.content
     JOIN sources ON sources.id = streams.source_id JOIN exhibits ON exhibits.id = sources.exhibit_id
"""

QUERIES = {
    "hits": ("Hits in notable sets", f"{_HITS} WHERE sets_used.disposition = 'notable' ORDER BY hits.tier, locator"),
    "hits_of_tier": (
        "Hits in notable sets, of one tier (exact, near, similar)",
        f"{_HITS} WHERE sets_used.disposition = 'notable' AND hits.tier = :tier ORDER BY locator",
    ),
    "copies": (
        "Contents with hits in notable sets, by the number of streams that hold them",
        """SELECT contents.sha256, contents.media_type, contents.size, count(*) AS streams
           FROM contents JOIN streams ON streams.content = contents.sha256
           WHERE contents.sha256 IN (SELECT hits.content FROM hits JOIN sets_used ON sets_used.uuid = hits.set_uuid
                                     WHERE sets_used.disposition = 'notable')
           GROUP BY contents.sha256 ORDER BY streams DESC, contents.sha256""",
    ),
    "account": (
        "Every stream by its outcome: what was hashed, skipped and failed, and why",
        """SELECT state, reason, count(*) AS streams, sum(size) AS bytes FROM streams
           GROUP BY state, reason ORDER BY streams DESC""",
    ),
    "not_examined": (
        "What was not examined and is no stream",
        "SELECT locator, reason, detail, size FROM not_examined ORDER BY locator",
    ),
    "failed": (
        "Streams that could not be hashed",
        "SELECT locator, path, size, reason, detail FROM streams WHERE state = 'failed' ORDER BY locator",
    ),
    "kinds": (
        "Contents by media type",
        """SELECT media_type, perceptual, perceptual_reason, count(*) AS contents, sum(size) AS bytes FROM contents
           GROUP BY media_type, perceptual, perceptual_reason ORDER BY contents DESC""",
    ),
    "ledger": ("Who did what, the last first", "SELECT * FROM ledger ORDER BY sequence DESC"),
}
"""Questions that are ready to be asked: title and query, by their names in addresses."""

_FACETS = {
    "streams": ["state", "allocation", "reason"],
    "contents": ["media_type", "perceptual"],
    "hits": ["tier", "basis"],
}

_SETTINGS = {
    "allow_download": False,
    "allow_facet": True,
    "sql_time_limit_ms": 10_000,
    "facet_time_limit_ms": 2_000,
    "default_page_size": 100,
    "max_returned_rows": 5_000,
    "num_sql_threads": 2,
}


def application(case: Path) -> Any:  # noqa: ANN401 - of a library that may be missing
    """Make the application.

    Args:
        case: The case file, sealed or live.

    Returns:
        A ``datasette.app.Datasette``; :func:`login` tells how to enter.

    Raises:
        ReportError: Datasette is missing.
    """
    try:
        from datasette.app import Datasette  # first: what follows registers itself with it
        from datasette.database import Database
        from datasette import handle_exception  # isort: skip
    except ImportError as error:
        raise ReportError("browsing a case needs Datasette", None, "pip install tamiz[browse]") from error
    handle_exception.rich = None  # with it, a mistyped query prints every variable, names from the evidence among them
    queries = {name: {"title": title, "sql": query} for name, (title, query) in QUERIES.items()}
    tables = {name: {"facets": facets} for name, facets in _FACETS.items()}
    metadata = {
        "title": "tamiz",
        "description": "Facts of a case: names and digests, for the laboratory only. There is no content to be shown.",
        "allow": {"id": "root"},
        "databases": {DATABASE: {"queries": queries, "tables": tables}},
    }
    datasette = Datasette(metadata=metadata, settings=_SETTINGS)
    datasette.add_database(Database(datasette, path=str(case), is_mutable=not is_sealed(case)), name=DATABASE)
    return datasette


def login(datasette: Any, port: int) -> str:  # noqa: ANN401
    """The address that lets its holder in."""
    return f"http://{HOST}:{port}/-/auth-token?token={datasette._root_token}"  # noqa: SLF001 - as its own command does


def listen(port: int) -> socket.socket:
    """Take a port of this machine's own address.

    Args:
        port: Its number; 0 for any that is free.

    Raises:
        ReportError: It is taken.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise ReportError(f"port {port} cannot be used ({error.strerror})", None, "choose another --port") from error


def serve(datasette: Any, listening: socket.socket) -> None:  # noqa: ANN401
    """Serve until interrupted."""
    import uvicorn

    config = uvicorn.Config(datasette.app(), log_level="warning", lifespan="on", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])
