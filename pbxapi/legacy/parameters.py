"""What a request of the older interface brings by name: a form, a JSON object, or the query string."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from flask import Request

from pbxapi.errors import Invalid
from pbxapi.http.parser import read_json

_LINE_ENDS = re.compile(r"[\r\n\0]")
LISTS = frozenset({"grplist"})
"""Parameters in which a line end is one of the marks between numbers. None is passed on as it came."""


class Parameters:
    """Each by its name, as text. An empty one counts as absent."""

    def __init__(self, asked: Request) -> None:
        """Raises Invalid for a line end or NUL in any of them, and BadRequest for a body that cannot be read."""
        self._query: dict[str, str] = _checked(asked.args.items(multi=True))
        self._body: dict[str, str] = _checked(asked.form.items(multi=True))
        if asked.is_json:
            self._body |= _checked(_members(read_json(asked.get_data() or b"{}")))

    def text(self, name: str, default: str = "") -> str:
        """From the body, and from the query where the body lacks it."""
        return self._body.get(name) or self._query.get(name) or default

    def queried(self, name: str) -> str:
        """From the query, where the older system looked for some, and from the body where the query lacks it."""
        return self._query.get(name) or self._body.get(name) or ""

    def sent(self, name: str) -> str | None:
        """As `text`, and None where it was not sent at all: an empty one clears what there was."""
        return self._body.get(name, self._query.get(name))

    def required(self, name: str) -> str:
        """As `text`. Raises Invalid when there is none."""
        value = self.text(name)
        if not value:
            raise Invalid(f"{name} parameter is required")
        return value

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        """A whole number. Raises Invalid when it is none, or out of bounds."""
        value = self.text(name, str(default))
        if re.fullmatch(r"[0-9]{1,18}", value) and least <= int(value) <= most:
            return int(value)
        raise Invalid(f"{name} must be a whole number from {least} to {most}")


def _checked(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in items:
        if name in LISTS and "\0" not in value:
            value = ",".join(value.splitlines())  # noqa: PLW2901
        if _LINE_ENDS.search(name) or _LINE_ENDS.search(value):
            raise Invalid(f"{_LINE_ENDS.sub(' ', name)} holds a line end or a NUL, which cannot be passed on")
        found[name] = value  # of several the last counts, as in PHP
    return found


def _members(document: object) -> Iterable[tuple[str, str]]:
    """The members of a JSON object as forms spell them; null is absent."""
    if not isinstance(document, Mapping):
        raise Invalid("The JSON body must be an object")
    for name, value in document.items():
        if isinstance(value, bool):
            yield name, "yes" if value else "no"
        elif isinstance(value, str | int | float):
            yield name, str(value)
        elif value is not None:
            raise Invalid(f"{name} must be a string or a number")
