"""Image formats, one a file; the contract is forensics.evidence.image."""
