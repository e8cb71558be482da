"""File systems, one family a file; the contract is forensics.evidence.filesystem."""
