"""What `/queues` takes. What a value may be made of is checked where it is written.

Words among it: what stands in a queue already, whoever wrote it, may be sent back.
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.http.channel_schemas import matching
from pbxapi.http.extension_plans import WriteQuery
from pbxapi.http.live import LiveQuery
from pbxapi.http.queue_member_bodies import MOST_MEMBERS, StaticMemberChangeSchema
from pbxapi.http.queue_schemas import LIVE_FIELDS, about
from pbxapi.pbx import queue_checks as checks

WORD_LENGTH = 255


def _text(name: str, longest: int) -> Any:
    return ma.fields.String(allow_none=True, validate=ma.validate.Length(max=longest), metadata=about(name))


def _number(name: str, bounds: tuple[int, int] = checks.SECONDS) -> Any:
    return ma.fields.Integer(strict=True, allow_none=True, validate=ma.validate.Range(*bounds), metadata=about(name))


def _flag(name: str) -> Any:
    return ma.fields.Boolean(allow_none=True, metadata=about(name))


class _QueueFieldsSchema(ma.Schema):
    """What a queue can be given; null sets a field's default."""

    description = _text("description", checks.DESCRIPTION_LENGTH)
    strategy = _text("strategy", WORD_LENGTH)
    ring_time = _number("ring_time")
    retry = _number("retry")
    wrapup_time = _number("wrapup_time")
    max_callers = _number("max_callers", checks.CALLERS)
    max_wait = _number("max_wait")
    join_empty = _text("join_empty", WORD_LENGTH)
    leave_when_empty = _text("leave_when_empty", WORD_LENGTH)
    weight = _number("weight", checks.CALLERS)
    autofill = _flag("autofill")
    skip_busy = _flag("skip_busy")
    ring_in_use = _flag("ring_in_use")
    auto_pause = _text("auto_pause", WORD_LENGTH)
    auto_pause_delay = _number("auto_pause_delay")
    auto_pause_busy = _flag("auto_pause_busy")
    auto_pause_unavailable = _flag("auto_pause_unavailable")
    service_level = _number("service_level")
    member_delay = _number("member_delay")
    timeout_restart = _flag("timeout_restart")
    report_hold_time = _flag("report_hold_time")
    ringing = _text("ringing", WORD_LENGTH)
    music_class = _text("music_class", WORD_LENGTH)
    announce_frequency = _number("announce_frequency")
    min_announce_frequency = _number("min_announce_frequency")
    announce_hold_time = _text("announce_hold_time", WORD_LENGTH)
    announce_position = _text("announce_position", WORD_LENGTH)
    periodic_announce_frequency = _number("periodic_announce_frequency")
    join_announcement_id = _number("join_announcement_id", checks.RECORDING_ID)
    agent_announcement_id = _number("agent_announcement_id", checks.RECORDING_ID)
    caller_id_prefix = _text("caller_id_prefix", checks.CALLER_ID_PREFIX_LENGTH)
    alert_info = _text("alert_info", checks.ALERT_INFO_LENGTH)
    password = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(max=20),
        metadata={
            "description": "What agents dial to log in. PUT: null or left out, it stays. PATCH: null takes it away.",
            "example": None,
        },
    )
    recording = _text("recording", WORD_LENGTH)
    destination_if_no_answer = _text("destination_if_no_answer", WORD_LENGTH)
    only_listed_agents = _flag("only_listed_agents")
    dynamic_agents = ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.Length(1, 80)),
        values=ma.fields.Integer(strict=True, validate=ma.validate.Range(*checks.PENALTY)),
        allow_none=True,
        validate=ma.validate.Length(max=MOST_MEMBERS),
        metadata=about("dynamic_agents"),
    )
    static_members = ma.fields.List(
        ma.fields.Nested(StaticMemberChangeSchema),
        allow_none=True,
        validate=ma.validate.Length(max=MOST_MEMBERS),
        metadata=about("static_members"),
    )
    options = ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.Length(1, 60)),
        values=ma.fields.String(allow_none=True, validate=ma.validate.Length(max=255)),
        allow_none=True,
        metadata={**about("options"), "description": "Settings of queues.conf that no field stands for. Those that "
                  "are not named stay as they are; null sets the default."},
    )  # fmt: skip


_Unlooked: Any = ma.Schema.from_dict(
    {
        name: ma.fields.Raw(allow_none=True, metadata={"description": f"Is not looked at: as GET gives it. {what}"})
        for name, what in LIVE_FIELDS.items()
    }
)


class QueueChangesSchema(_QueueFieldsSchema, _Unlooked):  # type: ignore[misc]
    """A queue as it is to be; null sets a field's default. What GET gives can be sent back."""

    queue = ma.fields.String(
        validate=matching(checks.NUMBER, "Must be 1 to 20 digits."),
        metadata={"description": "It cannot be changed: the one in the path.", "example": "400"},
    )


class NewQueueSchema(QueueChangesSchema):
    """A queue to create: a number and a description are enough."""

    queue = ma.fields.String(
        required=True,
        validate=matching(checks.NUMBER, "Must be 1 to 20 digits."),
        metadata={"description": "A number that nothing else on the exchange has.", "example": "400"},
    )
    description = ma.fields.String(
        required=True, validate=ma.validate.Length(1, checks.DESCRIPTION_LENGTH), metadata=about("description")
    )


class QueueDeleteQuery(WriteQuery):
    """How to delete."""

    force = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Delete also what others still mention (409 otherwise); those are left as they are."},
    )


class QueuesQuery(LiveQuery):
    """Filters; all of them have to hold."""

    running = ma.fields.Boolean(metadata={"description": "Whether Asterisk has it."})
    configured = ma.fields.Boolean(
        metadata={"description": "Whether the exchange's tables have it. A plain Asterisk, which has none, gives none."}
    )
    q = ma.fields.String(
        validate=ma.validate.Length(1, 80),
        metadata={"description": "Part of the number or the description, in any case."},
    )
