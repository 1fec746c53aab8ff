"""Collections: `{"items": [...], "next": <cursor or null>}`."""

from __future__ import annotations

import base64
import binascii
import bisect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import marshmallow as ma

from pbxapi.errors import Invalid

T = TypeVar("T")
Key = tuple[str | int, ...]

DEFAULT_LIMIT = 100
MOST = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor of those that follow; None on the last page."""

    items: Sequence[T]
    next: str | None


class PageQuery(ma.Schema):
    """The parameters of a collection that answers whole unless one of them is given; to be inherited."""

    limit = ma.fields.Integer(
        validate=ma.validate.Range(min=1, max=MOST),
        metadata={"description": "How many items at most. Left out: all of them.", "example": 100},
    )
    cursor = ma.fields.String(
        validate=ma.validate.Length(max=1000),
        metadata={"description": "The `next` of the page before, with the same other parameters."},
    )


def collection(item: type[ma.Schema]) -> ma.Schema:
    """Make the schema of a page of these items."""
    name = f"{item.__name__.removesuffix('Schema')}Collection"
    fields: dict[str, Any] = {
        "items": ma.fields.List(ma.fields.Nested(item), required=True),
        "next": ma.fields.String(
            required=True, allow_none=True, metadata={"description": "The cursor of the next page; null on the last."}
        ),
    }
    return ma.Schema.from_dict(fields, name=name)()


def page(
    items: Sequence[T], *, key: Callable[[T], Key], limit: int | None = None, cursor: str | None = None
) -> Page[T]:
    """Cut one page out of a small collection; whole, as it stands, when neither `limit` nor `cursor` is given.

    `key` must tell any two items apart. A cursor says the key of the last item that was given, so that it stays right
    while items come and go. Raises Invalid for a cursor that no page gave.
    """
    if limit is None and cursor is None:
        return Page(items, None)
    ordered = sorted(items, key=key)
    start = _position(ordered, key, cursor) if cursor else 0
    end = start + (limit or DEFAULT_LIMIT)
    return Page(ordered[start:end], _cursor(key(ordered[end - 1])) if end < len(ordered) else None)


def _cursor(last: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(last, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _position(ordered: Sequence[T], key: Callable[[T], Key], cursor: str) -> int:
    try:
        last = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(last, list) or not last:
            raise ValueError
        return bisect.bisect_right(ordered, tuple(last), key=key)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise Invalid("The cursor is none that this collection gave.", {"cursor": ["Not a cursor."]}) from None
