"""The report as PDF: the same words as the page, the tables inside, nothing fetched."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.errors import ReportError
from forensics.reports import pdf
from forensics.reports.recipient import Recipient
from forensics.reports.report import write_report
from tests.reports.conftest import MARKER

pytest.importorskip("weasyprint", reason="the extra tamiz[pdf] is not installed")


def output_of(*command: str | Path) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is missing (Debian package poppler-utils)")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_pdf_says_what_the_page_says_and_holds_the_tables(sample_case: Path, tmp_path: Path) -> None:
    with CaseReader.open(sample_case) as reader:
        files = write_report(reader, tmp_path / "r", "es", Recipient.PROSECUTOR, with_pdf=True)
    assert [file.path.name for file in files] == ["report.html", "hits.csv", "not-examined.csv", "report.pdf"]
    document = tmp_path / "r" / "report.pdf"
    words = output_of("pdftotext", "-layout", document, "-")
    assert "Informe de coincidencias con listas de hashes conocidos" in words
    assert "52 vistos = 48 con hash calculado + 2 omitidos + 2 fallidos" in words
    assert "Dónde, cuándo y cuántas veces" in words
    assert MARKER not in words
    assert "PDF/A" in output_of("pdfinfo", "-meta", document) or "pdfaid:part" in output_of(
        "pdfinfo", "-meta", document
    )
    (tmp_path / "inside").mkdir()
    output_of("pdfdetach", "-saveall", "-o", tmp_path / "inside", document)
    for table in ("hits.csv", "not-examined.csv"):
        assert (tmp_path / "inside" / table).read_bytes() == (tmp_path / "r" / table).read_bytes()


def test_nothing_is_fetched_whatever_a_page_asks_for(
    sample_case: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        monkeypatch.setattr(pdf, "render", lambda *_, **__: f'<p>a</p><img src="{address}">')
        with CaseReader.open(sample_case) as reader:
            pdf.write_pdf(reader, tmp_path / "a.pdf", "es", Recipient.COURT)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(("error", "remedy"), [(ImportError, "tamiz.pdf"), (OSError, "libpango")])
def test_what_is_missing_is_one_line(
    sample_case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception], remedy: str
) -> None:
    import builtins

    real = builtins.__import__

    def failing(name: str, *rest: object, **more: object) -> object:
        if name == "weasyprint":
            raise error(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", failing)
    with CaseReader.open(sample_case) as reader, pytest.raises(ReportError, match=remedy):
        write_report(reader, tmp_path / "r", "es", Recipient.COURT, with_pdf=True)
    assert not list((tmp_path / "r").iterdir())
