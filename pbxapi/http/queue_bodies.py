"""What `/queues` and `/agents` take. What a value may be made of is checked where it is written."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.http.channel_schemas import matching
from pbxapi.http.extension_plans import WriteQuery
from pbxapi.http.live import LiveQuery
from pbxapi.http.queue_schemas import LIVE_FIELDS, about
from pbxapi.pbx.queueing import STRATEGIES

NUMBER = r"[0-9]{1,20}"
INTERFACE_LENGTH = 160
REASON_LENGTH = 80
NAME_LENGTH = 80
MOST_PENALTY = 2**31 - 1
MOST_MEMBERS = 1000
REASON = r"[^\x00-\x1f\x7f\x85\u2028\u2029|]*"
"""queue_log, where it ends up, is lines of fields with `|` between them."""


def _text(name: str, longest: int = 255) -> Any:
    return ma.fields.String(allow_none=True, validate=ma.validate.Length(max=longest), metadata=about(name))


def _number(name: str, most: int = 2**31 - 1) -> Any:
    return ma.fields.Integer(strict=True, allow_none=True, validate=ma.validate.Range(0, most), metadata=about(name))


def _flag(name: str) -> Any:
    return ma.fields.Boolean(allow_none=True, metadata=about(name))


def _penalty(**more: Any) -> Any:
    return ma.fields.Integer(
        strict=True,
        validate=ma.validate.Range(0, MOST_PENALTY),
        metadata={"description": "Those with a lower one are called first.", "example": 0},
        **more,
    )


def _extension(**more: Any) -> Any:
    return ma.fields.String(
        validate=matching(NUMBER, "Must be 1 to 20 digits."),
        metadata={"description": "An extension's number.", "example": "200"},
        **more,
    )


def _interface(**more: Any) -> Any:
    return ma.fields.String(
        validate=ma.validate.Length(1, INTERFACE_LENGTH),
        metadata={"description": "What is called, as Asterisk names it.", "example": "PJSIP/200"},
        **more,
    )


def _reason() -> Any:
    return ma.fields.String(
        allow_none=True,
        validate=[ma.validate.Length(max=REASON_LENGTH), matching(REASON, "Must be one line, without |.")],
        metadata={"description": "Why it is paused: for whoever looks, and for reports.", "example": "lunch"},
    )


class StaticMemberChangeSchema(ma.Schema):
    """A member that the configuration is to hold: an extension or an interface, which counts where both are sent."""

    extension = _extension(allow_none=True)
    interface = _interface()
    penalty = _penalty(load_default=0)

    @ma.validates_schema
    def _names_somebody(self, data: dict[str, Any], **_: object) -> None:
        if data.get("extension") is None and "interface" not in data:
            raise ma.ValidationError("Must be given, or interface.", "extension")

    @ma.post_load
    def _one_name(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """As GET gives it, it has both."""
        named = "interface" if "interface" in data else "extension"
        return {named: data[named], "penalty": data["penalty"]}


class _QueueFieldsSchema(ma.Schema):
    """What a queue can be given; null sets a field's default."""

    description = _text("description", 80)
    strategy = ma.fields.String(allow_none=True, validate=ma.validate.OneOf(STRATEGIES), metadata=about("strategy"))
    ring_time = _number("ring_time")
    retry = _number("retry")
    wrapup_time = _number("wrapup_time")
    max_callers = _number("max_callers")
    max_wait = _number("max_wait")
    join_empty = _text("join_empty")
    leave_when_empty = _text("leave_when_empty")
    weight = _number("weight")
    autofill = _flag("autofill")
    skip_busy = _flag("skip_busy")
    ring_in_use = _flag("ring_in_use")
    auto_pause = _text("auto_pause", 20)
    auto_pause_delay = _number("auto_pause_delay")
    auto_pause_busy = _flag("auto_pause_busy")
    auto_pause_unavailable = _flag("auto_pause_unavailable")
    service_level = _number("service_level")
    member_delay = _number("member_delay")
    timeout_restart = _flag("timeout_restart")
    report_hold_time = _flag("report_hold_time")
    ringing = _text("ringing", 80)
    music_class = _text("music_class", 80)
    announce_frequency = _number("announce_frequency")
    min_announce_frequency = _number("min_announce_frequency")
    announce_hold_time = _text("announce_hold_time", 20)
    announce_position = _text("announce_position", 20)
    periodic_announce_frequency = _number("periodic_announce_frequency")
    join_announcement_id = _number("join_announcement_id")
    agent_announcement_id = _number("agent_announcement_id")
    caller_id_prefix = _text("caller_id_prefix", 80)
    alert_info = _text("alert_info")
    password = ma.fields.String(
        allow_none=True,
        validate=matching(r"[0-9]{0,20}", "Must be up to 20 digits."),
        metadata={
            "description": "What agents dial to log in. PUT: null or left out, it stays. PATCH: null takes it away.",
            "example": None,
        },
    )
    recording = _text("recording", 20)
    destination_if_no_answer = _text("destination_if_no_answer")
    only_listed_agents = _flag("only_listed_agents")
    dynamic_agents = ma.fields.Dict(
        keys=ma.fields.String(validate=matching(NUMBER, "Must be 1 to 20 digits.")),
        values=ma.fields.Integer(strict=True, validate=ma.validate.Range(0, MOST_PENALTY)),
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
        validate=matching(NUMBER, "Must be 1 to 20 digits."),
        metadata={"description": "It cannot be changed: the one in the path.", "example": "400"},
    )


class NewQueueSchema(QueueChangesSchema):
    """A queue to create: a number and a description are enough."""

    queue = ma.fields.String(
        required=True,
        validate=matching(NUMBER, "Must be 1 to 20 digits."),
        metadata={"description": "A number that nothing else on the exchange has.", "example": "400"},
    )
    description = ma.fields.String(required=True, validate=ma.validate.Length(1, 80), metadata=about("description"))


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


class FreshQuery(ma.Schema):
    """How to read."""

    fresh = ma.fields.Boolean(
        load_default=False, metadata={"description": "Ask the exchange anew rather than share the last answer."}
    )


class NewMemberSchema(ma.Schema):
    """Who is to take calls: an extension or an interface."""

    extension = _extension()
    interface = _interface()
    name = ma.fields.String(
        validate=ma.validate.Length(1, NAME_LENGTH),
        metadata={"description": "As reports are to have it; left out: the extension's.", "example": "Alice"},
    )
    penalty = ma.fields.Integer(
        strict=True,
        validate=ma.validate.Range(0, MOST_PENALTY),
        metadata={"description": "Left out: what the queue lists for the extension, else 0.", "example": 0},
    )
    paused = ma.fields.Boolean(load_default=False, metadata={"description": "Whether it begins with a break."})
    reason = _reason()
    persistent = ma.fields.Boolean(
        load_default=False,
        metadata={
            "description": "Whether it becomes a static member, which the configuration holds; else it is logged in, "
            "at once."
        },
    )

    @ma.validates_schema
    def _fits(self, data: dict[str, Any], **_: object) -> None:
        if ("extension" in data) == ("interface" in data):
            raise ma.ValidationError("Must be given, or interface; not both.", "extension")
        if not data["persistent"]:
            return
        wrong = [name for name in ("paused", "reason", "name") if data.get(name)]
        if wrong:
            raise ma.ValidationError({name: ["No configuration holds it: see PATCH."] for name in wrong})


class MemberChangesSchema(ma.Schema):
    """What is to change of a member; what is left out stays."""

    paused = ma.fields.Boolean(metadata={"description": "Whether it takes a break.", "example": True})
    reason = _reason()
    penalty = _penalty()
    ring_in_use = ma.fields.Boolean(metadata={"description": "Whether it is called while it is in a call."})
    persistent = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Write the `penalty` of a static member to the configuration, to stay."},
    )

    @ma.validates_schema
    def _fits(self, data: dict[str, Any], **_: object) -> None:
        if data["persistent"] and "penalty" not in data:
            raise ma.ValidationError("Must be given: only the penalty is kept in the configuration.", "penalty")
        if not data.keys() - {"persistent"}:
            raise ma.ValidationError("Nothing to change.")


class MemberDeleteQuery(WriteQuery):
    """How to take a member out."""

    persistent = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Take a static member out of the configuration; else a dynamic one is logged out."},
    )


def _queues(what: str) -> Any:
    return ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(1, 80)),
        allow_none=True,
        load_default=None,
        validate=ma.validate.Length(1, MOST_MEMBERS),
        metadata={"description": what, "example": ["400"]},
    )


class AgentPlacesSchema(ma.Schema):
    """In which queues."""

    queues = _queues("Left out or null: every queue that the agent serves.")


class LoginSchema(ma.Schema):
    """Where to log in."""

    queues = _queues("Left out or null: every queue that lists the extension in `dynamic_agents`.")
    penalty = ma.fields.Integer(
        strict=True,
        allow_none=True,
        load_default=None,
        validate=ma.validate.Range(0, MOST_PENALTY),
        metadata={"description": "Left out or null: what each queue lists for the extension, else 0.", "example": 0},
    )


class PauseSchema(AgentPlacesSchema):
    """Why, and in which queues."""

    reason = _reason()
