"""Harmless sample evidence: a disk with planted pictures, lists that know them, and the truth about what is where.

It serves ``tamiz demo`` and tests. Everything in it is invented and generated: pictures are seeded plasma fractals,
gradients, shapes, noise and text. :mod:`plugins.sample_evidence.pictures` is the only place in the product that
encodes pictures, and it encodes none but these; nothing here ever touches pixels that come from evidence.
"""
