"""Finds the other files that an image names: extents, parents, backing files.

What an image says is not to be trusted: a name in it may point anywhere on the laboratory's machine, whose files would
then be examined as if they were the suspect's. So only files in the image's own folder, or below it, are taken.
"""

from __future__ import annotations

import re
from pathlib import Path

from forensics.errors import MissingSegmentError

_SEPARATORS = {False: re.compile("/"), True: re.compile(r"[/\\]")}


def find_neighbour(image: Path, stored: str, *, windows: bool = True) -> Path | None:
    """Find a file that an image names.

    Args:
        image: The image.
        stored: The name as stored in it, with or without folders.
        windows: Whether a backslash parts folders in it.

    Returns:
        The file: where the stored name says if that is below the image's folder, else that of the same name beside the
        image; ``None`` if there is neither.
    """
    parts = [part for part in _SEPARATORS[windows].split(stored) if part not in {"", "."}]
    if not parts or "\0" in stored or parts[-1] == "..":
        return None
    candidates = [image.with_name(parts[-1])]
    if ".." not in parts and not any(part.endswith(":") for part in parts) and stored[0] not in "/\\":
        candidates.insert(0, image.parent.joinpath(*parts))
    return next((path for path in candidates if path.is_file()), None)


def require_neighbour(image: Path, stored: str, what: str, *, windows: bool = True) -> Path:
    """Find a file that an image cannot be read without.

    Args:
        image: The image.
        stored: The name as stored in it.
        what: What the file is, such as ``parent disk``.
        windows: Whether a backslash parts folders in the stored name.

    Raises:
        MissingSegmentError: It is not there.
    """
    path = find_neighbour(image, stored, windows=windows)
    if path is None:
        name = "".join(character if character.isprintable() else "?" for character in stored)
        name = _SEPARATORS[windows].split(name)[-1]
        raise MissingSegmentError(
            f"its {what} is missing: {name or 'a file without a name'} must lie beside it",
            str(image),
            "copy it into the same folder under that name; examining the rest would miss evidence silently",
        )
    return path
