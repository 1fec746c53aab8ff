"""`/calls`: the legs that share a linkedid, and click-to-call."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response, request

from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond
from pbxapi.http.call_policy import placing
from pbxapi.http.channel_schemas import ChannelSchema, HangupQuery, PartySchema, matching
from pbxapi.http.context import state
from pbxapi.http.live import LiveQuery, respond_live, selected
from pbxapi.http.paging import collection
from pbxapi.pbx.interfaces import FINAL, Call, CallRequest
from pbxapi.pbx.text import CONTEXT, EXTENSION

blp = Blueprint("calls", __name__, description="Calls, live and placed here; placing one")

STATUSES = ["queued", "ringing", "answered", *sorted(FINAL)]
ONE_LINE = matching(r"[^\r\n\x00]*\Z", "Line ends and NUL are not allowed.")


class CallSchema(ma.Schema):
    """A call: its legs while it is live, and what became of it when it was placed here."""

    id = ma.fields.String(required=True, metadata={"description": "The linkedid, which is the first leg's uniqueid."})
    status = ma.fields.String(required=True, validate=ma.validate.OneOf(STATUSES))
    direction = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(["inbound", "outbound", "internal"]),
        metadata={"description": "A guess, by contexts, device names and the length of what is dialled."},
    )
    caller = ma.fields.Nested(PartySchema, required=True)
    callee = ma.fields.Nested(PartySchema, required=True)
    started_at = ma.fields.DateTime(required=True)
    ringing_at = ma.fields.DateTime(required=True, allow_none=True)
    answered_at = ma.fields.DateTime(
        required=True, allow_none=True, metadata={"description": "When `to` answered; known for calls placed here."}
    )
    ended_at = ma.fields.DateTime(required=True, allow_none=True)
    duration = ma.fields.Integer(required=True, metadata={"description": "Seconds from start to end, or to now."})
    channels = ma.fields.List(ma.fields.Nested(ChannelSchema), required=True)
    bridge = ma.fields.String(required=True, allow_none=True)
    external_id = ma.fields.String(required=True, allow_none=True)
    leg = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(["from", "to"]),
        metadata={"description": "Which half the status and the reason speak of."},
    )
    cause = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "Q.850 cause.", "example": 17})
    reason = ma.fields.String(required=True, allow_none=True, metadata={"example": "201 is busy"})


class CallsQuery(LiveQuery):
    """Filters; all of them have to hold."""

    status = ma.fields.String(validate=ma.validate.OneOf(STATUSES))
    direction = ma.fields.String(validate=ma.validate.OneOf(["inbound", "outbound", "internal"]))
    external_id = ma.fields.String(validate=ma.validate.Length(1, 200))


class NewCallSchema(ma.Schema):
    """A call to place: `from` is rung first, and when it has answered, `to` is dialled for it."""

    origin = ma.fields.String(
        data_key="from",
        required=True,
        validate=[ma.validate.Length(1, 128), ONE_LINE],
        metadata={"description": "An extension, a device such as PJSIP/200, or Local/200@context.", "example": "200"},
    )
    to = ma.fields.String(
        required=True, validate=matching(EXTENSION.pattern, "Not dialable."), metadata={"example": "201"}
    )
    context = ma.fields.String(
        validate=matching(CONTEXT.pattern, "Not a context."),
        metadata={"description": "One of CALL_CONTEXTS; the first of them by default.", "example": "from-internal"},
    )
    caller_id = ma.fields.String(
        allow_none=True,
        validate=[ma.validate.Length(0, 160), ONE_LINE],
        metadata={"description": "What the phones show, as a number or as `Name <number>`.", "example": "Sales <555>"},
    )
    timeout = ma.fields.Integer(
        load_default=30, validate=ma.validate.Range(1, 600), metadata={"description": "Seconds that `from` rings."}
    )
    variables = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        metadata={
            "description": "Channel variables for the dialplan; `__NAME` is inherited by `to`.",
            "example": {"CUSTOMER": "4711"},
        },
    )
    auto_answer = ma.fields.Boolean(
        load_default=False, metadata={"description": "Ask the phone of `from` to pick up by itself."}
    )
    external_id = ma.fields.String(
        allow_none=True,
        validate=[ma.validate.Length(1, 200), ONE_LINE],
        metadata={"description": "Yours to find the call by; also in the channel variable PBXAPI_EXTERNAL_ID."},
    )


@blp.get("/calls")
@require("read")
@blp.arguments(CallsQuery, location="query")
@blp.response(200, collection(CallSchema), headers=headers("ETag", "Age", "Link"))
@blp.problems(502, 503, 504)
def list_calls(query: dict[str, Any]) -> Response:
    """Calls that are going on

    Those that are live, and those placed here that have not ended.
    """
    wanted = {k: v for k, v in query.items() if k in {"status", "direction", "external_id"}}
    snapshot = state().pbx.calls.all(fresh=query["fresh"])
    return respond_live(snapshot, query, lambda calls: selected(calls, wanted), _key)


@blp.post("/calls")
@require("calls")
@blp.arguments(NewCallSchema)
@blp.response(202, CallSchema, headers=headers("Location"))
@blp.problems(429, 501, 502, 503, 504)
def place_call(body: dict[str, Any]) -> Response:
    """Place a call

    Answers at once with the call as `queued`; `Location` tells what becomes of it, while it lasts and for at least an
    hour after its end: `queued`, `ringing`, `answered`, then `completed`, `busy`, `no_answer`, `failed` or `canceled`,
    with `reason` saying which half and why. 403 `call-policy` and 429: what the key's call policy does not allow.
    """
    wanted = CallRequest(**{"context": state().settings.calls.contexts[0], **body})
    with placing(wanted.to, origin=wanted.origin, caller_id=wanted.caller_id, variables=wanted.variables or ()) as note:
        call = state().pbx.calls.place(wanted)
        note(call.id)
    return respond(call, status=202, headers={"Location": f"{request.script_root}/calls/{call.id}"})


@blp.get("/calls/<call_id>")
@require("read")
@blp.response(200, CallSchema, headers=headers("ETag"))
@blp.problems(502, 503, 504)
def get_call(call_id: str) -> Response:
    """One call"""
    return respond(state().pbx.calls.get(call_id))


@blp.delete("/calls/<call_id>")
@require("calls")
@blp.arguments(HangupQuery, location="query")
@blp.response(204)
@blp.problems(501, 502, 503, 504)
def hang_up_call(query: dict[str, Any], call_id: str) -> Response:
    """Hang up every channel of a call"""
    state().pbx.calls.hangup(call_id, query["cause"])
    return Response(status=204)


def _key(call: Call) -> tuple[str, str]:
    return call.started_at.isoformat(), call.id
