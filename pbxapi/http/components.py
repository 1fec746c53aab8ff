"""What the operations of the OpenAPI document share: headers, preconditions, ways to bring a key, problems."""

from __future__ import annotations

from typing import Any

from pbxapi.http.problem_kinds import KINDS
from pbxapi.http.problems import MEDIA_TYPE

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
    "X-Total-Count": {
        "description": "How many there are in all, when `include_total` asks for it.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 48213,
    },
    "Allow": {
        "description": "The methods that this path has.",
        "schema": {"type": "string"},
        "example": "GET, HEAD, OPTIONS",
    },
    "Accept-Ranges": {
        "description": "`bytes` where parts can be asked for with Range.",
        "schema": {"type": "string", "enum": ["bytes", "none"]},
        "example": "bytes",
    },
    "Content-Disposition": {
        "description": "The file's name, and whether it is to be played (`inline`) or saved (`attachment`).",
        "schema": {"type": "string"},
        "example": 'inline; filename="internal-201-200-20261122-193144-1795375904.0.wav"',
    },
    "Content-Range": {
        "description": "Which bytes these are, and of how many; in a 416 only of how many.",
        "schema": {"type": "string"},
        "example": "bytes 0-65535/480044",
    },
    "Last-Modified": {
        "description": "When the file was last written to; for If-Modified-Since and If-Range.",
        "schema": {"type": "string"},
        "example": "Sun, 22 Nov 2026 18:31:52 GMT",
    },
    "RateLimit": {
        "description": "How many requests (`r`) may still come at once, and in how many seconds (`t`) one more may "
        "(draft-ietf-httpapi-ratelimit-headers-11).",
        "schema": {"type": "string"},
        "example": '"key";r=5999;t=1',
    },
    "RateLimit-Policy": {
        "description": "What limits them, the `key` or the `address`: so many (`q`) in so many seconds (`w`).",
        "schema": {"type": "string"},
        "example": '"key";q=6000;w=60',
    },
    "Idempotency-Replayed": {
        "description": "`true` when this is the answer that a request with this Idempotency-Key got before.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
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
    "If-Modified-Since": "A Last-Modified that the caller has: 304 with no body when it is still right.",
    "If-Range": "An ETag or Last-Modified: Range counts only when it is still right, else all of the file comes.",
    "Range": "The bytes to send, such as `bytes=0-65535`, `bytes=-1000` or several with commas between them.",
    "If-Match": "An ETag: 412 when the resource is no longer what the caller read.",
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "description": "Made up by the caller for this request, a UUID for example. What comes again within 24 hours with "
    "the same value and the same body is not done again: its answer is that of the first, with "
    "`Idempotency-Replayed: true`. Answers after which nothing was changed (400 to 429, 501, most 503) are not kept.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
    "required": False,
}
# Which headers a problem of a status carries, beside X-Request-ID.
PROBLEM_HEADERS = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    405: ("Allow",),
    409: ("Retry-After",),
    416: ("Content-Range",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}
PROBLEM: dict[str, Any] = {
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


def problem_response(status: int) -> dict[str, Any]:
    """Describe the answers with this status, with an example of each kind."""
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
        "description": " / ".join(kind.title for kind in kinds),
        "headers": {name: name for name in names},
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }
