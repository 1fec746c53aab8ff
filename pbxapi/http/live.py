"""Answers from live reads: filtered, paged and encoded once for everybody who asks the same within the time to live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import marshmallow as ma
from flask import Response, request

from pbxapi.http.body import Encoded, encode, next_link, respond
from pbxapi.http.paging import Key, PageQuery, page
from pbxapi.pbx.live import Snapshot

T = TypeVar("T")

# How many different questions are remembered for one snapshot; past that they are answered and forgotten.
MOST_REMEMBERED = 64


class LiveQuery(PageQuery):
    """What every live collection takes."""

    fresh = ma.fields.Boolean(
        load_default=False, metadata={"description": "Ask the exchange anew rather than share the last answer."}
    )


def respond_live(
    snapshot: Snapshot[tuple[T, ...]],
    query: Mapping[str, Any],
    select: Callable[[tuple[T, ...]], Iterable[T]],
    key: Callable[[T], Key],
    encoded: Callable[[Sequence[T], str | None], Encoded] | None = None,
) -> Response:
    """Answer with the items that `select` leaves of a snapshot, which is in the order of `key`.

    `encoded` makes the answer of some items and the cursor of those that follow, where `encode` is not the way.
    """
    question = request.endpoint, *sorted((k, str(v)) for k, v in query.items() if k != "fresh")
    remembered: tuple[Encoded, str | None] | None = snapshot.memo.get(question)
    if remembered is None:
        # All who waited for this snapshot come here at once: one encodes, the others take it from him.
        with snapshot.making:
            remembered = snapshot.memo.get(question) or _encode(snapshot, question, query, select, key, encoded)
    answer, cursor = remembered
    headers = {"Link": next_link(cursor)} if cursor else None
    return respond(answer, age=snapshot.age, headers=headers)


def _encode(  # noqa: PLR0917
    snapshot: Snapshot[tuple[T, ...]],
    question: tuple[Any, ...],
    query: Mapping[str, Any],
    select: Callable[[tuple[T, ...]], Iterable[T]],
    key: Callable[[T], Key],
    encoded: Callable[[Sequence[T], str | None], Encoded] | None,
) -> tuple[Encoded, str | None]:
    found = page(list(select(snapshot.value)), key=key, limit=query.get("limit"), cursor=query.get("cursor"))
    made = encoded(found.items, found.next) if encoded else encode(found), found.next
    if len(snapshot.memo) < MOST_REMEMBERED:
        snapshot.memo[question] = made
    return made


def selected(items: Iterable[T], wanted: Mapping[str, Any]) -> Iterable[T]:
    """The items whose fields have the wanted values."""
    return (item for item in items if all(getattr(item, name) == value for name, value in wanted.items()))
