"""The audit log as the OpenAPI document describes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from pbxapi.http.channel_schemas import matching
from pbxapi.http.paging import DEFAULT_LIMIT, PageQuery
from pbxapi.store.audit import OUTCOMES

ABOUT = {
    "id": ("Grows; there can be gaps.", 4711),
    "at": ("When it was written down, once it was done.", "2026-01-05T12:00:00.123456+00:00"),
    "request_id": ("That of the answer's X-Request-ID, and in the other logs.", "9f86d081884c7d65"),
    "key": (
        "The key's name; `cli:` and a user for what was done on the command line; null for who brought no key that is "
        "known.",
        "crm",
    ),
    "remote": ("The client's address, as far as TRUSTED_PROXIES tells it.", "192.0.2.7"),
    "action": ("What was done, or was to be.", "extension.update"),
    "target": ("What it was done to.", "extension 200"),
    "outcome": (
        "`refused`: the key may not, or there is none; `failed`: it was begun and ended with a 5xx, and may have been "
        "done in part.",
        "done",
    ),
    "status": ("That of the answer; null for the command line.", 200),
    "detail": ("What else there is to say.", "applied"),
    "before": ("What changed, as it was; secrets are `***`.", {"name": "Alice"}),
    "after": ("What changed, as it is now; of something new, all of it.", {"name": "Alice Smith"}),
}
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_printable = matching(r"[^\x00-\x1f\x7f]*\Z", "Control characters are in no entry.")
NULLABLE = frozenset({"key", "remote", "status", "detail", "before", "after"})


def _about(name: str) -> dict[str, Any]:
    description, example = ABOUT[name]
    return {
        "required": True, "allow_none": name in NULLABLE, "metadata": {"description": description, "example": example},
    }  # fmt: skip


class AuditEntrySchema(ma.Schema):
    """Who did what, when, from where, and how it ended."""

    id = ma.fields.Integer(**_about("id"))
    at = ma.fields.AwareDateTime(**_about("at"))
    request_id = ma.fields.String(**_about("request_id"))
    key = ma.fields.String(**_about("key"))
    remote = ma.fields.String(**_about("remote"))
    action = ma.fields.String(**_about("action"))
    target = ma.fields.String(**_about("target"))
    outcome = ma.fields.String(validate=ma.validate.OneOf(OUTCOMES), **_about("outcome"))
    status = ma.fields.Integer(**_about("status"))
    detail = ma.fields.String(**_about("detail"))
    before = ma.fields.Dict(**_about("before"))
    after = ma.fields.Dict(**_about("after"))


def _filter(most: int, example: str, description: str) -> Any:
    return ma.fields.String(
        validate=[ma.validate.Length(1, most), _printable], metadata={"description": description, "example": example}
    )


def _moment(description: str, example: str) -> Any:
    return ma.fields.AwareDateTime(
        validate=ma.validate.Range(FIRST, LAST), metadata={"description": description, "example": example}
    )


class AuditQuery(PageQuery):
    """Filters; all of them have to hold."""

    limit = ma.fields.Integer(
        load_default=DEFAULT_LIMIT,
        validate=ma.validate.Range(min=1, max=1000),
        metadata={"description": "How many items at most. An export has all of them.", "example": 100},
    )
    start = _moment("From then on, with an offset.", "2026-01-01T00:00:00Z")
    end = _moment("Before that.", "2026-02-01T00:00:00Z")
    key = _filter(80, "crm", "The key's name.")
    action = _filter(64, "extension.", "A whole action, or the beginning of several, up to the dot.")
    target = _filter(500, "extension 200", "What it was done to, in full.")
    outcome = ma.fields.String(validate=ma.validate.OneOf(OUTCOMES))
    remote = _filter(64, "192.0.2.7", "The client's address.")
    request_id = _filter(64, "9f86d081884c7d65", "All that one request did.")
