"""What goes in and out of `/channels`."""

from __future__ import annotations

import marshmallow as ma

from pbxapi.http.live import LiveQuery
from pbxapi.pbx.text import CHANNEL_STATES, CONTEXT, DTMF, EXTENSION


def matching(pattern: str, what: str) -> ma.validate.Regexp:
    """A validator whose pattern also stands in the document; JSON Schema's has no `\\Z`."""
    return ma.validate.Regexp("^" + pattern.removesuffix(r"\Z") + "$", error=what)


class PartySchema(ma.Schema):
    """A number and a name, as Asterisk shows them."""

    number = ma.fields.String(required=True, allow_none=True, metadata={"example": "200"})
    name = ma.fields.String(required=True, allow_none=True, metadata={"example": "Alice"})


class ChannelSchema(ma.Schema):
    """One leg of a call."""

    id = ma.fields.String(required=True, metadata={"description": "Asterisk's uniqueid.", "example": "1767607200.17"})
    name = ma.fields.String(required=True, metadata={"example": "PJSIP/200-0000002a"})
    technology = ma.fields.String(required=True, metadata={"example": "pjsip"})
    linkedid = ma.fields.String(required=True, metadata={"description": "The call it belongs to."})
    state = ma.fields.String(required=True, validate=ma.validate.OneOf([*CHANNEL_STATES.values(), "unknown"]))
    caller = ma.fields.Nested(PartySchema, required=True)
    connected = ma.fields.Nested(PartySchema, required=True)
    context = ma.fields.String(required=True, allow_none=True, metadata={"example": "from-internal"})
    extension = ma.fields.String(required=True, allow_none=True)
    priority = ma.fields.Integer(required=True, allow_none=True)
    application = ma.fields.String(required=True, allow_none=True, metadata={"example": "Dial"})
    data = ma.fields.String(required=True, allow_none=True, metadata={"description": "The application's arguments."})
    account_code = ma.fields.String(required=True, allow_none=True)
    duration = ma.fields.Integer(required=True, metadata={"description": "Seconds since the channel was made."})
    bridge = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Shared by who hear each other."}
    )
    external_id = ma.fields.String(required=True, allow_none=True)


class ChannelsQuery(LiveQuery):
    """Filters; all of them have to hold."""

    technology = ma.fields.String(validate=ma.validate.Length(1, 20), metadata={"example": "pjsip"})
    state = ma.fields.String(validate=ma.validate.OneOf([*CHANNEL_STATES.values(), "unknown"]))
    linkedid = ma.fields.String(validate=ma.validate.Length(1, 150))


class HangupQuery(ma.Schema):
    """Why."""

    cause = ma.fields.Integer(
        load_default=16,
        validate=ma.validate.Range(1, 127),
        metadata={"description": "Q.850 cause: 16 normal clearing, 17 busy, 21 declined, ..."},
    )


class TransferSchema(ma.Schema):
    """Where to, and how."""

    extension = ma.fields.String(
        required=True, validate=matching(EXTENSION.pattern, "Not an extension."), metadata={"example": "201"}
    )
    context = ma.fields.String(
        validate=matching(CONTEXT.pattern, "Not a context."),
        metadata={"description": "One of CALL_CONTEXTS; the first of them by default.", "example": "from-internal"},
    )
    kind = ma.fields.String(load_default="blind", validate=ma.validate.OneOf(["blind", "attended"]))


class TransferredSchema(ma.Schema):
    """A transfer that Asterisk took on."""

    channel = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(["blind", "attended"]))
    context = ma.fields.String(required=True)
    extension = ma.fields.String(required=True)
    released = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "The channel that a blind transfer hangs up."}
    )
    consulting = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "The channel that speaks to the extension first."}
    )


class MuteSchema(ma.Schema):
    """Muted or not, and in which direction."""

    muted = ma.fields.Boolean(load_default=True)
    direction = ma.fields.String(
        load_default="in",
        validate=ma.validate.OneOf(["in", "out", "both"]),
        metadata={"description": "`in`: what the party says; `out`: what it hears."},
    )


class DtmfSchema(ma.Schema):
    """Digits to play."""

    digits = ma.fields.String(
        required=True, validate=matching(DTMF.pattern, "1 to 32 of 0-9, A-D, * and #."), metadata={"example": "1234#"}
    )
    duration_ms = ma.fields.Integer(load_default=100, validate=ma.validate.Range(40, 1000))


class ParkSchema(ma.Schema):
    """Where to park, and for how long."""

    lot = ma.fields.String(
        validate=ma.validate.Length(1, 80), metadata={"description": "Asterisk chooses when it is left out."}
    )
    timeout = ma.fields.Integer(
        validate=ma.validate.Range(1, 86_400), metadata={"description": "Seconds; the lot's own when left out."}
    )


class ParkedCallSchema(ma.Schema):
    """A call that waits in a parking space."""

    space = ma.fields.String(required=True, metadata={"example": "701"})
    channel = ma.fields.String(required=True)
    channel_id = ma.fields.String(required=True)
    caller = ma.fields.Nested(PartySchema, required=True)
    parked_by = ma.fields.String(required=True, allow_none=True, metadata={"example": "PJSIP/200"})
    duration = ma.fields.Integer(required=True)
    timeout = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "What is left, in seconds."})


class RecordingSchema(ma.Schema):
    """A recording that has begun."""

    channel = ma.fields.String(required=True)
    file = ma.fields.String(required=True, metadata={"example": "pbxapi-1767607200.17-20260105-110000.wav"})
