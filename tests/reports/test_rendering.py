"""The page in a real browser, where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from forensics.case.reader import CaseReader
from forensics.reports.html import write_html
from forensics.reports.recipient import Recipient
from tests.reports.conftest import NOTABLE, NewCase, fill_sample, match

NAVY = (23, 54, 93)
WIDTH = 1000


@pytest.fixture
def browser() -> str:
    """Chromium or a sibling; tests that need it are skipped where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on this machine to render the page with")


@pytest.fixture
def page(new_case: NewCase, tmp_path: Path) -> Path:
    """The laboratory's page of a sample case, with a name too long for any line."""
    writer = new_case()
    fill_sample(writer)
    writer.add(b"x" * 5000, b"long", match(NOTABLE, 77))
    output = tmp_path / "report.html"
    with CaseReader.open(writer.finish()) as case:
        write_html(case, output, "es", Recipient.LABORATORY)
    return output


def run(browser: str, page: Path, *options: str) -> None:
    profile = page.with_name("profile")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", *options]
    subprocess.run([*command, page.as_uri()], check=True, capture_output=True, timeout=60)


def test_it_is_drawn_and_stays_inside_its_margins(browser: str, page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    run(browser, page, "--hide-scrollbars", f"--window-size={WIDTH},6000", f"--screenshot={picture}")
    with Image.open(picture) as opened:
        drawn = opened.convert("RGB")
    colours = {colour for _, colour in drawn.getcolors(1 << 24) or []}
    assert NAVY in colours
    margin = drawn.crop((WIDTH - 12, 0, WIDTH, drawn.height))
    assert margin.getextrema() == ((255, 255), (255, 255), (255, 255))


def test_it_prints(browser: str, page: Path, tmp_path: Path) -> None:
    document = tmp_path / "page.pdf"
    run(browser, page, "--no-pdf-header-footer", f"--print-to-pdf={document}")
    content = document.read_bytes()
    assert content.startswith(b"%PDF-")
    pages = [int(count) for count in re.findall(rb"/Type\s*/Pages[^>]*?/Count (\d+)", content)]
    assert pages == [] or 5 <= max(pages) <= 30
