"""Volume systems, one a file; the contract is forensics.evidence.volume."""
