"""Answers: an object is encoded once, to JSON bytes and their ETag."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, request
from werkzeug.exceptions import PreconditionFailed

from pbxapi.http.paging import Page

# What may stand in a path as it is (RFC 3986, 3.3), beside letters, digits and "-._~".
PATH_SAFE = "/:@!$&'()*+,;="


@dataclass(frozen=True, slots=True)
class Encoded:
    """JSON bytes and their strong ETag, quotes and all. What is read often keeps this rather than the object."""

    body: bytes
    etag: str


def encode(obj: object) -> Encoded:
    """Encode what json knows, and dataclasses (by field) and aware datetimes (ISO 8601, with offset).

    Raises TypeError for anything else, a datetime with no offset among it.
    """
    return tagged(_encoder.encode(obj).encode("utf-8", "replace"))


def text_of(obj: object) -> str:
    """What `encode` makes of it, as text: a part of what is put together elsewhere. Raises TypeError."""
    return _encoder.encode(obj)


def tagged(body: bytes) -> Encoded:
    """JSON that was encoded elsewhere, with its ETag."""
    return Encoded(body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')


def respond(
    obj: object,
    *,
    status: int = 200,
    age: float | None = None,
    max_age: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with an object, or with what `encode` made of it before; 304 when the caller has it already.

    A Page that is not the last gets its Link.
    `age` is how old what we tell is, `max_age` how long a client may use it without asking again, both in seconds.
    """
    encoded = obj if isinstance(obj, Encoded) else encode(obj)
    if status == 200 and _has_already(encoded.etag):
        response = Response(status=304)
    else:
        response = Response(encoded.body, status=status, content_type="application/json")
    response.headers["ETag"] = encoded.etag
    response.headers["Cache-Control"] = "private, no-cache" if max_age is None else f"private, max-age={max_age}"
    if age is not None:
        response.headers["Age"] = str(int(age))
    if isinstance(obj, Page) and obj.next is not None:
        response.headers["Link"] = next_link(obj.next)
    if headers:
        response.headers.update(headers)
    return response


def next_link(cursor: str) -> str:
    """Say where a collection goes on, for the header Link (RFC 8288): this request, with another cursor."""
    query = urlencode({**request.args.to_dict(), "cursor": cursor})
    return f'<{quote(request.root_path + request.path, safe=PATH_SAFE)}?{query}>; rel="next"'


def check_if_match(current: Encoded) -> None:
    """Go on when there is no If-Match, or it names the resource as it is. Raises PreconditionFailed (412)."""
    if "If-Match" in request.headers and not request.if_match.contains(current.etag.strip('"')):
        raise PreconditionFailed("The resource is not what If-Match says: read it again.")


def _has_already(etag: str) -> bool:
    wanted = request.environ.get("HTTP_IF_NONE_MATCH")
    if wanted is None or request.method not in {"GET", "HEAD"}:
        return False
    return wanted == etag or request.if_none_match.contains_weak(etag.strip('"'))


_fields: dict[type, tuple[str, ...]] = {}


def _plain(obj: Any) -> object:
    kind = type(obj)
    names = _fields.get(kind)
    if names is None and dataclasses.is_dataclass(kind):
        names = _fields[kind] = tuple(item.name for item in dataclasses.fields(kind))
    if names is not None:
        return {name: getattr(obj, name) for name in names}
    if isinstance(obj, datetime):
        if obj.tzinfo is None:
            raise TypeError("a time with no offset must not leave this API")
        return obj.isoformat()
    if isinstance(obj, date):
        return obj.isoformat()
    if isinstance(obj, Mapping):
        return dict(obj)
    raise TypeError(f"{kind.__name__} has no JSON form")


# Made once: json.dumps() would make one a call. Nothing that leaves here holds itself.
_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"), default=_plain
)
