"""Reading requests strictly: what is not known is refused by name, and a body is JSON or nothing."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request, request
from webargs import core
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType


class StrictParser(FlaskParser):
    """webargs' parser, which by itself drops unknown query parameters and takes a body of another type for none."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "querystring": ma.RAISE,
    }

    def _raw_load_json(self, req: Request) -> Any:
        body = req.get_data(cache=True)
        if not body:
            return core.missing
        if not is_json_request(req):
            raise UnsupportedMediaType("The body must be JSON, with Content-Type: application/json.")
        return read_json(body)


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


def refuse_query() -> NoReturn:
    """Refuse the parameters of a request to an operation that has none (422, naming each)."""
    error = UnprocessableEntity()
    error.data = {"messages": {"query": {name: ["Unknown parameter."] for name in request.args}}}  # type: ignore[attr-defined]
    raise error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
