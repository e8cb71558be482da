"""A folder of one's own examined like evidence, into a case that lasts no longer than it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from forensics.case.ledger import Actor
from forensics.case.store import CaseStore
from forensics.errors import LibraryError
from forensics.triage.progress import ProgressDisplay
from forensics.triage.scan import ScanRequest, scan


@contextmanager
def folder_case(
    folder: Path, actor: Actor, library: Path, jobs: int | None, display: ProgressDisplay
) -> Iterator[CaseStore]:
    """Examine a folder as a scan does and give the case, which is removed at the end.

    It lies in the library meanwhile, which only its owner can enter: it holds the names and hashes of everything.

    Args:
        folder: The folder.
        actor: Who.
        library: Folder of the library.
        jobs: Number of workers; ``None`` for one a core.
        display: Shows how far it is.

    Raises:
        TamizError: The folder cannot be examined.
    """
    try:
        temporary = TemporaryDirectory(prefix="building-", dir=library)
    except OSError as error:
        raise LibraryError(f"cannot be used ({error.strerror})", str(library), "check the library folder") from error
    with temporary, CaseStore.create(Path(temporary.name) / "folder.case", "folder", actor, None, []) as store:
        request = ScanRequest((folder,), None, (), library, jobs, with_digest=False, allow_writable=True)
        result = scan(store, actor, request, display)
        if result.errors:
            raise result.errors[0]
        yield store
