"""How `/queues` describes who is in a queue: its members, and those who wait."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.http.channel_schemas import PartySchema
from pbxapi.http.extension_plans import AppliedSchema, PlanSchema
from pbxapi.http.peers import DEVICE_STATES

MEMBERSHIPS = ["static", "dynamic", "realtime"]


def live(kind: type[ma.fields.Field[Any]], description: str, example: object, *, null: bool = True) -> Any:
    """A field of what is told, with its example."""
    return kind(required=True, allow_none=null, metadata={"description": description, "example": example})


class StaticMemberSchema(ma.Schema):
    """A member that the configuration holds."""

    interface = live(ma.fields.String, "What is called.", "Local/200@from-queue/n", null=False)
    penalty = live(ma.fields.Integer, "Those with a lower one are called first.", 0, null=False)
    extension = live(ma.fields.String, "The number behind the interface, where there is one.", "200")


class CallerSchema(ma.Schema):
    """Who waits."""

    position = live(ma.fields.Integer, "1 is served next.", 1, null=False)
    channel = live(ma.fields.String, "The channel's name.", "PJSIP/trunk-0000002a", null=False)
    channel_id = live(ma.fields.String, "As in `/channels`.", "1767607200.17", null=False)
    caller = ma.fields.Nested(PartySchema, required=True)
    wait = live(ma.fields.Integer, "Seconds, when Asterisk was asked.", 42, null=False)
    joined_at = live(ma.fields.DateTime, "Since when.", "2026-01-05T10:15:00+00:00", null=False)
    priority = live(ma.fields.Integer, "The higher one is served first.", 0, null=False)


class MemberSchema(ma.Schema):
    """Who takes calls."""

    interface = live(ma.fields.String, "What is called.", "Local/200@from-queue/n", null=False)
    extension = live(ma.fields.String, "The number behind the interface, where there is one.", "200")
    name = live(ma.fields.String, "As reports have it.", "Alice")
    membership = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(MEMBERSHIPS),
        metadata={
            "description": "`static`: the configuration holds it; `dynamic`: it has logged in. Null: it is "
            "configured, and Asterisk does not run it (yet).",
            "example": "dynamic",
        },
    )
    configured = live(
        ma.fields.Boolean, "Whether the exchange's tables hold it; null where there are none.", example=False
    )
    state_interface = live(ma.fields.String, "Whose state counts, if not the interface's.", "hint:200@ext-local")
    state = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(DEVICE_STATES),
        metadata={"description": "Of its device.", "example": "not_inuse"},
    )
    free = live(ma.fields.Boolean, "Whether a call would be offered to it now.", example=True, null=False)
    paused = live(ma.fields.Boolean, "Whether it takes a break.", example=False, null=False)
    paused_reason = live(ma.fields.String, "Why.", "lunch")
    paused_since = live(ma.fields.DateTime, "Since when.", "2026-01-05T12:00:00+00:00")
    penalty = live(ma.fields.Integer, "Those with a lower one are called first.", 0, null=False)
    in_call = live(ma.fields.Boolean, "Whether it talks with a caller of this queue.", example=False)
    calls_taken = live(ma.fields.Integer, "Since it is a member, or Asterisk was started.", 7, null=False)
    last_call = live(ma.fields.DateTime, "When its last call of this queue ended.", "2026-01-05T10:12:31+00:00")
    logged_in_at = live(
        ma.fields.DateTime,
        "Since when it is a member; of a static one since Asterisk loaded it.",
        "2026-01-05T08:00:03+00:00",
    )
    wrapup_time = live(ma.fields.Integer, "Seconds of rest after a call, its own or the queue's.", 10)


class StoredMemberSchema(StaticMemberSchema, AppliedSchema):
    """A static member after a write; its state is in `GET /queues/{queue}/members/{member}`."""


class RemovedMemberSchema(AppliedSchema):
    """A static member that is no more."""

    queue = live(ma.fields.String, "The queue's number.", "400", null=False)
    member = live(ma.fields.String, "As the path named it.", "200", null=False)


class PlannedMemberSchema(ma.Schema):
    """What a write of a static member would do, and what would come of it; null of a delete."""

    plan = ma.fields.Nested(PlanSchema, required=True)
    result = ma.fields.Nested(StaticMemberSchema, required=True, allow_none=True)
