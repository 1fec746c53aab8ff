"""`/queues/{queue}/members`: who takes a queue's calls, logged in or by configuration.

A member in a path is an extension's number, or an interface whose slashes are percent-encoded. WSGI decodes them, so
the rule takes slashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flask import Response, request

from pbxapi.errors import Invalid
from pbxapi.http import audit
from pbxapi.http.auth import demand, require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import check_if_match, encode, respond
from pbxapi.http.call_policy import check_interface
from pbxapi.http.extension_plans import WriteQuery, answers_with, applied, respond_planned, write_of
from pbxapi.http.paging import Page, collection
from pbxapi.http.queue_answers import member_document
from pbxapi.http.queue_member_bodies import FreshQuery, MemberChangesSchema, MemberDeleteQuery, NewMemberSchema
from pbxapi.http.queue_member_schemas import (
    MemberSchema,
    PlannedMemberSchema,
    RemovedMemberSchema,
    StoredMemberSchema,
)
from pbxapi.http.queues import LIVE_PROBLEMS, PROBLEMS, queues, setup, written
from pbxapi.pbx.provisioning import Outcome
from pbxapi.pbx.queueing import MemberChange, NewMember, StaticMember

blp = Blueprint("queue_members", __name__, description="Members of queues: who takes calls")
blp.named_schemas = (StoredMemberSchema, RemovedMemberSchema, PlannedMemberSchema)


def _one_of(status: int, description: str, *names: str) -> dict[str, Any]:
    [response] = answers_with(*names)["responses"].values()
    return {"responses": {status: {**response, "description": description}}}


@blp.post("/queues/<queue>/members")
@require("agents", "provision")
@blp.arguments(NewMemberSchema, example={"extension": "200", "penalty": 0})
@blp.arguments(WriteQuery, location="query")
@blp.response(201, headers=headers("Location"))
@blp.alt_response(200, schema=PlannedMemberSchema, description="What would be done (`dry_run`)")
@blp.doc(**_one_of(201, "It is a member", "Member", "StoredMember"))
@blp.problems(409, *LIVE_PROBLEMS)
def add_queue_member(body: dict[str, Any], query: dict[str, Any], queue: str) -> Response:
    """Add a member to a queue

    It is logged in, at once, with the name and the lamps that the exchange's own feature code gives it. `persistent`:
    the configuration holds it, `apply` and `dry_run` count, and the key needs the scope `provision`. 409: it is a
    member already.
    """
    persistent = body.pop("persistent")
    member = NewMember(**body)
    if persistent:
        demand("provision")
        stored, outcome = setup().add_member(queue, member, write_of(query))
        return _respond_stored("add", queue, stored, outcome, query, status=201)
    _refuse_dry_run(query)
    check_interface(member.interface)
    found = queues().add(queue, member)
    audit.record("member.add", _target(queue, found.interface), after=body)
    return respond(member_document(found), status=201, headers=_where(queue, found.interface))


@blp.get("/queues/<queue>/members")
@require("read")
@blp.arguments(FreshQuery, location="query")
@blp.response(200, collection(MemberSchema), headers=headers("ETag"))
@blp.problems(*LIVE_PROBLEMS)
def list_queue_members(query: dict[str, Any], queue: str) -> Response:
    """The members of a queue, by number

    The same as in the queue itself.
    """
    found = queues().get(queue, fresh=query["fresh"])
    return respond(Page([member_document(each) for each in found.members], None))


@blp.get("/queues/<queue>/members/<path:member>")
@require("read")
@blp.arguments(FreshQuery, location="query")
@blp.response(200, MemberSchema, headers=headers("ETag"))
@blp.problems(*LIVE_PROBLEMS)
def get_queue_member(query: dict[str, Any], queue: str, member: str) -> Response:
    """One member of a queue

    By extension, or by interface with its slashes encoded: `PJSIP%2F200`.
    """
    return respond(member_document(queues().member(queue, member, fresh=query["fresh"])))


@blp.patch("/queues/<queue>/members/<path:member>")
@require("agents", "provision")
@blp.arguments(MemberChangesSchema)
@blp.arguments(WriteQuery, location="query")
@blp.response(200)
@blp.doc(**_one_of(200, "OK", "Member", "StoredMember", "PlannedMember"))
@blp.problems(*PROBLEMS)
def change_queue_member(body: dict[str, Any], query: dict[str, Any], queue: str, member: str) -> Response:
    """Pause a member, let it go on, or call it sooner or later

    At once, in this queue: `/agents` does it in all. Of a static member a reload of the configuration sets the penalty
    back, unless `persistent` wrote it there, which needs the scope `provision`.
    """
    persistent = body.pop("persistent")
    if "reason" in body:
        body["reason"] = body["reason"] or ""  # null takes it away
    if persistent:
        demand("provision")
    _check_if_match(queue, member)
    if persistent:
        return _keep_penalty(body, query, queue, member)
    _refuse_dry_run(query)
    found = queues().change(queue, member, MemberChange(**body))
    audit.record("member.update", _target(queue, found.interface), after=body)
    return respond(member_document(found))


def _keep_penalty(body: dict[str, Any], query: Mapping[str, Any], queue: str, member: str) -> Response:
    """Write the penalty to the configuration, which is applied; what else is sent is done after that, at once."""
    stored, outcome = setup().change_member(queue, member, body.pop("penalty"), write_of(query))
    response = _respond_stored("update", queue, stored, outcome, query)
    if body and not query["dry_run"]:
        queues().change(queue, member, MemberChange(**body))
        audit.record("member.update", _target(queue, member), after=body)
    return response


@blp.delete("/queues/<queue>/members/<path:member>")
@require("agents", "provision")
@blp.arguments(MemberDeleteQuery, location="query")
@blp.response(200)
@blp.alt_response(204, description="It is logged out")
@blp.doc(**answers_with("RemovedMember", "PlannedMember"))
@blp.problems(*PROBLEMS)
def remove_queue_member(query: dict[str, Any], queue: str, member: str) -> Response:
    """Take a member out of a queue

    A dynamic one is logged out, at once: 204. 409: it is a static one, which only `persistent` takes out of the
    configuration: 200. That needs the scope `provision`.
    """
    if query["persistent"]:
        demand("provision")
    _check_if_match(queue, member)
    if not query["persistent"]:
        _refuse_dry_run(query)
        queues().remove(queue, member)
        audit.record("member.remove", _target(queue, member))
        return Response(status=204)
    outcome = setup().remove_member(queue, member, write_of(query))
    if query["dry_run"]:
        return respond_planned(outcome, result=None)
    written("member.remove", _target(queue, member), outcome, before={"persistent": True})
    return respond({"queue": queue, "member": member, **applied(outcome)})


def _respond_stored(
    did: str, queue: str, stored: StaticMember, outcome: Outcome, query: Mapping[str, Any], *, status: int = 200
) -> Response:
    if query["dry_run"]:
        return respond_planned(outcome, result=stored)
    document = {"interface": stored.interface, "penalty": stored.penalty, "extension": stored.extension}
    after = {**document, "persistent": True}
    written(f"member.{did}", _target(queue, stored.interface), outcome, after=after)
    where = _where(queue, stored.interface) if status == 201 else None
    return respond({**document, **applied(outcome)}, status=status, headers=where)


def _where(queue: str, interface: str) -> dict[str, str]:
    return {"Location": f"{request.script_root}/queues/{quote(queue, safe='')}/members/{quote(interface, safe='')}"}


def _refuse_dry_run(query: Mapping[str, Any]) -> None:
    if query["dry_run"]:
        raise Invalid("What is done at once has no plan", {"dry_run": ["Goes with persistent."]})


def _check_if_match(queue: str, member: str) -> None:
    if "If-Match" in request.headers:
        check_if_match(encode(member_document(queues().member(queue, member, fresh=True))))


def _target(queue: str, member: str) -> str:
    return f"member {member} of queue {queue}"
