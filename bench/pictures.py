"""Damaged pictures of every format, looked at in a child of limited memory: ``python -m bench.pictures [COUNT]``."""

from __future__ import annotations

import sys

from tests.media.damage import ADDRESS_SPACE, look_at, originals


def main(count: int = 2000) -> None:
    result = look_at(10_000, count)
    print(f"{count} damaged pictures of {len(originals())} kinds, {ADDRESS_SPACE // 2**20} MiB of address space")
    print(
        f"looked at {result.looked_at}, exit code {result.exit_code}; {result.views} views of {result.hashed} pictures"
    )
    print(f"reasons: {result.reasons}")
    print(f"slowest {result.slowest:.2f} s; peak memory {result.peak:.0f} MiB above the start")
    for line in result.unexplained:
        print(f"UNEXPLAINED {line}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
