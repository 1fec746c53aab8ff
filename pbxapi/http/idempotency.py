"""`Idempotency-Key`: what comes twice is done once, and answered alike (draft-ietf-httpapi-idempotency-key-header-07).

Who can put a row into the store is the first, and does what is asked for. Its answer is kept for 24 hours if something
was done or may have been; when nothing was, the row goes away again, and the next one may try. A row without an answer
means that the first is under way, or died: then nobody can tell, and nobody does it again.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from flask import Response, current_app, request

from pbxapi.errors import Invalid, Unavailable
from pbxapi.http.context import state
from pbxapi.http.problem_kinds import KINDS
from pbxapi.http.problems import may_have_run, problem
from pbxapi.http.sealing import derived, opened, sealed
from pbxapi.store.idempotency import First

R = TypeVar("R")

log = logging.getLogger("pbxapi.http")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LARGEST = 1024 * 1024
"""Bytes of a body that is kept."""
LONGEST = timedelta(minutes=15)
"""No request lasts longer: APPLY_TIMEOUT is ten minutes at most."""
# What such an answer was asked for was done, or may have been.
_MAY_HAVE_CHANGED = frozenset({500, 502, 504})
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one request is known by in the store. `fingerprint` and `answer_key` tell nothing without the settings."""

    id: str
    fingerprint: str
    answer_key: bytes

    @classmethod
    def of_request(cls, key: str) -> Ticket:
        """That of this request, of the key of this name. Raises Invalid, and 413 for a body that is too large."""
        given = request.headers[HEADER]
        if not _PRINTABLE.fullmatch(given):
            words = ["1 to 255 printable characters of ASCII."]
            raise Invalid(f"The header {HEADER} cannot be used", {HEADER: words})
        secret = derived(state().settings.api_secret_key, "pbxapi.idempotency", key, given)
        # A secret in the body could be guessed from a plain hash of it.
        fingerprint = hmac.new(secret, digestmod=sha256)
        for part in (request.method.encode(), request.path.encode(), request.query_string, request.get_data()):
            fingerprint.update(b"%d:" % len(part) + part)
        return cls(sha256(f"{key}\0{given}".encode()).hexdigest(), fingerprint.hexdigest(), secret)


def once(key: str, view: Callable[[], R]) -> R:
    """Answer a POST of the key of this name that brings an Idempotency-Key: as before if it came before.

    Raises Unavailable when the store does not answer: then nothing was done. What the view raises is answered here, as
    it would be answered anyway: it is the answer that is kept.
    """
    ticket = Ticket.of_request(key)
    first = state().store.idempotency.claim(ticket.id, ticket.fingerprint)
    answer: Any = _again(ticket, first) if first else _done(ticket, view)
    return answer  # type: ignore[no-any-return]


def _done(ticket: Ticket, view: Callable[[], Any]) -> Response:
    changed = False
    try:
        answer = current_app.make_response(view())
    except Exception as error:
        answer = current_app.make_response(current_app.handle_user_exception(error))
        changed = may_have_run(error)
    if not (changed or answer.status_code < 300 or answer.status_code in _MAY_HAVE_CHANGED):
        _noted(lambda: state().store.idempotency.release(ticket.id))
        return answer
    kept = None if answer.is_streamed or answer.direct_passthrough else answer.get_data()
    text = None
    if kept is not None and len(kept) <= LARGEST:
        text = sealed(ticket.answer_key, json.dumps(list(answer.headers)).encode() + b"\n" + kept)
    _noted(lambda: state().store.idempotency.keep(ticket.id, answer.status_code, text))
    return answer


def _noted(note: Callable[[], None]) -> None:
    """What is done is done: that the store cannot take the answer now makes no other of it."""
    try:
        note()
    except Unavailable:
        log.exception("the answer to a request with an Idempotency-Key is not kept: who repeats it gets 409 for a day")


def _again(ticket: Ticket, first: First) -> Response:
    if not hmac.compare_digest(first.fingerprint, ticket.fingerprint):
        kind = KINDS["idempotency-key-reused"]
        return problem(kind, f"This {HEADER} came before with another request.")
    if first.status is None:
        return _unanswered(datetime.now(UTC) - first.created_at)
    text = first.answer and opened(ticket.answer_key, first.answer)
    if text is None:
        said = f"It was answered with {first.status} before. That answer was not kept: it was too long, or a stream."
        return problem(KINDS["idempotency-answer-not-kept"], said)
    headers, _, body = text.partition(b"\n")
    answer = Response(body, status=first.status, headers=json.loads(headers))
    answer.headers[REPLAYED] = "true"
    return answer


def _unanswered(age: timedelta) -> Response:
    kind = KINDS["idempotency-key-in-use"]
    if age > LONGEST:
        said = f"A request with this {HEADER} came before, and nobody knows how it ended: look at what is there now."
        return problem(kind, said)
    said = f"A request with this {HEADER} came {max(0, int(age.total_seconds()))} s ago and has no answer yet."
    return problem(kind, said, headers={"Retry-After": "1"})
