"""The page in a real browser: accessible by axe-core, as wide as a telephone, silent on the network and the console.

Chromium and axe-core are not installed by ``make``; where they are missing these tests are skipped.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from forensics.case.reader import CaseReader
from forensics.reports.html import write_html
from forensics.reports.recipient import Recipient

pytest.importorskip("axe_core_python", reason="axe-core is not installed (pip install axe-core-python)")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_OF_THE_BROWSER = re.compile(r"chrome|devtools|https?://[a-z0-9.]+\.google(apis)?\.com/")
"""What Chromium asks for by itself: its updates and the time."""

_AUDIT = """
axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}})
  .then(found => {
    const answer = {
      violations: found.violations.map(one => [one.id, one.nodes.map(node => node.html)]),
      passes: found.passes.length,
      width: document.documentElement.scrollWidth,
      window: window.innerWidth,
    };
    document.documentElement.innerHTML = "<body><pre id=answer></pre></body>";
    document.getElementById("answer").textContent = JSON.stringify(answer);
  });
"""


def browse(folder: Path, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = (
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-first-run", f"--user-data-dir={folder / 'profile'}",
        "--enable-logging=stderr", "--virtual-time-budget=20000", *options, page.as_uri(),
    )  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


@pytest.fixture
def page(request: pytest.FixtureRequest, sample_case: Path, tmp_path: Path) -> Path:
    recipient, language = request.param
    with CaseReader.open(sample_case) as reader:
        write_html(reader, tmp_path / "report.html", language, recipient)
    return tmp_path / "report.html"


def audit(folder: Path, page: Path, width: int) -> dict[str, Any]:
    """What axe-core says. It is a script, which the page's own policy forbids: it runs in a copy without that."""
    axe = files("axe_core_python").joinpath("axe.min.js").read_text("utf-8").replace("</script>", r"<\/script>")
    copy = folder / "audited.html"
    scripts = f"<script>{axe}</script><script>{_AUDIT}</script></body>"
    copy.write_text(_POLICY.sub("", page.read_text()).replace("</body>", scripts))
    dom = browse(folder, copy, f"--window-size={width},900", "--dump-dom").stdout
    answer = re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)
    assert answer is not None, dom[-500:]
    return dict(json.loads(html.unescape(answer[1])))


@pytest.mark.parametrize(
    "page", [(Recipient.LABORATORY, "es"), (Recipient.COURT, "en")], indirect=True, ids=["laboratory", "court"]
)
def test_axe_finds_no_violation_and_nothing_is_wider_than_a_telephone(page: Path, tmp_path: Path) -> None:
    answer = audit(tmp_path, page, 500)  # the narrowest window that a headless Chromium makes
    assert answer["violations"] == []
    assert answer["passes"] > 30
    assert answer["width"] <= answer["window"]


@pytest.mark.parametrize("page", [(Recipient.PROSECUTOR, "es")], indirect=True, ids=["prosecutor"])
def test_the_page_asks_for_nothing_and_complains_of_nothing(page: Path, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    found = browse(tmp_path, page, f"--log-net-log={log}", "--dump-dom")
    assert "CONSOLE" not in found.stderr
    addresses = set(re.findall(r'"url":"([^"]+)"', log.read_text()))
    assert {address for address in addresses if not _OF_THE_BROWSER.match(address)} <= {page.as_uri()}
