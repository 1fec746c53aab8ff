"""`/channels`: live legs of calls, and what can be done to one."""

from __future__ import annotations

from typing import Any

from flask import Response

from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond
from pbxapi.http.call_policy import check_digits, placing
from pbxapi.http.channel_schemas import (
    ChannelSchema,
    ChannelsQuery,
    DtmfSchema,
    HangupQuery,
    MuteSchema,
    ParkedCallSchema,
    ParkSchema,
    RecordingSchema,
    TransferredSchema,
    TransferSchema,
)
from pbxapi.http.context import state
from pbxapi.http.live import respond_live, selected
from pbxapi.http.paging import collection

blp = Blueprint("channels", __name__, description="Live channels: the legs of calls. An id is Asterisk's uniqueid")


@blp.get("/channels")
@require("read")
@blp.arguments(ChannelsQuery, location="query")
@blp.response(200, collection(ChannelSchema), headers=headers("ETag", "Age", "Link"))
@blp.problems(502, 503, 504)
def list_channels(query: dict[str, Any]) -> Response:
    """Live channels"""
    snapshot = state().pbx.channels.all(fresh=query["fresh"])
    wanted = {k: v for k, v in query.items() if k in {"technology", "state", "linkedid"}}
    return respond_live(snapshot, query, lambda channels: selected(channels, wanted), lambda c: (c.linkedid, c.id))


@blp.get("/channels/<channel_id>")
@require("read")
@blp.response(200, ChannelSchema, headers=headers("ETag"))
@blp.problems(502, 503, 504)
def get_channel(channel_id: str) -> Response:
    """One live channel"""
    return respond(state().pbx.channels.get(channel_id))


@blp.delete("/channels/<channel_id>")
@require("calls")
@blp.arguments(HangupQuery, location="query")
@blp.response(204)
@blp.problems(501, 502, 503, 504)
def hang_up_channel(query: dict[str, Any], channel_id: str) -> Response:
    """Hang up one channel"""
    state().pbx.channels.hangup(channel_id, query["cause"])
    return Response(status=204)


@blp.post("/channels/<channel_id>/transfer")
@require("calls")
@blp.arguments(TransferSchema)
@blp.response(202, TransferredSchema)
@blp.problems(409, 501, 502, 503, 504)
def transfer_channel(body: dict[str, Any], channel_id: str) -> Response:
    """Send a channel's party somewhere else

    `blind`: the party goes to the extension at once and whoever it talked to is released. `attended`: whoever it talks
    to first speaks to the extension, and hands the party over by hanging up. The extension is looked for first: 422
    when it does not exist in the context.
    """
    context = body.get("context") or state().settings.calls.contexts[0]
    attended = body["kind"] == "attended"
    with placing(body["extension"], channel=channel_id):
        other = state().pbx.channels.transfer(channel_id, context, body["extension"], attended=attended)
    answer = {"channel": channel_id, "kind": body["kind"], "context": context, "extension": body["extension"]}
    released, consulting = (None, other) if attended else (other, None)
    return respond(
        {**answer, "released": released and released.id, "consulting": consulting and consulting.id}, status=202
    )


@blp.post("/channels/<channel_id>/mute")
@require("calls")
@blp.arguments(MuteSchema)
@blp.response(204)
@blp.problems(501, 502, 503, 504)
def mute_channel(body: dict[str, Any], channel_id: str) -> Response:
    """Mute or unmute a channel

    Nothing tells whether a channel is muted: Asterisk does not say.
    """
    direction = {"both": "all"}.get(body["direction"], body["direction"])
    state().pbx.channels.mute(channel_id, direction, muted=body["muted"])
    return Response(status=204)


@blp.post("/channels/<channel_id>/dtmf")
@require("calls")
@blp.arguments(DtmfSchema)
@blp.response(204)
@blp.problems(501, 502, 503, 504)
def send_dtmf(body: dict[str, Any], channel_id: str) -> Response:
    """Play digits to a channel

    Answers when the last digit has been played.
    """
    check_digits()
    state().pbx.channels.dtmf(channel_id, body["digits"], body["duration_ms"])
    return Response(status=204)


@blp.post("/channels/<channel_id>/park")
@require("calls")
@blp.arguments(ParkSchema)
@blp.response(201, ParkedCallSchema)
@blp.problems(501, 502, 503, 504)
def park_channel(body: dict[str, Any], channel_id: str) -> Response:
    """Park a channel

    Whoever it talked to is released; the answer says in which space it waits.
    """
    return respond(state().pbx.parking.park(channel_id, body.get("lot"), body.get("timeout")), status=201)


@blp.post("/channels/<channel_id>/record")
@require("calls")
@blp.response(201, RecordingSchema)
@blp.problems(409, 501, 502, 503, 504)
def record_channel(channel_id: str) -> Response:
    """Start recording a channel

    Both directions, mixed into one wav file in Asterisk's monitor folder, until it is stopped or the channel hangs up.
    """
    return respond(state().pbx.channels.record(channel_id), status=201)


@blp.delete("/channels/<channel_id>/record")
@require("calls")
@blp.response(204)
@blp.problems(501, 502, 503, 504)
def stop_recording_channel(channel_id: str) -> Response:
    """Stop the recording that was started here

    Recordings that the dialplan or the exchange started go on.
    """
    state().pbx.channels.stop_recording(channel_id)
    return Response(status=204)
