"""docs/plugins.md: its example is a plug-in that works, and no hook is missing from its table."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from plugins import hookspecs

PAGE = (Path(__file__).parents[2] / "docs/plugins.md").read_text(encoding="utf-8")
SHA1 = "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"


def block(language: str) -> str:
    """The page's only block of code in some language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert isinstance(text, str)
    return text


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the example as pip leaves it: the module, and the metadata with its entry point."""
    project = tomllib.loads(block("toml"))
    name, version = project["project"]["name"], project["project"]["version"]
    (module,) = project["tool"]["setuptools"]["py-modules"]
    folder = tmp_path / "site"
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = "".join(f"{key} = {value}\n" for key, value in project["project"]["entry-points"]["tamiz"].items())
    (metadata / "entry_points.txt").write_text(f"[tamiz]\n{points}")
    (folder / f"{module}.py").write_text(block("python"))
    return folder


def run_tamiz(installed: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "TAMIZ_LIBRARY": str(installed.parent / "library")}
    command = [sys.executable, "-c", "import sys, cli; sys.argv[0] = 'tamiz'; cli.main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def import_as(installed: Path, content: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    path = installed.parent / "list.txt"
    path.write_bytes(content)
    return run_tamiz(installed, "set", "import", path, "--name", "n", "--disposition", "notable", *options)


def test_a_list_is_imported_with_the_example(installed: Path) -> None:
    result = import_as(installed, f"#neighbour 2\n{SHA1.upper()}|A1\nnonsense|A2\n\n{'1b' * 20}|\n".encode())
    assert (result.returncode, result.stderr.count("Traceback")) == (0, 0)
    assert "n: 2 entries imported from list.txt (neighbour)" in result.stdout
    shown = run_tamiz(installed, "set", "show", "n").stdout
    assert re.search(r"^format_version +2$", shown, re.MULTILINE)
    assert re.search(r"^scheme +neighbour$", shown, re.MULTILINE)
    rejected = run_tamiz(installed, "set", "show", "n", "--rejected").stdout
    assert re.search(r"^ *3 +sha1 is not 40 hexadecimal digits", rejected, re.MULTILINE)
    found = run_tamiz(installed, "set", "lookup", SHA1).stdout
    assert "A1" in found


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"something else\n", "no line '#neighbour'"), (b"#neighbour 2\n", "no valid entry")],
)
def test_what_is_no_list_is_answered_with_one_line(installed: Path, content: bytes, said: str) -> None:
    result = import_as(installed, content, "--format", "neighbour")
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert said in line
    assert "failed (" not in line


def test_the_example_can_be_built_and_says_how_to_install_it() -> None:
    project = tomllib.loads(block("toml"))
    assert project["build-system"]["build-backend"] == "setuptools.build_meta"
    assert "pip install -e ." in PAGE


def test_every_hook_stands_in_the_table() -> None:
    hooks = {name for name in vars(hookspecs) if name.startswith("tamiz_")}
    assert hooks <= set(re.findall(r"^\| `(tamiz_\w+)` \|", PAGE, re.MULTILINE))
