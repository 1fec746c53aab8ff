"""The blueprint that every resource file makes: flask-smorest's, with strict arguments and complete documentation.

    blp = Blueprint("peers", __name__, description="Devices and trunks.")

    @blp.get("/peers/<name>")
    @require("read")
    @blp.arguments(PeerQuery, location="query")
    @blp.response(200, PeerSchema, headers=headers("ETag", "Age"))
    @blp.problems(502, 503, 504)
    def get_peer(query: dict[str, Any], name: str) -> Response:
        '''One device or trunk.'''
        return respond(...)

The view answers with `respond`, so its schemas describe and do not dump. What follows from the rest is documented by
itself: 401, 403 and 429 from `require`, 422 from arguments, 400, 413 and 415 from a body, 404 from a path with a name
in it, 304 and If-None-Match from a GET with an ETag, If-Match from 412, Idempotency-Key and its problems from a POST,
and 500.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import flask_smorest
import marshmallow as ma

from pbxapi.http.parser import StrictParser

V = TypeVar("V", bound=Callable[..., Any])
Doc = dict[str, Any]
SchemaLike = ma.Schema | type[ma.Schema]

if TYPE_CHECKING:
    import flask

    class _Smorest(flask.Blueprint):
        """flask-smorest's blueprint, which has no types of its own."""

        description: str
        _prepare_doc_cbks: list[Callable[..., Doc]]

        def __init__(self, name: str, import_name: str, *, description: str) -> None: ...
        def arguments(self, schema: SchemaLike, *, location: str = ..., **options: Any) -> Callable[[V], V]: ...
        def response(self, status_code: int, schema: SchemaLike | None = ..., **options: Any) -> Callable[[V], V]: ...
        def doc(self, **what: Any) -> Callable[[V], V]: ...
        def alt_response(self, status_code: int, **options: Any) -> Callable[[V], V]: ...

else:
    _Smorest = flask_smorest.Blueprint


def headers(*names: str) -> dict[str, str]:
    """Name headers of an answer that the OpenAPI document's components describe: ETag, Age, Location, Link, ..."""
    return {name: name for name in names}


class Blueprint(_Smorest):
    """Resources, as functions, and their documentation.

    `named_schemas` are those that are only named in the document, by a `$ref`.
    """

    ARGUMENTS_PARSER = StrictParser()
    named_schemas: tuple[type[ma.Schema], ...] = ()

    def __init__(self, name: str, import_name: str, *, description: str) -> None:
        super().__init__(name, import_name, description=description)
        self._prepare_doc_cbks.append(self._complete)

    def arguments(self, schema: SchemaLike, *, location: str = "json", **options: Any) -> Callable[[V], V]:
        """Read these. A body in which nothing is needed may be left out, and the document says so."""
        if location == "json":
            made = schema() if isinstance(schema, type) else schema
            options.setdefault("required", any(each.required for each in made.fields.values()))
        return super().arguments(schema, location=location, **options)

    @staticmethod
    def problems(*statuses: int) -> Callable[[V], V]:
        """Document problems that an operation can answer with, beside those that go without saying."""

        def decorate(view: V) -> V:
            _apidoc(view).setdefault("problems", set()).update(statuses)
            return view

        return decorate

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        *_: Any,
        **options: Any,
    ) -> None:
        """Register an operation; its id in the document is the function's name."""
        if view_func is not None:
            about = _apidoc(view_func)
            if "<" in rule:
                about.setdefault("problems", set()).add(404)
            about.setdefault("manual_doc", {}).setdefault("operationId", view_func.__name__)
        super().add_url_rule(rule, endpoint, view_func, **options)

    def _complete(self, doc: Doc, doc_info: Doc, *, method: str, **_: object) -> Doc:
        manual = doc_info["manual_doc"]
        if "security" not in manual:
            raise RuntimeError(f"the operation {manual['operationId']} has neither require() nor public")
        responses = doc.setdefault("responses", {})
        if method == "get" and "ETag" in responses.get(200, {}).get("headers", {}):
            responses[304] = {"description": "Not changed since the ETag in If-None-Match.", "headers": headers("ETag")}
            doc.setdefault("parameters", []).append("If-None-Match")
        own = ["X-Request-ID"]
        if manual["security"]:
            own += ["RateLimit", "RateLimit-Policy"]
            if method == "post":
                own.append("Idempotency-Replayed")
                doc.setdefault("parameters", []).append("Idempotency-Key")
        for response in responses.values():
            if isinstance(response, dict):
                response.setdefault("headers", {}).update(headers(*own))
        for status in sorted(_problem_statuses(doc, doc_info, method)):
            responses[status] = f"Problem{status}"
        if 412 in responses:
            doc.setdefault("parameters", []).append("If-Match")
        doc["responses"] = {status: responses[status] for status in sorted(responses, key=int)}
        return doc


def _problem_statuses(doc: Doc, doc_info: Doc, method: str) -> set[int]:
    found = {500, *doc_info.get("problems", ())}
    if doc_info["manual_doc"]["security"]:
        # Behind a key an unknown query parameter is refused even where there are no known ones.
        found |= {401, 403, 422, 429}
        if method == "post":
            # With an Idempotency-Key the body is read and the store is asked whatever the operation is.
            found |= {409, 413, 503}
    if 422 in doc["responses"]:
        found.add(422)
    if "requestBody" in doc:
        found |= {400, 413, 415}
    return found


def _apidoc(view: Any) -> Doc:
    """Give what flask-smorest keeps on a view for its document."""
    if not hasattr(view, "_apidoc"):
        view._apidoc = {}
    found: Doc = view._apidoc
    return found
