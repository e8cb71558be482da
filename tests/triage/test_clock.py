"""The laboratory's clock, as a scan records it."""

from __future__ import annotations

import re
import shutil
import subprocess
import time

import pytest

from forensics.triage.clock import describe_clock
from forensics.triage.environment import describe_environment


def test_the_offset_is_that_of_the_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone, expected in (("XXX6", "-06:00"), ("XXX-5:30", "+05:30"), ("UTC", "+00:00")):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert describe_clock()["utc_offset"] == expected
    monkeypatch.undo()
    time.tzset()


def test_synchronised_is_what_the_system_says() -> None:
    if shutil.which("timedatectl") is None:
        pytest.skip("timedatectl (systemd) is not here to ask")
    said = subprocess.run(["timedatectl", "show", "-p", "NTPSynchronized"], capture_output=True, text=True, check=False)
    found = re.fullmatch(r"NTPSynchronized=(yes|no)\s*", said.stdout)
    if found is None:
        pytest.skip("timedatectl does not answer here")
    assert describe_clock()["synchronised"] == (found[1] == "yes")


def test_a_scan_records_it() -> None:
    assert describe_environment()["clock"] == describe_clock()
