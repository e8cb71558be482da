"""How a laboratory adds an image format, volume system, file system, hasher, list format, exporter or command.

:mod:`plugins.hookspecs` says what can be added, :mod:`plugins.loader` finds what was, :mod:`plugins.builtin`
registers everything that ships with tamiz by the same hooks.
"""
