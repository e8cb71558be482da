"""Real plug-ins for tests: packages with an entry point in the group ``tamiz``, as a laboratory would install them."""

from __future__ import annotations

from pathlib import Path

_HASHER = """
from forensics.hashing.perceptual import PictureHasher
from plugins.hookspecs import hookimpl

{imports}

class Hasher(PictureHasher):
    algorithm, bits = "{name}", 1

    def hash(self, picture):
{body}
        return iter(())

@hookimpl
def tamiz_picture_hashers():
    return [Hasher()]
"""


def install_picture_hasher(folder: Path, name: str, imports: str, body: str) -> Path:
    """Write a plug-in with one picture hasher into a folder that is then to stand in ``sys.path``.

    Args:
        folder: Where to; made if it is not there.
        name: Of the package and the algorithm.
        imports: Import statements and functions of the module.
        body: Statements of the method ``hash``, which has ``self`` and ``picture``, not indented.
    """
    information = folder / f"{name}-1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (information / "entry_points.txt").write_text(f"[tamiz]\n{name} = {name}\n")
    indented = "".join(f"        {line}\n" for line in body.strip().splitlines())
    (folder / f"{name}.py").write_text(_HASHER.format(name=name, imports=imports, body=indented))
    return folder
