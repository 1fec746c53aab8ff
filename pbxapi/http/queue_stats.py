"""`/queues/{queue}/stats`: what a queue did with its calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import marshmallow as ma
from flask import Response, request

from pbxapi.errors import Invalid
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import Encoded, encode, respond
from pbxapi.http.cdr_schemas import Moment
from pbxapi.http.context import capable, state
from pbxapi.http.queue_stats_schemas import QueueStatsSchema
from pbxapi.http.remembered import Remembered, is_closed
from pbxapi.pbx.queueing import QueueStatistics

blp = Blueprint("queue_stats", __name__, description="What queues did with their calls")

LONGEST = timedelta(days=366)


class QueueStatsQuery(ma.Schema):
    """The range, and what is in time."""

    start = Moment(
        metadata={
            "type": "string",
            "description": "Calls that entered from this time on. Without an offset: the exchange's local time. "
            "Left out: the beginning of the day that `end` is in.",
            "example": "2026-11-23T00:00:00+01:00",
            "maxLength": 40,
        }
    )
    end = Moment(
        metadata={
            "type": "string",
            "description": "Up to this time, which is not included any more. Left out: now.",
            "example": "2026-11-24T00:00:00+01:00",
            "maxLength": 40,
        }
    )
    service_level = ma.fields.Integer(
        validate=ma.validate.Range(0, 86_400),
        metadata={
            "description": "Seconds within which calls ought to be answered. Left out: the queue's own, else 60.",
            "example": 20,
        },
    )


@blp.get("/queues/<queue>/stats")
@require("read")
@blp.arguments(QueueStatsQuery, location="query")
@blp.response(200, QueueStatsSchema, headers=headers("ETag"))
@blp.problems(501, 503, 504)
def get_queue_stats(query: dict[str, Any], queue: str) -> Response:
    """What a queue did

    From Asterisk's queue_log, its file or the table that realtime writes; where there is neither, from the call
    records, which tell less: `source` and `warnings` say so. A call counts in the range and the hour in which it
    entered the queue, and as two when it entered twice. What it did after its end is seen for two hours, who was paused
    for twelve hours before `start`. At most 366 days; 504 for more than two million events.

    404: there is no such queue now, and it did nothing in this range.
    """
    question = "queue/stats", request.root_path, request.path, request.query_string
    memory: Remembered[Encoded] = state().remembered
    closed = is_closed(query.get("end"))
    found = memory.get(question) if closed else None
    if found is None:
        found = encode(_statistics(queue, query))
        if closed:
            memory.keep(question, found, len(found.body))
    return respond(found)


def _statistics(queue: str, query: dict[str, Any]) -> QueueStatistics:
    statistician = capable(state().pbx.queue_statistics, "log of its queues")
    end: datetime = query.get("end") or datetime.now(UTC).replace(microsecond=0)
    start: datetime = query.get("start") or _midnight(end)
    if end - start > LONGEST:
        raise Invalid("The range is too long", {"start": [f"More than {LONGEST.days} days before end."]})
    return statistician.of(queue, start, end, query.get("service_level"))


def _midnight(end: datetime) -> datetime:
    # Of a range that ends at midnight, the day before it.
    last = (end - timedelta(microseconds=1)).astimezone(state().pbx.zone)
    return last.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
