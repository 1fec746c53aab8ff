"""`/queues`: as they are configured, and as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from pbxapi.errors import Invalid, NotSupported
from pbxapi.http import audit
from pbxapi.http.auth import principal, require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import Encoded, encode, respond
from pbxapi.http.context import state
from pbxapi.http.extension_plans import WriteQuery, answers_with, applied, merge_patch, respond_planned, write_of
from pbxapi.http.extensions import how
from pbxapi.http.live import respond_live
from pbxapi.http.paging import collection
from pbxapi.http.queue_answers import by_number, encoded, listed, settings_document, settings_tag
from pbxapi.http.queue_bodies import NewQueueSchema, QueueChangesSchema, QueueDeleteQuery, QueuesQuery
from pbxapi.http.queue_member_bodies import FreshQuery
from pbxapi.http.queue_schemas import (
    LIVE_FIELDS,
    ChangedQueueSchema,
    DeletedQueueSchema,
    PlannedQueueSchema,
    QueueSchema,
)
from pbxapi.http.tags import Precondition
from pbxapi.pbx.provisioning import Outcome
from pbxapi.pbx.queueing import Queue, Queues, QueueSettings, QueueSetup

blp = Blueprint("queues", __name__, description="Queues: as they are configured, and as they are now")
blp.named_schemas = (ChangedQueueSchema, DeletedQueueSchema, PlannedQueueSchema)

CHANGED = answers_with("ChangedQueue", "PlannedQueue")
DELETED = answers_with("DeletedQueue", "PlannedQueue")
LIVE_PROBLEMS = (501, 502, 503, 504)
PROBLEMS = (409, 412, *LIVE_PROBLEMS)


def queues() -> Queues:
    """The exchange's."""
    return state().pbx.queues


def setup() -> QueueSetup:
    """The platform's tables. Raises NotSupported."""
    found = state().pbx.queue_setup
    if found is None:
        raise NotSupported(
            "A plain Asterisk keeps its queues and their static members in queues.conf, which this API does not write: "
            "change them there, and reload app_queue."
        )
    return found


def may_see() -> bool:
    """Whether the scopes of this request's key let it see a queue's password."""
    return "secrets" in principal().scopes


@blp.get("/queues")
@require("read")
@blp.arguments(QueuesQuery, location="query")
@blp.response(200, collection(QueueSchema), headers=headers("ETag", "Age", "Link"))
@blp.problems(*LIVE_PROBLEMS)
def list_queues(query: dict[str, Any]) -> Response:
    """Queues, by number

    Each with its callers and members, for wallboards: all who ask within a second share one question to the exchange.
    `password` is null here, whoever asks.
    """
    snapshot = queues().all(fresh=query["fresh"])
    return respond_live(
        snapshot, query, lambda found: (each for each in found if _fits(each, query)),
        lambda each: by_number(each.queue), listed,
    )  # fmt: skip


def _fits(queue: Queue, query: Mapping[str, Any]) -> bool:
    if query.get("running", queue.running) != queue.running:
        return False
    if query.get("configured", queue.configured) != queue.configured:
        return False
    text = f"{queue.queue} {(queue.settings and queue.settings.description) or ''}"
    return query.get("q", "").casefold() in text.casefold()


@blp.get("/queues/<queue>")
@require("read")
@blp.arguments(FreshQuery, location="query")
@blp.response(200, QueueSchema, headers=headers("ETag"))
@blp.problems(*LIVE_PROBLEMS)
def get_queue(query: dict[str, Any], queue: str) -> Response:
    """One queue

    Its ETag has two halves: If-None-Match compares both, If-Match of a write only that of what is configured, since
    calls come and go.
    """
    found = queues().get(queue, fresh=query["fresh"])
    secrets = may_see()
    response = respond(encoded(found, secrets=secrets))
    if secrets and found.settings and found.settings.password and response.status_code == 200:
        audit.record("secret.read", f"queue {queue}")
    return response


@blp.post("/queues")
@require("provision")
@blp.arguments(
    NewQueueSchema, example={"queue": "400", "description": "Support", "static_members": [{"extension": "200"}]}
)
@blp.arguments(WriteQuery, location="query")
@blp.response(201, ChangedQueueSchema, headers=headers("ETag", "Location"))
@blp.alt_response(200, schema=PlannedQueueSchema, description="What would be done (`dry_run`)")
@blp.problems(409, *LIVE_PROBLEMS)
def create_queue(body: dict[str, Any], query: dict[str, Any]) -> Response:
    """Create a queue

    With all that the exchange's own screens would write for it. 409: something on the exchange has that number.
    """
    number = body["queue"]
    settings, outcome = setup().create(number, _values(number, body), write_of(query))
    return _respond("create", settings, outcome, query, None, status=201)


@blp.put("/queues/<queue>")
@require("provision")
@blp.arguments(QueueChangesSchema)
@blp.arguments(WriteQuery, location="query")
@blp.response(200, headers=headers("ETag"))
@blp.doc(**CHANGED)
@blp.problems(*PROBLEMS)
def replace_queue(body: dict[str, Any], query: dict[str, Any], queue: str) -> Response:
    """Replace a queue's configuration

    What is not sent gets its default, static members among it; the password, and settings that this API does not know,
    stay.
    """
    values = _values(queue, body)
    if values.get("password") is None:
        # As GET gives it to whoever may not see it: to send that back must not take the password away.
        values.pop("password", None)
    unchanged = Precondition(settings_tag)
    settings, outcome = setup().put(queue, values, write_of(query, unchanged))
    return _respond("replace", settings, outcome, query, unchanged.before)


@blp.patch("/queues/<queue>")
@require("provision")
@blp.arguments(QueueChangesSchema)
@blp.arguments(WriteQuery, location="query")
@blp.response(200, headers=headers("ETag"))
@blp.doc(**CHANGED, **merge_patch("QueueChanges"))
@blp.problems(*PROBLEMS)
def change_queue(body: dict[str, Any], query: dict[str, Any], queue: str) -> Response:
    """Change a queue's configuration

    A JSON merge patch (RFC 7396): what is not sent stays, null sets the default or takes away. `static_members` and
    `dynamic_agents` are replaced as a whole.
    """
    unchanged = Precondition(settings_tag)
    settings, outcome = setup().put(queue, _values(queue, body), write_of(query, unchanged), merge=True)
    return _respond("update", settings, outcome, query, unchanged.before)


@blp.delete("/queues/<queue>")
@require("provision")
@blp.arguments(QueueDeleteQuery, location="query")
@blp.response(200)
@blp.doc(**DELETED)
@blp.problems(*PROBLEMS)
def delete_queue(query: dict[str, Any], queue: str) -> Response:
    """Delete a queue

    409: others mention it still (routes, ring groups, ...); `force` deletes it all the same.
    """
    unchanged = Precondition(settings_tag)
    outcome = setup().delete(queue, write_of(query, unchanged))
    if query["dry_run"]:
        return respond_planned(outcome, result=None)
    written("queue.delete", f"queue {queue}", outcome, before=_all(unchanged.before))
    return respond({"queue": queue, **applied(outcome)})


def written(
    action: str,
    target: str,
    outcome: Outcome,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note a write of the tables, and do not show who asks next what was there before."""
    queues().changed()
    audit.record(action, target, detail=how(outcome), before=before, after=after)


def _all(settings: QueueSettings | None) -> dict[str, Any] | None:
    return settings_document(settings, secrets=True) if settings else None


def _values(number: str, body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("queue", number) != number:
        raise Invalid("A queue keeps its number", {"queue": [f"Must be {number}, or left out."]})
    return {name: value for name, value in body.items() if name != "queue" and name not in LIVE_FIELDS}


def _respond(
    did: str,
    settings: QueueSettings,
    outcome: Outcome,
    query: Mapping[str, Any],
    before: QueueSettings | None,
    *,
    status: int = 200,
) -> Response:
    shown = settings_document(settings, secrets=may_see())
    if query["dry_run"]:
        return respond_planned(outcome, result={**shown, "password": None})
    written(f"queue.{did}", f"queue {settings.queue}", outcome, before=_all(before), after=_all(settings))
    body = encode({**shown, **applied(outcome)}).body
    where = {"Location": f"{request.script_root}/queues/{settings.queue}"} if status == 201 else None
    return respond(Encoded(body, settings_tag(settings)), status=status, headers=where)
