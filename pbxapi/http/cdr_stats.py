"""`/cdr/stats`: totals of calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import marshmallow as ma
from flask import Response, request

from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import Encoded, encode, respond
from pbxapi.http.cdr_schemas import Moment
from pbxapi.http.context import capable, state
from pbxapi.http.remembered import Remembered, is_closed

blp = Blueprint("cdr_stats", __name__, description="Totals of calls, over any time")

GROUPS = ["hour", "day", "weekday", "heatmap", "extension", "disposition", "queue", "did"]
DEFAULT_RANGE = timedelta(days=30)
GROUP_BY = """
- `hour`, `day`: each of the range, also those without calls. The hour that daylight saving makes come twice is one.
- `weekday`: 1 for Monday to 7 for Sunday.
- `heatmap`: the weekdays, each with its 24 `hours`.
- `disposition`: the best of the call's records, in the order ANSWERED, BUSY, NO ANSWER, CONGESTION, FAILED, UNKNOWN.
- `extension`: each device that had part in the call, by the channels' names (PJSIP/200-..., Local/200@...).
- `queue`: each queue that the call was in, by the records whose last application was Queue.
- `did`: the number that was called from outside. Calls without one are left out.

For `extension`, `queue` and `did` only the records of the call that name it count, and one call can count for several.
"""


class TotalsSchema(ma.Schema):
    """Calls that were counted together. Times are seconds."""

    calls = ma.fields.Integer(required=True)
    answered = ma.fields.Integer(required=True, metadata={"description": "Calls with a record that was answered."})
    answer_rate = ma.fields.Float(required=True, allow_none=True, metadata={"description": "0 to 1.", "example": 0.87})
    talk_time = ma.fields.Integer(
        required=True, metadata={"description": "The sum over the calls; of each, its longest answered record."}
    )
    average_talk_time = ma.fields.Float(required=True, allow_none=True, metadata={"description": "Of answered calls."})
    average_ring_time = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Of answered calls: from the first record's beginning to the first answer."},
    )
    p95_ring_time = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "What 95 % of the answered calls did not ring longer than (nearest rank)."},
    )


class KeyedSchema(TotalsSchema):
    """One hour of a weekday."""

    key = ma.fields.Integer(required=True, metadata={"description": "0 to 23.", "example": 9})


class StatsItemSchema(TotalsSchema):
    """One of the groups."""

    key = ma.fields.Raw(
        required=True,
        metadata={
            "oneOf": [{"type": "string"}, {"type": "integer"}],
            "description": "A time for `hour`, a date for `day`, a number for `weekday` and `heatmap`, else a name.",
            "example": "2026-11-23",
        },
    )
    hours = ma.fields.List(ma.fields.Nested(KeyedSchema), metadata={"description": "For `heatmap` alone: 24."})


class RollUpSchema(ma.Schema):
    """How far the hourly roll-up is."""

    state = ma.fields.String(required=True, validate=ma.validate.OneOf(["building", "current", "failed", "off"]))
    from_ = ma.fields.DateTime(
        required=True, allow_none=True, data_key="from", metadata={"description": "The first hour that is in it."}
    )
    until = ma.fields.DateTime(
        required=True, allow_none=True, metadata={"description": "The first hour that is not in it any more."}
    )
    done = ma.fields.Float(required=True, metadata={"description": "0 to 1.", "example": 0.42})


class StatsSchema(ma.Schema):
    """Totals of the calls of a range, and of its groups."""

    start = ma.fields.AwareDateTime(required=True, metadata={"example": "2026-11-01T00:00:00+01:00"})
    end = ma.fields.AwareDateTime(required=True, metadata={"example": "2026-12-01T00:00:00+01:00"})
    group_by = ma.fields.String(required=True, validate=ma.validate.OneOf(GROUPS))
    totals = ma.fields.Nested(TotalsSchema, required=True, metadata={"description": "Every call of the range, once."})
    items = ma.fields.List(ma.fields.Nested(StatsItemSchema), required=True)
    source = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(["roll_up", "sql", "both"]),
        metadata={"description": "Where it was counted. Null for a range that ended more than 12 hours ago."},
    )
    roll_up = ma.fields.Nested(
        RollUpSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null for a range that ended more than 12 hours ago."},
    )


class StatsQuery(ma.Schema):
    """The range, and what to group by."""

    start = Moment(
        metadata={
            "type": "string",
            "description": "From this time on. Without an offset: the exchange's local time. "
            "Left out: 30 days before `end`.",
            "example": "2026-11-01T00:00:00+01:00",
            "maxLength": 40,
        }
    )
    end = Moment(
        metadata={
            "type": "string",
            "description": "Up to this time, which is not included any more. Left out: now.",
            "example": "2026-12-01T00:00:00+01:00",
            "maxLength": 40,
        }
    )
    group_by = ma.fields.String(
        load_default="day", validate=ma.validate.OneOf(GROUPS), metadata={"description": GROUP_BY.strip()}
    )


@blp.get("/cdr/stats")
@require("cdr")
@blp.arguments(StatsQuery, location="query")
@blp.response(200, StatsSchema, headers=headers("ETag"))
@blp.problems(501, 503, 504)
def get_cdr_stats(query: dict[str, Any]) -> Response:
    """Totals of calls

    A call is all records that share a linkedid (where there is none, a uniqueid) and begin in the same hour; hours,
    days and weekdays are those of the exchange's clock. A call whose records lie on both sides of a full hour counts
    in both.

    The first request starts an hourly roll-up in the background, newest days first; with it a year takes milliseconds.
    What is not in it yet is counted when it is asked for, with the same result: `roll_up` tells how far it is. Totals
    stay in it when old records are purged. No more than 10,000 items are given.
    """
    question = "cdr/stats", request.root_path, request.query_string
    memory: Remembered[Encoded] = state().remembered
    closed = is_closed(query.get("end"))
    found = memory.get(question) if closed else None
    if found is None:
        found = _counted(query, closed=closed)
        if closed:
            memory.keep(question, found, len(found.body))
    return respond(found)


def _counted(query: dict[str, Any], *, closed: bool) -> Encoded:
    statistics = capable(state().pbx.call_statistics, "call records (set CDR_DATABASE_URL or DB_PASSWORD)")
    end: datetime = query.get("end") or datetime.now(UTC)
    totals = statistics.totals(query.get("start") or end - DEFAULT_RANGE, end, query["group_by"])
    if closed:
        # How it was counted is no part of what is true for ever: the ETag must not depend on it.
        totals |= {"source": None, "roll_up": None}
    return encode(totals)
