"""A case made final: sealed, signed, time-stamped, and checked by a stranger."""
