"""Offence catalogues: laws as dated data, of which an analyst attaches codes to facts."""
