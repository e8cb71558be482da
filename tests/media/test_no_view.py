"""No view, by construction: nothing in the engine can turn pixels into a file."""

from __future__ import annotations

import ast
from pathlib import Path

import forensics
import hashsets

ENCODERS = {"save", "imwrite", "imsave", "imencode", "show", "ImageShow", "mux", "add_stream", "to_image"}


def names_used(source: str) -> set[str]:
    tree = ast.parse(source)
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return attributes | imports


def test_no_module_that_handles_pictures_calls_an_image_encoder() -> None:
    handling = []
    for package in (forensics, hashsets):
        for module in Path(next(iter(package.__path__))).rglob("*.py"):
            source = module.read_text()
            if "PIL" in source or "Picture" in source or "import av" in source:
                handling.append(module.name)
                assert not names_used(source) & ENCODERS, module
    assert {"picture.py", "film.py", "frame_sampler.py", "phash.py", "pdq.py"} <= {*handling}
