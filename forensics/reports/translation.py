"""The languages of a report: its sentences, the words for a case's codes, and how numbers and times are written.

Sentences are written in English in the templates and looked up, as they stand, in ``translations/es.po``. Codes that
a case stores (``deleted``, ``volume-encrypted`` ...) are looked up with a context that says what they are codes of, in
the catalogue of either language; a code that no catalogue knows, as a plug-in may have left it, stands for itself.
Catalogues are read as they are: there is no compiled form.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit
from markupsafe import Markup, escape

from forensics.errors import ReportError
from forensics.reports.printable import printable

_LOCALES = {"es": Locale("es", "MX"), "en": Locale("en", "US")}

LANGUAGES = tuple(_LOCALES)
"""Languages in which a report can be written."""

_UNITS = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte")


class Translation:
    """One language.

    Args:
        language: Its code, one of :data:`LANGUAGES`.
        catalog: Its messages.
    """

    def __init__(self, language: str, catalog: Catalog) -> None:
        self.language = language
        self.locale = _LOCALES[language]
        self._catalog = catalog

    @property
    def tag(self) -> str:
        """The language as HTML names it, such as ``es-MX``."""
        return str(self.locale).replace("_", "-")

    def gettext(self, message: str, /, **values: object) -> Markup:
        """Translate a sentence and fill its ``%(name)s`` places.

        Values are made printable and are escaped; the sentence itself is plain text too.
        """
        return self._fill(self._look_up(message, 0) or message, values)

    def ngettext(self, singular: str, plural: str, number: int, /, **values: object) -> Markup:
        """Translate a sentence that depends on a number, which fills ``%(number)s``."""
        form = int(number != 1)
        text = self._look_up(singular, form) or (singular, plural)[form]
        return self._fill(text, {"number": self.number(number), **values})

    def code(self, code: str, context: str) -> str:
        """The words for a code of the case.

        Args:
            code: The code as stored.
            context: What it is a code of: ``reason``, ``tier``, ``allocation`` ...
        """
        message = self._catalog.get(code, context)
        return str(message.string) if message is not None and message.string else code

    def number(self, number: float) -> str:
        """A number with the locale's separators."""
        return str(format_decimal(number, locale=self.locale))

    def percent(self, part: int, whole: int) -> str:
        """A share, to a tenth of a percent, rounded down: not quite all never reads 100 %."""
        tenths = part * 1000 // whole if whole else 0
        return str(format_percent(tenths / 1000, "0.0\N{NO-BREAK SPACE}%", locale=self.locale))

    def size(self, size: int) -> str:
        """A length in bytes: exactly, after the nearest decimal unit if it is long."""
        exact = str(format_unit(size, "digital-byte", "long", locale=self.locale))
        power = min((len(str(size)) - 1) // 3, len(_UNITS) - 1)
        if power == 0:
            return exact
        rounded = round(size / 1000**power, 1)
        return f"{format_unit(rounded, f'digital-{_UNITS[power]}', 'short', locale=self.locale)} ({exact})"

    def moment(self, text: str) -> str:
        """A point in time of the case (ISO 8601, UTC) to the second, in figures that no country reads differently."""
        return f"{self.file_time(text)} UTC"

    def file_time(self, text: str) -> str:
        """The same without the zone, for a column whose heading names it."""
        return f"{text[:10]} {text[11:19]}"

    def long_moment(self, text: str) -> str:
        """A point in time of the case, the date in words."""
        date = format_date(datetime.fromisoformat(text).astimezone(UTC), "long", locale=self.locale)
        return f"{date}, {text[11:19]} UTC"

    def _look_up(self, message: str, form: int) -> str:
        found = self._catalog.get(message)
        words = None if found is None else found.string
        if words is None or isinstance(words, str):
            return words or ""
        return words[form]

    @staticmethod
    def _fill(text: str, values: dict[str, object]) -> Markup:
        filled = {name: printable(value) if type(value) is str else value for name, value in values.items()}
        return escape(text) % filled if filled else escape(text)

    def filters(self) -> dict[str, Callable[..., str]]:
        """What templates use as filters, by name."""
        return {
            "code": self.code,
            "number": self.number,
            "size": self.size,
            "moment": self.moment,
            "file_time": self.file_time,
            "long_moment": self.long_moment,
        }


@cache
def translation(language: str) -> Translation:
    """Read a language's catalogue.

    Raises:
        ReportError: There is none.
    """
    if language not in _LOCALES:
        raise ReportError(f"no reports in the language '{language}'", None, f"choose one of {', '.join(LANGUAGES)}")
    text = files("forensics.reports").joinpath("translations", f"{language}.po").read_bytes()
    return Translation(language, read_po(io.BytesIO(text), language, abort_invalid=True))
