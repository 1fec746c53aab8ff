"""`/agents`: who serves queues, over all of them.

An agent in a path is an extension's number, or an interface whose slashes are percent-encoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response

from pbxapi.http import audit
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond
from pbxapi.http.call_policy import check_interface
from pbxapi.http.context import state
from pbxapi.http.live import LiveQuery, respond_live
from pbxapi.http.paging import collection
from pbxapi.http.peers import DEVICE_STATES
from pbxapi.http.queue_answers import by_number
from pbxapi.http.queue_member_bodies import AgentPlacesSchema, FreshQuery, LoginSchema, PauseSchema
from pbxapi.http.queue_member_schemas import MEMBERSHIPS
from pbxapi.pbx.queueing import Agent, Agents

blp = Blueprint("agents", __name__, description="Agents: who serves queues, over all of them")
PROBLEMS = (501, 502, 503, 504)


class AgentMembershipSchema(ma.Schema):
    """An agent in one queue."""

    queue = ma.fields.String(required=True, metadata={"example": "400"})
    interface = ma.fields.String(required=True, metadata={"example": "Local/200@from-queue/n"})
    membership = ma.fields.String(
        required=True, validate=ma.validate.OneOf(MEMBERSHIPS), metadata={"example": "dynamic"}
    )
    paused = ma.fields.Boolean(required=True, metadata={"example": True})
    paused_reason = ma.fields.String(required=True, allow_none=True, metadata={"example": "lunch"})
    paused_since = ma.fields.DateTime(required=True, allow_none=True, metadata={"example": "2026-01-05T12:00:00+00:00"})
    penalty = ma.fields.Integer(required=True, metadata={"example": 0})
    in_call = ma.fields.Boolean(
        required=True, allow_none=True, metadata={"description": "With a caller of this queue.", "example": False}
    )
    calls_taken = ma.fields.Integer(required=True, metadata={"example": 7})
    last_call = ma.fields.DateTime(required=True, allow_none=True, metadata={"example": "2026-01-05T10:12:31+00:00"})
    logged_in_at = ma.fields.DateTime(required=True, allow_none=True, metadata={"example": "2026-01-05T08:00:03+00:00"})


class AgentSchema(ma.Schema):
    """Somebody who serves queues."""

    agent = ma.fields.String(
        required=True,
        metadata={"description": "The extension, or the interface where there is none behind it.", "example": "200"},
    )
    extension = ma.fields.String(required=True, allow_none=True, metadata={"example": "200"})
    name = ma.fields.String(required=True, allow_none=True, metadata={"example": "Alice"})
    state = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(DEVICE_STATES),
        metadata={"description": "Of the device.", "example": "not_inuse"},
    )
    paused = ma.fields.Boolean(
        required=True, metadata={"description": "In every queue that it serves.", "example": False}
    )
    in_call = ma.fields.Boolean(
        required=True, allow_none=True, metadata={"description": "With a caller of any queue.", "example": False}
    )
    calls_taken = ma.fields.Integer(required=True, metadata={"description": "In all queues.", "example": 12})
    last_call = ma.fields.DateTime(required=True, allow_none=True, metadata={"example": "2026-01-05T10:12:31+00:00"})
    queues = ma.fields.List(ma.fields.Nested(AgentMembershipSchema), required=True)


class AgentsQuery(LiveQuery):
    """Filters; all of them have to hold."""

    queue = ma.fields.String(
        validate=ma.validate.Length(1, 80), metadata={"description": "Serves it.", "example": "400"}
    )
    paused = ma.fields.Boolean(metadata={"description": "In every queue that it serves."})
    state = ma.fields.String(validate=ma.validate.OneOf(DEVICE_STATES))
    q = ma.fields.String(
        validate=ma.validate.Length(1, 80),
        metadata={"description": "Part of the number, the interface or the name, in any case."},
    )


def _agents() -> Agents:
    return state().pbx.agents


def _fits(agent: Agent, query: Mapping[str, Any]) -> bool:
    if query.get("paused", agent.paused) != agent.paused or query.get("state", agent.state) != agent.state:
        return False
    if "queue" in query and all(each.queue != query["queue"] for each in agent.queues):
        return False
    return query.get("q", "").casefold() in f"{agent.agent} {agent.name or ''}".casefold()


@blp.get("/agents")
@require("read")
@blp.arguments(AgentsQuery, location="query")
@blp.response(200, collection(AgentSchema), headers=headers("ETag", "Age", "Link"))
@blp.problems(*PROBLEMS)
def list_agents(query: dict[str, Any]) -> Response:
    """Agents, by number

    Everybody who is a member of a queue now.
    """
    snapshot = _agents().all(fresh=query["fresh"])
    return respond_live(
        snapshot, query, lambda agents: (a for a in agents if _fits(a, query)), lambda agent: by_number(agent.agent)
    )


@blp.get("/agents/<path:agent>")
@require("read")
@blp.arguments(FreshQuery, location="query")
@blp.response(200, AgentSchema, headers=headers("ETag"))
@blp.problems(*PROBLEMS)
def get_agent(query: dict[str, Any], agent: str) -> Response:
    """One agent

    404: it serves no queue.
    """
    return respond(_agents().get(agent, fresh=query["fresh"]))


@blp.post("/agents/<path:agent>/login")
@require("agents", "provision")
@blp.arguments(LoginSchema)
@blp.response(200, AgentSchema)
@blp.problems(409, *PROBLEMS)
def log_agent_in(body: dict[str, Any], agent: str) -> Response:
    """Log an agent in

    As a dynamic member. 422: no `queues` are named, and no queue lists the extension.
    """
    check_interface(agent)
    found = _agents().login(agent, body["queues"], body["penalty"])
    audit.record("agent.login", f"agent {agent}", after=body)
    return respond(found)


@blp.post("/agents/<path:agent>/logout")
@require("agents", "provision")
@blp.arguments(AgentPlacesSchema)
@blp.response(200, AgentSchema)
@blp.problems(409, *PROBLEMS)
def log_agent_out(body: dict[str, Any], agent: str) -> Response:
    """Log an agent out

    Of the queues that it has logged in to. Where it is a static member it stays one: those are in `queues`.
    """
    found = _agents().logout(agent, body["queues"])
    audit.record("agent.logout", f"agent {agent}", after=body)
    return respond(found)


@blp.post("/agents/<path:agent>/pause")
@require("agents", "provision")
@blp.arguments(PauseSchema)
@blp.response(200, AgentSchema)
@blp.problems(409, *PROBLEMS)
def pause_agent(body: dict[str, Any], agent: str) -> Response:
    """Pause an agent

    In each of the queues, with the reason, if there is one.
    """
    found = _agents().pause(agent, body.get("reason"), body["queues"])
    audit.record("agent.pause", f"agent {agent}", after=body)
    return respond(found)


@blp.post("/agents/<path:agent>/unpause")
@require("agents", "provision")
@blp.arguments(AgentPlacesSchema)
@blp.response(200, AgentSchema)
@blp.problems(409, *PROBLEMS)
def unpause_agent(body: dict[str, Any], agent: str) -> Response:
    """Let an agent go on"""
    found = _agents().unpause(agent, body["queues"])
    audit.record("agent.unpause", f"agent {agent}", after=body)
    return respond(found)
