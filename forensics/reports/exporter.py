"""The contract of an exporter: reads a case, writes one file. And the one way in which exporters are called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from forensics.case.content_walk import Scope
from forensics.errors import ReportError
from forensics.reports.recipient import disclosure
from forensics.reports.written_file import WrittenFile

if TYPE_CHECKING:
    from forensics.case.reader import CaseReader
    from forensics.reports.recipient import Recipient


class Exporter(ABC):
    """A format in which a case can leave the laboratory. Stateless.

    Attributes:
        name: As for ``tamiz export CASE NAME``.
        scopes: What it can be asked to hold (``--include``); what was hit, unless it says otherwise.
    """

    name: ClassVar[str]
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.HITS,)

    @abstractmethod
    def export(self, case: CaseReader, output: Path, recipient: Recipient, scope: Scope = Scope.HITS) -> None:
        """Write the export to a new file.

        Args:
            case: The case, opened read-only.
            output: The file to write.
            recipient: For whom; decides what may be in it.
            scope: Which contents; one of :attr:`scopes`.

        Raises:
            ReportError: The file exists or cannot be written, or the recipient does not get this export.
        """


def write_export(
    exporter: Exporter, case: CaseReader, output: Path, recipient: Recipient, scope: Scope = Scope.HITS
) -> WrittenFile:
    """Write an export of one state of the case, though a scan may be writing to it meanwhile.

    Args:
        exporter: The format.
        case: The case.
        output: The file to write; must not exist.
        recipient: For whom.
        scope: Which contents.

    Returns:
        The file, with its digest.

    Raises:
        ReportError: The format or the recipient does not allow the scope, or see :meth:`Exporter.export`.
    """
    if scope not in exporter.scopes:
        known = ", ".join(exporter.scopes)
        raise ReportError(f"the format '{exporter.name}' cannot include '{scope}'", None, f"it can: {known}")
    if scope is not Scope.HITS and not disclosure(recipient).unmatched:
        raise ReportError(
            f"the recipient '{recipient}' gets nothing of contents that were not hit", None, "leave out --include"
        )
    with case.snapshot():
        exporter.export(case, output, recipient, scope)
    return WrittenFile.at(output)
