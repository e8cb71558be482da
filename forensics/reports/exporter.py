"""The contract of an exporter: reads a case, writes one file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from forensics.case.reader import CaseReader
    from forensics.reports.recipient import Recipient


class Exporter(ABC):
    """A format in which a case can leave the laboratory. Stateless.

    Attributes:
        name: As for ``tamiz export CASE NAME``.
    """

    name: ClassVar[str]

    @abstractmethod
    def export(self, case: CaseReader, output: Path, recipient: Recipient) -> None:
        """Write the export to a new file.

        Args:
            case: The case, opened read-only.
            output: The file to write.
            recipient: For whom; decides what may be in it.

        Raises:
            ReportError: The file exists or cannot be written.
        """
