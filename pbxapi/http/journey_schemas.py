"""What `/cdr/{linkedid}/journey` gives."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.pbx.history import STEPS


def _field(kind: type[ma.fields.Field[Any]], what: str = "", **more: Any) -> Any:
    return kind(required=True, allow_none=True, metadata={**({"description": what} if what else {}), **more})


S = ma.fields.String


class StepSchema(ma.Schema):
    """Something that happened to a channel of a call. What is not told is null."""

    at = _field(ma.fields.DateTime, "When; null where it is told that it was, and not when.")
    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(STEPS),
        metadata={
            "description": "`pbx_answer`: the exchange answered by itself; `bridge`: these hear each other from now on."
        },
    )
    channel = _field(S, "To which channel.", example="PJSIP/201-00000003")
    number = _field(S, "The channel's number.", example="201")
    name = _field(S, "The channel's name.", example="Bob")
    peer = _field(S, "The channels on the other side, with commas between them.")
    by = _field(S, "The channel that did it: who hung up, transferred, parked, retrieved, picked up.")
    extension = _field(S, "What was dialled or reached: a number, a queue, a mailbox.", example="400")
    context = _field(S, "Its context in the dialplan.", example="from-internal")
    application = _field(S, "The application of the dialplan that did it.", example="Queue")
    cause = _field(ma.fields.Integer, "Why it was hung up, as a cause of Q.850.", example=16)
    detail = _field(
        S,
        "In Asterisk's words: how a dialled leg ended (`BUSY`), the sound that was played, the parking lot, why it was "
        "unparked. `answered` or `unanswered` for a call that left a queue.",
    )


class JourneySchema(ma.Schema):
    """The path of a call in time."""

    linkedid = ma.fields.String(required=True, metadata={"example": "1795376941.29"})
    source = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["cel", "cdr"]),
        metadata={"description": "`cel`: the channel event log; `cdr`: the records, which tell less."},
    )
    steps = ma.fields.List(ma.fields.Nested(StepSchema), required=True)
