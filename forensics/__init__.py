"""The engine of tamiz: from a seized disk image to an evidence-ready case."""

from __future__ import annotations

__version__ = "0.1.0"
