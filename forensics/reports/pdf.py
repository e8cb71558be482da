"""The report as one PDF/A-3 file, typeset by WeasyPrint from the same page, with the tables it points to inside it.

WeasyPrint (BSD licence) is the extra ``tamiz[pdf]`` and needs Pango. It is given nothing to fetch: the page needs no
other file, and any address is refused.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forensics.case.reader import CaseReader
from forensics.errors import ReportError
from forensics.new_file import new_file, refuse_existing
from forensics.reports.html import render
from forensics.reports.recipient import Recipient

VARIANT = "pdf/a-3b"
"""What is made for keeping, and may hold other files (ISO 19005-3)."""


def write_pdf(case: CaseReader, output: Path, language: str, recipient: Recipient, tables: Sequence[Path] = ()) -> None:
    """Write the report.

    Args:
        case: The case, opened read-only.
        output: The file to write; must not exist.
        language: ``es`` or ``en``.
        recipient: For whom; decides what may be in it.
        tables: Files put inside, under their names.

    Raises:
        ReportError: WeasyPrint or Pango is missing, or see :func:`forensics.reports.html.write_html`.
    """
    refuse_existing(output)
    weasyprint = _weasyprint()
    page = weasyprint.HTML(
        string=render(case, language, recipient, for_pdf=True),
        url_fetcher=weasyprint.urls.URLFetcher(allowed_protocols=()),
    )
    attachments = [
        weasyprint.Attachment(file_obj=io.BytesIO(table.read_bytes()), name=table.name, relationship="Data")
        for table in tables
    ]
    with new_file(output) as file:
        page.write_pdf(file, pdf_variant=VARIANT, attachments=attachments)


def _weasyprint() -> Any:  # noqa: ANN401 - the module, which may be missing
    logging.getLogger("weasyprint").addHandler(logging.NullHandler())  # else it writes to standard error itself
    try:
        import weasyprint
        import weasyprint.urls
    except ImportError as error:
        raise ReportError("a PDF needs WeasyPrint", None, "pip install tamiz[pdf]") from error
    except OSError as error:  # it is there, and what it is built on is not
        remedy = "install the Debian packages libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0"
        raise ReportError("a PDF needs Pango", None, remedy) from error
    return weasyprint
