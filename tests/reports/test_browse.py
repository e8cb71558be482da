"""A case in the browser: every ready question is answered, nobody else gets in, nothing can be written."""

from __future__ import annotations

import http.cookiejar
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from forensics.case.reader import CaseReader
from forensics.reports.browse import DATABASE, QUERIES

pytest.importorskip("datasette", reason="the extra tamiz[browse] is not installed")


@dataclass(frozen=True)
class Browser:
    """A running ``tamiz browse``.

    Attributes:
        base: Its address.
        opener: Somebody who has entered with the token.
    """

    base: str
    opener: urllib.request.OpenerDirector

    def get(self, path: str) -> str:
        with self.opener.open(f"{self.base}/{path}", timeout=30) as answer:
            return str(answer.read().decode())


@pytest.fixture
def browser(sample_case: Path) -> Iterator[Browser]:
    command = [sys.executable, "-c", "from cli import cli; cli()", "browse", str(sample_case)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        for _ in range(100):
            try:
                opener.open(address, timeout=30).close()
                break
            except (urllib.error.URLError, ConnectionError):
                continue
        yield Browser(address.partition("/-/")[0], opener)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def test_it_answers_every_ready_question_and_lets_nobody_else_in(browser: Browser, sample_case: Path) -> None:
    for name in QUERIES:
        answer = json.loads(browser.get(f"{DATABASE}/{name}.json?_shape=objects&tier=exact"))
        assert answer["rows"] or name == "failed", name
    with CaseReader.open(sample_case) as reader:
        expected = sorted((hit.locator, hit.tier) for hit in reader.hits(["notable"]))
        *_, last = reader.ledger()
    rows = json.loads(browser.get(f"{DATABASE}/hits.json?_shape=array"))
    assert sorted((row["locator"], row["tier"]) for row in rows) == expected
    assert last.action == "browse"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        Browser(browser.base, urllib.request.build_opener()).get(f"{DATABASE}/hits.json")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        browser.get(f"{DATABASE}.db")


def test_nothing_can_be_written(browser: Browser, sample_case: Path) -> None:
    before = sample_case.read_bytes()
    for statement in ("DELETE FROM hits", "ATTACH 'x' AS y", "PRAGMA journal_mode = DELETE"):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            browser.get(f"{DATABASE}.json?sql={urllib.parse.quote(statement)}")
    assert sample_case.read_bytes() == before
