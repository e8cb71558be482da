"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

_CORPORA = Path(__file__).parents[2] / "shared" / "corpora"


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of public test data beside the checkout; tests that need it are skipped where it is absent."""
    if not _CORPORA.is_dir():
        pytest.skip("the public test corpora are not beside this checkout (../shared/corpora)")
    return _CORPORA
