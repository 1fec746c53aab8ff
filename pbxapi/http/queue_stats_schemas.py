"""How `/queues/{queue}/stats` describes what it gives."""

from __future__ import annotations

from typing import Any

import marshmallow as ma


def _count(what: str, example: int, *, null: bool = False) -> Any:
    return ma.fields.Integer(required=True, allow_none=null, metadata={"description": what, "example": example})


def _text(what: str, example: str, *, null: bool = False) -> Any:
    return ma.fields.String(required=True, allow_none=null, metadata={"description": what, "example": example})


def _moment(what: str, example: str) -> Any:
    return ma.fields.AwareDateTime(required=True, metadata={"description": what, "example": example})


class WaitsSchema(ma.Schema):
    """Seconds. Null where there was no such call, or nobody knows."""

    average = ma.fields.Float(required=True, allow_none=True, metadata={"example": 14.2})
    percentile_95 = _count("What 95 % of them did not exceed (nearest rank).", 41, null=True)
    longest = _count("Of all.", 77, null=True)


def _waits(what: str) -> Any:
    return ma.fields.Nested(WaitsSchema, required=True, metadata={"description": what})


class AgentStatsSchema(ma.Schema):
    """What one agent did for the queue."""

    agent = _text("The extension; else the interface or the name that the log has.", "200")
    extension = _text("The number behind it, if there is one.", "200", null=True)
    name = _text("What the member goes by.", "Alice", null=True)
    answered = _count("Calls.", 17)
    missed = _count("Calls that rang there, or found it busy, and that it did not answer.", 2, null=True)
    talk = _waits("Of the calls that are over.")
    talk_time = _count("Seconds, of all of these together.", 2890)
    paused_time = _count("Seconds that it was paused in this queue, in the range.", 1800, null=True)


class HourStatsSchema(ma.Schema):
    """Calls that entered in one hour of the exchange's clock."""

    hour = _moment(
        "When it begins. The hour that daylight saving makes come twice is two.", "2026-11-23T09:00:00+01:00"
    )
    offered = _count("Calls.", 12)
    answered = _count("Of these.", 10)
    abandoned = _count("Of these.", 1)
    answered_in_time = _count("Of these.", 9)
    wait = _waits("Of the answered.")
    talk = _waits("Of the answered.")


class QueueStatsSchema(ma.Schema):
    """What a queue did with the calls that entered it. What the source does not tell is null."""

    queue = _text("Its number; of a plain Asterisk its name.", "400")
    source = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["queue_log", "queue_log_table", "cdr"]),
        metadata={"description": "Where from: the file, the table, or the call records, which tell less."},
    )
    start = _moment("Of the range.", "2026-11-23T00:00:00+01:00")
    end = _moment("Of the range, not included.", "2026-11-24T00:00:00+01:00")
    service_level_seconds = _count("What counts as in time.", 60)
    offered = _count("Calls that entered: the sum of the next five.", 120)
    answered = _count("By an agent.", 104)
    abandoned = _count("The caller hung up.", 9)
    timed_out = _count("The caller had waited as long as one may, and was sent on.", 4, null=True)
    left = _count("By a key, because nobody was there to answer, or because Asterisk was restarted.", 1, null=True)
    waiting = _count("Still, or for more than two hours after `end`.", 2, null=True)
    transferred = _count("Of the answered: the agent sent them on.", 6, null=True)
    answered_in_time = _count("Of the answered.", 96)
    abandoned_in_time = _count("Of the abandoned: before it was time.", 3)
    service_level = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Percent of the offered that were answered in time. Those who gave up in time do not count.",
            "example": 82.05,
        },
    )
    wait = _waits("Of the answered, until they were.")
    wait_abandoned = _waits("Of the abandoned, until they hung up.")
    talk = _waits("Of the answered calls that are over.")
    agents = ma.fields.List(ma.fields.Nested(AgentStatsSchema), required=True)
    hours = ma.fields.List(
        ma.fields.Nested(HourStatsSchema),
        required=True,
        metadata={"description": "Each hour of the range, also those without calls."},
    )
    warnings = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "What to know of these numbers.", "example": []}
    )
