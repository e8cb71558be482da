"""Measurements: each figure beside a peer measured in the same run, as a ratio, and beside the limit."""
