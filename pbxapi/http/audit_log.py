"""`GET /audit`: who did what."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

from flask import Response, request
from werkzeug.exceptions import NotAcceptable

from pbxapi.errors import Invalid
from pbxapi.http import audit
from pbxapi.http.audit_schemas import AuditEntrySchema, AuditQuery
from pbxapi.http.audit_text import clean
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond, text_of
from pbxapi.http.context import state
from pbxapi.http.paging import Page, collection
from pbxapi.store.audit import MOST_TARGET, Entry, Position, Wanted, position

blp = Blueprint("audit", __name__, description="The audit log: who did what, and who was refused")

JSON, NDJSON = "application/json", "application/x-ndjson"
LINES = 200
"""Lines of an export that are sent at a time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@blp.get("/audit")
@require("admin")
@blp.arguments(AuditQuery, location="query")
@blp.response(200, collection(AuditEntrySchema), headers=headers("ETag", "Link"))
@blp.doc(responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}})
@blp.problems(406, 503)
def list_audit(query: dict[str, Any]) -> Response:
    """The audit log, newest first

    Changes, looks at secrets, recordings that were played, exports, and refusals. Nothing changes an entry or takes one
    away, but AUDIT_DAYS. A page costs the same at any depth, and while entries are added none is given twice. With
    `Accept: application/x-ndjson` all of it comes as a stream, one entry a line.
    """
    limit, cursor = query.pop("limit"), query.pop("cursor", None)
    if "target" in query:
        query["target"] = clean(query["target"], MOST_TARGET)  # as it was written down
    after, wanted = _position(cursor) if cursor else None, Wanted(**query)
    if _wants_lines():
        return _export(wanted)
    found = state().store.audit.page(wanted, limit + 1, after)
    following = _cursor(found[limit - 1]) if len(found) > limit else None
    return respond(Page(found[:limit], following), headers={"Vary": "Accept"})


def _wants_lines() -> bool:
    accept = request.accept_mimetypes
    if not accept:
        return False
    best = accept.best_match((JSON, NDJSON))
    if best is None:
        raise NotAcceptable(f"This can be given as {JSON} and {NDJSON}.")
    return best == NDJSON


def _export(wanted: Wanted) -> Response:
    audit.record("audit.export", "audit log", after={name: request.args[name] for name in request.args})
    entries = state().store.audit.every(wanted)
    # The first is read now: a store that does not answer is a 503, and no answer that breaks off.
    first = list(islice(entries, 1))
    response = Response(_lines(chain(first, entries)), content_type=NDJSON)
    response.headers["Content-Disposition"] = 'attachment; filename="audit.ndjson"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = "Accept"
    return response


def _lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    rest = iter(entries)
    while batch := list(islice(rest, LINES)):
        yield "".join([f"{text_of(each)}\n" for each in batch]).encode()


def _cursor(last: Entry) -> str:
    at, number = position(last)
    place = [(at - _EPOCH) // timedelta(microseconds=1), number]
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _position(cursor: str) -> Position:
    try:
        place = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        at, number = place
        if type(at) is not int or type(number) is not int or not 0 <= number < 2**63:
            raise ValueError
        return _EPOCH + timedelta(microseconds=at), number
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise Invalid("The cursor is none that this collection gave.", {"cursor": ["Not a cursor."]}) from None
