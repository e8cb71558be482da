"""Bytes to digests and pixels to perceptual hashes. Pure functions."""
