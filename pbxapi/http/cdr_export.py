"""`GET /cdr` in other forms than JSON: which one is asked for, and an answer that is a stream."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, request
from werkzeug.exceptions import NotAcceptable

TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
}
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "ndjson": TYPES["ndjson"]}


def wanted_form(query_format: str | None) -> str:
    """`json`, `csv` or `ndjson`: what the query says, else what Accept likes best, JSON among equals.

    Raises NotAcceptable (406) when Accept allows none.
    """
    if query_format is not None:
        return query_format
    accept = request.accept_mimetypes
    if not accept:
        return "json"
    quality, form = max(((accept[media], form) for form, media in TYPES.items()), key=lambda found: found[0])
    if not quality:
        raise NotAcceptable(f"This can be given as {', '.join(TYPES.values())}.")
    return form


def respond_export(chunks: Iterator[bytes], form: str, filename: str, total: int | None) -> Response:
    """Answer with a stream; `chunks` is closed when it was sent, the client is gone, or it was never begun.

    Its end is that of the chunked body: one that is cut has none, and `total` in X-Total-Count is there to compare.
    A web server in front may buffer it, so that a slow client holds neither this worker nor the database.
    """
    response = Response(chunks, content_type=CONTENT_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}.{form}"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = "Accept"
    if total is not None:
        response.headers["X-Total-Count"] = str(total)
    return response
