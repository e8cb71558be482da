"""Damaged pictures of every format, the same ones for the same number, and the child process that looks at them.

Used by the tests with a few and by ``python -m bench pictures`` with thousands.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from forensics.errors import PictureError
from forensics.media.views import views
from forensics.reason import Reason
from tests import pictures
from tests.media.picture_files import HEIC, camera_raw, dcx, exif_block, photoshop
from tests.pictures import encoded

ADDRESS_SPACE = 2 * 2**30
"""Bytes of address space the child may take."""

SECONDS = 2.0
"""Time for the views of one picture."""

_SINGLE = ("PNG", "BMP", "TIFF", "JPEG2000", "ICO", "ICNS", "PPM", "PCX", "QOI", "SGI", "DDS", "TGA", "GIF", "AVIF")
_SEVERAL = ("GIF", "PNG", "WEBP", "AVIF", "TIFF", "MPO")
_MAKERS = ("CR2", "NEF", "ARW", "DNG", "PEF", "ORF", "RW2", "RAF", "CR3")


class Result(NamedTuple):
    """What became of a set of damaged pictures.

    Attributes:
        looked_at: Pictures the child came back from; all of them if none ended it.
        hashed: Those of which at least one view was decoded.
        views: Views in all.
        reasons: How often each reason was told.
        unexplained: What was raised that is no error of ours, with the picture's number.
        slowest: Seconds of processor time of the slowest picture.
        peak: Largest memory of the child, in MiB, over what it had before the first picture.
        exit_code: The child's; not zero if it was ended.
    """

    looked_at: int
    hashed: int
    views: int
    reasons: dict[str, int]
    unexplained: list[str]
    slowest: float
    peak: float
    exit_code: int


@cache
def originals() -> dict[str, bytes]:
    """A valid file of each kind."""
    pixels = pictures.photo(96, 128)
    frames = [Image.fromarray(pictures.photo(48, 64, seed)) for seed in range(3)]
    small = encoded(pictures.photo(60, 80), "JPEG")
    transparent = Image.fromarray(pixels).convert("RGBA")
    transparent.putalpha(Image.fromarray(pictures.plasma(96, 128)))
    files = {name: encoded(pixels, name) for name in _SINGLE}
    files |= {
        f"{name} of three": encoded(frames[0], name, save_all=True, append_images=frames[1:]) for name in _SEVERAL
    }
    files |= {maker: camera_raw(maker, encoded(pixels, "JPEG"), small, 6) for maker in _MAKERS}
    files |= {
        "JPEG": encoded(pixels, "JPEG", exif=exif_block(6, small)),
        "JPEG progressive": encoded(pixels, "JPEG", progressive=True),
        "JPEG CMYK": encoded(Image.fromarray(pixels).convert("CMYK"), "JPEG"),
        "JPEG grey": encoded(pictures.plasma(96, 128), "JPEG"),
        "PNG transparent": encoded(transparent, "PNG", exif=exif_block(3)),
        "PNG palette": encoded(Image.fromarray(pixels).quantize(64), "PNG", transparency=bytes(range(64))),
        "PNG sixteen bits": encoded(Image.fromarray(pictures.plasma(96, 128).astype(np.uint16) * 257), "PNG"),
        "WEBP": encoded(transparent, "WEBP", exif=exif_block(5, small)),
        "WEBP lossless": encoded(transparent, "WEBP", lossless=True),
        "AVIF transparent": encoded(transparent, "AVIF"),
        "TIFF of JPEG": encoded(pixels, "TIFF", compression="jpeg"),
        "TIFF of LZW": encoded(pixels, "TIFF", compression="tiff_lzw"),
        "TIFF of deflate": encoded(pixels, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF of fax": encoded(Image.fromarray(pixels).convert("1"), "TIFF", compression="group4"),
        "HEIC": HEIC.read_bytes(),
        "DCX": dcx(pixels, pixels[::-1]),
        "PSD": photoshop(pixels, [(0, 0, pixels), (5, 9, pixels[:40, :50])]),
    }
    return files


def damaged(number: int) -> tuple[str, bytes]:
    """A damaged picture: which file it was, and its bytes."""
    random = np.random.default_rng(number)
    names = sorted(originals())
    name = names[number % len(names)]
    data = bytearray(originals()[name])
    match number // len(names) % 4:
        case 0:  # bits flipped anywhere
            for _ in range(random.integers(1, 30)):
                data[random.integers(len(data))] ^= 1 << random.integers(8)
        case 1:  # cut short
            del data[random.integers(1, len(data)) :]
        case 2:  # numbers in the header that lie
            for _ in range(random.integers(1, 4)):
                where = int(random.integers(4, min(len(data), 400)))
                lie = int(random.choice([0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 65500, 20000]))
                width = int(random.choice([2, 4]))
                order = "big" if random.random() < 0.5 else "little"
                data[where : where + width] = (lie & (256**width - 1)).to_bytes(width, order)
        case _:  # a piece overwritten, as a cluster that was given to another file
            start = int(random.integers(len(data)))
            length = int(random.integers(1, 4096))
            data[start : start + length] = random.bytes(min(length, len(data) - start))
    return name, bytes(data)


def look_at(first: int, count: int) -> Result:
    """Look at damaged pictures in a child process of limited memory."""
    program = f"from tests.media.damage import look_here; look_here({first}, {count})"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in child.stdout.splitlines()]
    reasons = Counter(reason for line in lines for reason in line["reasons"])
    return Result(
        looked_at=len(lines),
        hashed=sum(1 for line in lines if line["views"]),
        views=sum(line["views"] for line in lines),
        reasons=dict(reasons.most_common()),
        unexplained=[f"{line['number']} {line['name']}: {line['raised']}" for line in lines if line["raised"]]
        + (child.stderr.splitlines()[-3:] if child.returncode else []),
        slowest=max((line["seconds"] for line in lines), default=0.0),
        peak=lines[-1]["peak"] if lines else 0.0,
        exit_code=child.returncode,
    )


def look_here(first: int, count: int) -> None:
    """In the child: a line of JSON for each picture."""
    originals()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    before = _peak()
    for number in range(first, first + count):
        name, data = damaged(number)
        start = time.process_time()
        found, reason, raised = 0, None, ""
        iterator = views(data, SECONDS)
        try:
            for picture in iterator:
                found += int(picture.pixels.size > 0)
            reason = iterator.reason
        except PictureError as error:
            reason = Reason(error.reason)
        except Exception as error:  # noqa: BLE001  # what must not happen is reported, not hidden
            raised = f"{type(error).__name__}: {error}"
        line = {
            "number": number,
            "name": name,
            "views": found,
            "reasons": [reason] if reason else [],
            "raised": raised,
            "seconds": time.process_time() - start,
            "peak": (_peak() - before) / 1024,
        }
        print(json.dumps(line), flush=True)  # noqa: T201  # the channel to the parent


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
