"""The OpenAPI document: flask-smorest collects the operations, and what they share is described here."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from pbxapi.http.blueprint import Blueprint
from pbxapi.http.body import Encoded, encode
from pbxapi.http.components import HEADERS, IDEMPOTENCY_KEY, PRECONDITIONS, PROBLEM, SECURITY_SCHEMES, problem_response
from pbxapi.http.problem_kinds import KINDS
from pbxapi.scopes import SCOPES

DESCRIPTION = """\
One REST interface for the telephone exchanges Asterisk, Issabel and FreePBX.

**Keys.** Every operation but those of `/health` and links to recordings needs one: `Authorization: Bearer <key>`, the
bare `Authorization: <key>`, or `X-API-Key: <key>`. Each names the scope that the key must have; `API_SECRET_KEY` has
all:

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
            for schema in blueprint.named_schemas:
                self.spec.components.schema(_schema_name(schema), schema=schema)
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
        components.parameter("Idempotency-Key", "header", IDEMPOTENCY_KEY, lazy=True)
        components.schema("Problem", PROBLEM)
        for status in sorted({kind.status for kind in KINDS.values()}):
            components.response(f"Problem{status}", problem_response(status), lazy=True)

    def _register_etag_headers(self) -> None:
        """Nothing: among HEADERS and PRECONDITIONS."""

    def _register_pagination_header(self) -> None:
        """Nothing: collections page by cursor."""


def _schema_name(schema: Any) -> str:
    name = schema if isinstance(schema, str) else (schema if isinstance(schema, type) else type(schema)).__name__
    return name.removesuffix("Schema")
