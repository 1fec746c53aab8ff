"""Reading requests strictly: what is not known is refused by name, and a body is JSON or nothing."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request, request
from webargs import core
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

MOST = 1000
MOST_IN_ALL = 100_000


class StrictParser(FlaskParser):
    """webargs' parser, which by itself drops unknown query parameters and takes a body of another type for none."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "querystring": ma.RAISE,
    }

    def __init__(self) -> None:
        super().__init__()
        self._defaults: dict[Any, dict[str, Any]] = {}
        self._schemas: dict[type[ma.Schema], ma.Schema] = {}

    def parse(self, argmap: Any, req: Request | None = None, *, location: str | None = None, **options: Any) -> Any:
        """Parse as webargs does, but only once for a schema's answer to no query at all, the most frequent one."""
        if location != "query" or request.environ.get("QUERY_STRING") or options.get("validate"):
            return super().parse(argmap, req, location=location, **options)
        found = self._defaults.get(argmap)
        if found is None:
            found = super().parse(argmap, req, location=location, **options)
            if not _is_fixed(self._get_schema(argmap, request), found):
                return found
            self._defaults[argmap] = found
        return dict(found)

    def _get_schema(self, argmap: Any, req: Request) -> ma.Schema:
        """One of a kind is enough: webargs makes one for each request, and so copies all of its fields."""
        if not isinstance(argmap, type):
            return super()._get_schema(argmap, req)
        found = self._schemas.get(argmap)
        if found is None:
            found = self._schemas[argmap] = super()._get_schema(argmap, req)
        return found

    def _raw_load_json(self, req: Request) -> Any:
        body = req.get_data(cache=True)
        if not body:
            return core.missing
        if not is_json_request(req):
            raise UnsupportedMediaType("The body must be JSON, with Content-Type: application/json.")
        document = read_json(body)
        refuse_long(document)
        return document


def read_json(body: bytes) -> Any:
    """Read one JSON document. Raises BadRequest (400): NaN, half a surrogate pair and bad UTF-8 are not JSON."""
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant)
        if b"\\u" in body:
            # An escaped half of a surrogate pair passes json, and then fails wherever the text is next encoded.
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadRequest(f"The body is not JSON{where}.") from None
    return document


def refuse_long(document: Any) -> None:
    """Refuse (422) a list or an object of more than MOST entries, and more than MOST_IN_ALL entries in a body.

    Each of a million wrong entries costs a message about it: megabytes are sent in a second, and read in twenty.
    """
    entries, left = 0, [("body", document)]
    while left:
        name, part = left.pop()
        if not isinstance(part, dict | list):
            continue
        entries += len(part)
        if len(part) > MOST or entries > MOST_IN_ALL:
            _refuse("json", {name: [f"Too long: {MOST} entries at most, and {MOST_IN_ALL} in a body."]})
        inner = part.items() if isinstance(part, dict) else ((name, each) for each in part)
        left.extend((inner_name, each) for inner_name, each in inner if isinstance(each, dict | list))


def refuse_query() -> NoReturn:
    """Refuse the parameters of a request to an operation that has none (422, naming each)."""
    _refuse("query", {name: ["Unknown parameter."] for name in request.args})


def _refuse(location: str, messages: dict[str, list[str]]) -> NoReturn:
    error = UnprocessableEntity()
    error.data = {"messages": {location: messages}}  # type: ignore[attr-defined]
    raise error


def _is_fixed(schema: ma.Schema, defaults: object) -> bool:
    return (
        isinstance(defaults, dict)
        and all(isinstance(value, str | int | float | None) for value in defaults.values())
        and not any(callable(item.load_default) for item in schema.fields.values())
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
