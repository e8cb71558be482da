"""The report as a folder of files: the page to read, and the tables behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from forensics.case.reader import CaseReader
from forensics.errors import ReportError
from forensics.new_file import refuse_existing
from forensics.reports import csv, html, pdf
from forensics.reports.recipient import Recipient, disclosure
from forensics.reports.written_file import WrittenFile


def write_report(
    case: CaseReader,
    output_folder: Path,
    language: str,
    recipient: Recipient = Recipient.PROSECUTOR,
    *,
    with_pdf: bool = False,
) -> tuple[WrittenFile, ...]:
    """Write a report: all of its files, or none.

    ``report.html``, for recipients who get rows ``hits.csv`` and ``not-examined.csv``, and if asked for ``report.pdf``
    with these tables inside.

    Args:
        case: The case, opened read-only.
        output_folder: Where; made if missing. Nothing in it is written over.
        language: ``es`` or ``en``.
        recipient: For whom; decides what may be in it.
        with_pdf: Write the PDF too.

    Returns:
        The files written, with their digests.

    Raises:
        ReportError: A file exists or cannot be written, the language is unknown, or the case's key is missing.
    """
    writers: dict[str, Callable[[Path], None]] = {
        "report.html": lambda path: html.write_html(case, path, language, recipient)
    }
    if disclosure(recipient).rows:
        writers[html.HITS_FILE] = lambda path: csv.CsvExporter().export(case, path, recipient)
        writers[html.GAPS_FILE] = lambda path: csv.write_gaps(case, path)
    if with_pdf:
        tables = [output_folder / name for name in writers if name != "report.html"]
        writers["report.pdf"] = lambda path: pdf.write_pdf(case, path, language, recipient, tables)
    paths = {output_folder / name: write for name, write in writers.items()}
    _make_folder(output_folder)
    for path in paths:
        refuse_existing(path)
    written: list[Path] = []
    try:
        for path, write in paths.items():
            write(path)
            written.append(path)
        return tuple(WrittenFile.at(path) for path in written)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"cannot be made ({error.strerror})", str(folder), "choose another folder") from error
