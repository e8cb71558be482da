"""What is missing is said in one line that names the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.errors import TamizError
from plugins.sample_evidence import programs


def test_everything_named_is_there_on_this_machine(tools: None) -> None:
    assert programs.missing() == {}
    programs.require_all()


def test_what_is_missing_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"no-such-program": "package-two", "no-such-other": "package-one", "mke2fs": "e2fsprogs"}
    monkeypatch.setattr(programs, "PACKAGES", wanted)
    with pytest.raises(TamizError) as caught:
        programs.require_all()
    text = str(caught.value)
    assert "no-such-program, no-such-other" in text
    assert text.endswith("'apt install package-one package-two'")
    assert "\n" not in text


def test_file_system_tools_are_found_where_an_ordinary_user_has_no_path_to_them(
    tools: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    assert programs.missing() == {}


def test_a_program_that_fails_is_one_line_with_its_own_words(tools: None, tmp_path: Path) -> None:
    with pytest.raises(TamizError, match=r"mke2fs: failed \(.+\)") as caught:
        programs.run("mke2fs", "-q", tmp_path / "missing" / "image", "1024k")
    assert "\n" not in str(caught.value)


def test_a_program_that_is_not_there_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "PACKAGES", {"no-such-program": "its-package"})
    with pytest.raises(TamizError, match="apt install its-package"):
        programs.run("no-such-program")
