"""What the operator states of where a list came from, beside what the file says of itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from forensics.errors import LibraryError
from hashsets.fields import LONGEST_ATTRIBUTE, LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a list came from. A field is ``None`` where the operator states nothing.

    Attributes:
        issuer: Who made the list. (A set's ``authority`` is the reference under which it may be used.)
        list_version: The issuer's version or date of issue, as written.
        note: How it is to be handled, its licence, any restriction.
        received: The date on which the laboratory received it, ``YYYY-MM-DD``.
    """

    issuer: str | None = None
    list_version: str | None = None
    note: str | None = None
    received: str | None = None

    def fields(self) -> dict[str, str | None]:
        """The same by name."""
        return asdict(self)

    def checked(self) -> Provenance:
        """Give it back if it can be kept and shown; an empty text states nothing.

        Raises:
            LibraryError: A field is too long or not printable, or the date is none.
        """
        stated = {name: text.strip() or None if text else None for name, text in self.fields().items()}
        for name, text in stated.items():
            longest = LONGEST_ATTRIBUTE if name == "note" else LONGEST_TEXT
            if text is not None and (not text.isprintable() or len(text) > longest):
                what = f"the {name.replace('_', ' ')} of a list is one printable line of at most {longest} characters"
                raise LibraryError(what, None, "shorten it")
        if stated["received"] is not None:
            try:
                stated["received"] = date.fromisoformat(stated["received"]).isoformat()
            except ValueError as error:
                what = "the day on which a list was received is no date"
                raise LibraryError(what, None, "write it as 2026-03-31") from error
        return Provenance(**stated)


UNSTATED = Provenance()
"""Nothing is stated."""
