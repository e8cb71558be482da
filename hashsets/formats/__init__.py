"""List formats, one a file; the contract is hashsets.format."""
