"""The OpenAPI document: flask-smorest collects the operations, and what they share is described here."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from pbxapi.http.auth import SCOPES
from pbxapi.http.blueprint import Blueprint
from pbxapi.http.body import Encoded, encode
from pbxapi.http.problem_kinds import KINDS, of_status
from pbxapi.http.problems import MEDIA_TYPE

DESCRIPTION = """\
One REST interface for the telephone exchanges Asterisk, Issabel and FreePBX.

**Keys.** Every operation but those of `/health` needs one: `Authorization: Bearer <key>`, the bare
`Authorization: <key>`, or `X-API-Key: <key>`. Each names the scope that the key must have; `API_SECRET_KEY` has all:

{scopes}

**Conventions.** JSON in and out, UTF-8; a field with no value is `null`. Times are ISO 8601 with offset, durations are
seconds. A collection is `{{"items": [...], "next": <cursor or null>}}`, with `Link: <...>; rel="next"` where there is
more. Unknown query parameters and fields are refused by name. A read carries an `ETag`: sent back as `If-None-Match` it
saves the body. `X-Request-ID` (1 to 64 of `A-Z a-z 0-9 . _ -`) is taken from the request or made, returned, and stands
in the log.

**Errors** are `application/problem+json` (RFC 9457). `type` is a path from the application's root, the same
everywhere, and a page that says what it means. A path that does not exist is 404, a method that a path lacks is 405
with `Allow`.
"""

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The id of this request, taken from it or made; it stands in the log.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "5f3c2a9be1d04c77",
    },
    "ETag": {
        "description": "Names this state of the resource; for If-None-Match and If-Match.",
        "schema": {"type": "string"},
        "example": '"1c9f6a0d2b7e43a58f10c2d4"',
    },
    "Age": {
        "description": "How many seconds ago the exchange was asked: live reads are shared for LIVE_TTL.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 0,
    },
    "Retry-After": {
        "description": "Seconds to wait before asking again.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
    "Location": {
        "description": "Where the new resource is.",
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/calls/1750000000.17",
    },
    "Link": {
        "description": 'With rel="next": where the collection goes on. Absent on its last page.',
        "schema": {"type": "string"},
        "example": '</peers?limit=100&cursor=WyIyMDAiXQ>; rel="next"',
    },
    "Allow": {
        "description": "The methods that this path has.",
        "schema": {"type": "string"},
        "example": "GET, HEAD, OPTIONS",
    },
    "WWW-Authenticate": {
        "description": "Why the key was refused (RFC 6750).",
        "schema": {"type": "string"},
        "example": 'Bearer realm="pbxapi", error="invalid_token", error_description="the key is not known here"',
    },
}
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, as `Authorization: Bearer <key>`."},
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key in a header of its own.",
    },
}
PRECONDITIONS = {
    "If-None-Match": "An ETag that the caller has: 304 with no body when it is still right.",
    "If-Match": "An ETag: 412 when the resource is no longer what the caller read.",
}
# Which headers a problem of a status carries, beside X-Request-ID.
PROBLEM_HEADERS = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "The kind of problem; stable."},
        "title": {"type": "string", "description": "The kind of problem, in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened this time."},
        "instance": {"type": "string", "format": "uri-reference", "description": "The path that was asked for."},
        "request_id": {"type": "string", "description": "As in X-Request-ID and the log."},
        "errors": {
            "type": "object",
            "description": "For 422: what is wrong, by field or parameter; inner fields as `outer.inner`.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "steps": {
            "type": "array",
            "description": "For a change that is half done: what was left as it is.",
            "items": {"type": "string"},
        },
    },
}


class Api(flask_smorest.Api):  # type: ignore[misc]
    """Collects the operations of one application into its OpenAPI document."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        description = DESCRIPTION.format(scopes="\n".join(f"- `{name}`: {what}" for name, what in SCOPES.items()))
        super().__init__(
            app,
            spec_kwargs={
                "title": "pbxapi",
                "version": version("pbxapi"),
                "openapi_version": "3.1.0",
                "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_schema_name),
                "info": {"description": description, "license": {"name": "MIT"}},
            },
        )
        self.encoded = lru_cache(maxsize=8)(self._encode)

    def register(self, *blueprints: Blueprint) -> None:
        """Serve these resources. Raises RuntimeError for an operation that says nothing of keys."""
        for blueprint in blueprints:
            self.register_blueprint(blueprint)

    def document(self, mount: str = "") -> dict[str, Any]:
        """Give the document, for an application that is mounted at this path."""
        found: dict[str, Any] = {**self.spec.to_dict(), "servers": [{"url": mount or "/"}]}
        return found

    def _encode(self, mount: str) -> Encoded:
        return encode(self.document(mount))

    def _register_error_handlers(self) -> None:
        """Nothing: `problems` answers all errors."""

    def _register_responses(self) -> None:
        components = self.spec.components
        for name, scheme in SECURITY_SCHEMES.items():
            components.security_scheme(name, scheme)
        for name, header in HEADERS.items():
            components.header(name, header, lazy=True)
        for name, what in PRECONDITIONS.items():
            parameter = {"description": what, "schema": {"type": "string"}, "required": False}
            components.parameter(name, "header", {"name": name, **parameter}, lazy=True)
        components.schema("Problem", PROBLEM_SCHEMA)
        for status in sorted({kind.status for kind in KINDS.values()}):
            components.response(f"Problem{status}", _problem_response(status), lazy=True)

    def _register_etag_headers(self) -> None:
        """Nothing: among HEADERS and PRECONDITIONS."""

    def _register_pagination_header(self) -> None:
        """Nothing: collections page by cursor."""


def _problem_response(status: int) -> dict[str, Any]:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    names = ("X-Request-ID", *PROBLEM_HEADERS.get(status, ()))
    examples = {
        kind.slug: {
            "summary": kind.title,
            "value": {
                "type": kind.type,
                "title": kind.title,
                "status": status,
                "detail": kind.meaning,
                "instance": "/peers",
                "request_id": "5f3c2a9be1d04c77",
                **({"errors": {"limit": ["Not a valid integer."]}} if status == 422 else {}),
            },
        }
        for kind in kinds
    }
    return {
        "description": " / ".join(kind.title for kind in kinds) or of_status(status).title,
        "headers": {name: name for name in names},
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }


def _schema_name(schema: Any) -> str:
    name = schema if isinstance(schema, str) else (schema if isinstance(schema, type) else type(schema)).__name__
    return name.removesuffix("Schema")
