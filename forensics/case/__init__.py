"""The case file: the only writer, its ledger, and the reader everyone else uses."""
