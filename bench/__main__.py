"""``make bench``: run every measurement, or those named on the command line; options are theirs."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import bench

names = [name for name in sys.argv[1:] if name.isidentifier()] or sorted(
    module.name for module in pkgutil.iter_modules(bench.__path__) if module.name != "__main__"
)
for name in names:
    print(f"== {name}", flush=True)
    importlib.import_module(f"bench.{name}").main()
