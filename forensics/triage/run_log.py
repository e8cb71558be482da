"""The log beside a case: when what was done, how far it came, what went wrong with workers.

It names volumes, row numbers and counts; no file name, path of evidence, locator of a file or hash of a content may
enter it, because logs are sent to people who may not know those. It is no evidence: that is the ledger. A log that
cannot be written stops nothing.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOGGER = logging.getLogger("forensics")
"""What our own modules log to; those of libraries are not let in, since they may name what they read."""


class _PrivateFileHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Appends to a file that only its owner may read; falls silent when it cannot be written any more."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(0, "no file")
        super().__init__(os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace"))
        formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as in logging
        """The disk is full, perhaps. That is told where the case is written; nothing is added here."""

    def close(self) -> None:
        """Close the file, however full the disk is."""
        try:
            self.stream.close()
        except OSError:
            self.handleError(logging.makeLogRecord({}))
        super().close()


def log_path(case: Path) -> Path:
    """Where the log of a case stands: beside it, under its name and ``.log``."""
    return case.with_name(f"{case.name}.log")


@contextmanager
def run_log(case: Path) -> Iterator[str | None]:
    """Write what our modules log to the log of a case.

    Args:
        case: The case file.

    Yields:
        Why there is no log; ``None`` where there is one.
    """
    try:
        handler = _PrivateFileHandler(log_path(case))
    except OSError as error:
        yield error.strerror or type(error).__name__
        return
    level, propagate = _LOGGER.level, _LOGGER.propagate
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    try:
        yield None
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)
        _LOGGER.propagate = propagate
        handler.close()
