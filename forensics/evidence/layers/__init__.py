"""Layers inside volumes, one a file; the contract is forensics.evidence.layer."""
