"""How `/queues` describes what it gives. The answers themselves are made in `queue_answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from pbxapi.http.extension_plans import AppliedSchema, PlanSchema
from pbxapi.http.queue_member_schemas import CallerSchema, MemberSchema, StaticMemberSchema, live
from pbxapi.pbx.queueing import STRATEGIES

DESCRIPTIONS = {
    "description": "What people call it.",
    "strategy": f"Who is called next: {', '.join(f'`{word}`' for word in STRATEGIES)}.",
    "ring_time": "Seconds that a member rings before the next one is tried.",
    "retry": "Seconds until members are tried again; null: not at all.",
    "wrapup_time": "Seconds of rest that a member has after a call.",
    "max_callers": "How many may wait; 0: any number.",
    "max_wait": "Seconds that a caller waits at most; null: any time.",
    "join_empty": "Whether callers may enter while nobody is there to answer: `yes`, `no`, `strict`, `loose`, or "
    "conditions with commas between them.",
    "leave_when_empty": "Whether those who wait are sent on once nobody is there; the same words.",
    "weight": "Of two queues with the same members the heavier one is served first.",
    "autofill": "Callers go to all free members at once, rather than one after the other.",
    "skip_busy": "Members who are in a call are not called, whatever queue or number it came by.",
    "ring_in_use": "Whether members are called while they are in a call.",
    "auto_pause": "Whether a member who does not answer is paused: `no`, `yes` (here), `all` (in every queue).",
    "auto_pause_delay": "Seconds after a member's last call in which that does not happen.",
    "auto_pause_busy": "Whether it happens too when the device is busy.",
    "auto_pause_unavailable": "Whether it happens too when the device is not there.",
    "service_level": "Seconds within which calls ought to be answered.",
    "member_delay": "Seconds between a member's answer and the caller's being heard.",
    "timeout_restart": "Whether a busy or congested device starts `ring_time` anew.",
    "report_hold_time": "Whether the member is told how long the caller has waited.",
    "ringing": "What callers hear: `music`, `ring`, or `ring_when_agent_rings` (music until then).",
    "music_class": "The class of music on hold; null: the caller's own.",
    "announce_frequency": "Seconds between announcements of position or hold time; 0: none.",
    "min_announce_frequency": "Seconds between them at least, when the position changes.",
    "announce_hold_time": "Whether callers are told how long it will take: `no`, `yes`, `once`.",
    "announce_position": "Whether they are told their position: `no`, `yes`, `limit` (up to one), `more` (than one).",
    "periodic_announce_frequency": "Seconds between periodic announcements; 0: none.",
    "join_announcement_id": "A recording of the exchange, played to callers before they enter.",
    "agent_announcement_id": "A recording, played to the member who answers.",
    "caller_id_prefix": "Is put before the caller's name.",
    "alert_info": "The header Alert-Info, by which phones choose their ring tone.",
    "password": "What agents dial to log in. Shown by `GET /queues/{queue}` to keys with the scope `secrets`.",
    "recording": "Whether calls are recorded: `force`, `yes`, `dontcare`, `no`, `never`.",
    "destination_if_no_answer": "Where callers go who were not answered: context,extension,priority.",
    "only_listed_agents": "Whether only those in `dynamic_agents` may log in.",
    "dynamic_agents": "Extensions that are listed for logging in, with their penalties.",
    "static_members": "Members that the configuration holds.",
    "options": "Settings of queues.conf that no field stands for.",
}
EXAMPLES: dict[str, Any] = {
    "description": "Support", "strategy": "rrmemory", "ring_time": 15, "retry": 5, "wrapup_time": 10, "max_callers": 0,
    "max_wait": 300, "join_empty": "yes", "leave_when_empty": "no", "weight": 0, "autofill": True, "skip_busy": False,
    "ring_in_use": False, "auto_pause": "no", "auto_pause_delay": 0, "auto_pause_busy": False,
    "auto_pause_unavailable": False, "service_level": 60, "member_delay": 0, "timeout_restart": False,
    "report_hold_time": False, "ringing": "music", "music_class": "default", "announce_frequency": 30,
    "min_announce_frequency": 15, "announce_hold_time": "once", "announce_position": "yes",
    "periodic_announce_frequency": 0, "join_announcement_id": None, "agent_announcement_id": None,
    "caller_id_prefix": "Support: ", "alert_info": None, "password": None, "recording": "dontcare",
    "destination_if_no_answer": "ext-local,200,dest", "only_listed_agents": False, "dynamic_agents": {"202": 1},
    "static_members": [{"interface": "Local/200@from-queue/n", "penalty": 0, "extension": "200"}],
    "options": {"shared_lastcall": "no"},
}  # fmt: skip


def about(name: str) -> dict[str, Any]:
    """The metadata of a setting."""
    return {"description": DESCRIPTIONS[name], "example": EXAMPLES[name]}


def _told(kind: type[ma.fields.Field[Any]], name: str) -> Any:
    return kind(required=True, allow_none=True, metadata=about(name))


class QueueSettingsSchema(ma.Schema):
    """A queue as it is configured."""

    queue = live(ma.fields.String, "Its number; of a plain Asterisk its name.", "400", null=False)
    description = _told(ma.fields.String, "description")
    strategy = _told(ma.fields.String, "strategy")
    ring_time = _told(ma.fields.Integer, "ring_time")
    retry = _told(ma.fields.Integer, "retry")
    wrapup_time = _told(ma.fields.Integer, "wrapup_time")
    max_callers = _told(ma.fields.Integer, "max_callers")
    max_wait = _told(ma.fields.Integer, "max_wait")
    join_empty = _told(ma.fields.String, "join_empty")
    leave_when_empty = _told(ma.fields.String, "leave_when_empty")
    weight = _told(ma.fields.Integer, "weight")
    autofill = _told(ma.fields.Boolean, "autofill")
    skip_busy = _told(ma.fields.Boolean, "skip_busy")
    ring_in_use = _told(ma.fields.Boolean, "ring_in_use")
    auto_pause = _told(ma.fields.String, "auto_pause")
    auto_pause_delay = _told(ma.fields.Integer, "auto_pause_delay")
    auto_pause_busy = _told(ma.fields.Boolean, "auto_pause_busy")
    auto_pause_unavailable = _told(ma.fields.Boolean, "auto_pause_unavailable")
    service_level = _told(ma.fields.Integer, "service_level")
    member_delay = _told(ma.fields.Integer, "member_delay")
    timeout_restart = _told(ma.fields.Boolean, "timeout_restart")
    report_hold_time = _told(ma.fields.Boolean, "report_hold_time")
    ringing = _told(ma.fields.String, "ringing")
    music_class = _told(ma.fields.String, "music_class")
    announce_frequency = _told(ma.fields.Integer, "announce_frequency")
    min_announce_frequency = _told(ma.fields.Integer, "min_announce_frequency")
    announce_hold_time = _told(ma.fields.String, "announce_hold_time")
    announce_position = _told(ma.fields.String, "announce_position")
    periodic_announce_frequency = _told(ma.fields.Integer, "periodic_announce_frequency")
    join_announcement_id = _told(ma.fields.Integer, "join_announcement_id")
    agent_announcement_id = _told(ma.fields.Integer, "agent_announcement_id")
    caller_id_prefix = _told(ma.fields.String, "caller_id_prefix")
    alert_info = _told(ma.fields.String, "alert_info")
    password = _told(ma.fields.String, "password")
    recording = _told(ma.fields.String, "recording")
    destination_if_no_answer = _told(ma.fields.String, "destination_if_no_answer")
    only_listed_agents = _told(ma.fields.Boolean, "only_listed_agents")
    dynamic_agents = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Integer(), required=True, allow_none=True,
        metadata=about("dynamic_agents"),
    )  # fmt: skip
    static_members = ma.fields.List(
        ma.fields.Nested(StaticMemberSchema), required=True, allow_none=True, metadata=about("static_members")
    )
    options = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.String(), required=True, allow_none=True, metadata=about("options")
    )


class QueueSchema(QueueSettingsSchema):
    """A queue as it is configured and as it is now.

    What only the exchange's tables know is null where they have no such queue, or there are none (a plain Asterisk).
    """

    configured = live(
        ma.fields.Boolean, "Whether the exchange's tables have it; null where there are none.", example=True
    )
    running = live(ma.fields.Boolean, "Whether Asterisk has it.", example=True, null=False)
    waiting = live(ma.fields.Integer, "How many wait.", 1, null=False)
    callers = ma.fields.List(ma.fields.Nested(CallerSchema), required=True, metadata={"description": "In their order."})
    members = ma.fields.List(ma.fields.Nested(MemberSchema), required=True, metadata={"description": "By number."})
    completed = live(ma.fields.Integer, "Calls that were answered, since Asterisk was started or the queue reset.", 120)
    abandoned = live(ma.fields.Integer, "Callers who gave up, since then.", 4)
    holdtime = live(ma.fields.Integer, "Seconds that callers waited, a moving average of Asterisk's.", 12)
    talktime = live(ma.fields.Integer, "Seconds that calls took, a moving average.", 187)
    service_level_percent = live(
        ma.fields.Float, "Of the answered calls, those answered within `service_level`. Null of none.", 93.5
    )
    service_level_percent_2 = live(
        ma.fields.Float, "The same, of all calls. Null of none, and before Asterisk 15.", 90.3
    )
    longest_wait = live(ma.fields.Integer, "Seconds, of those who wait now; 0 when nobody does.", 42, null=False)
    agents_free = live(
        ma.fields.Integer,
        "Members who could be called now. Each member counts in one of `agents_free`, `_busy`, `_paused` and "
        "`_unavailable`.",
        3,
        null=False,
    )
    agents_busy = live(ma.fields.Integer, "Members who talk or ring, paused or not.", 2, null=False)
    agents_paused = live(ma.fields.Integer, "Members who are paused, and do not talk or ring.", 1, null=False)
    agents_unavailable = live(
        ma.fields.Integer, "All others: the device is not there, or Asterisk does not run them.", 0, null=False
    )


class ChangedQueueSchema(QueueSettingsSchema, AppliedSchema):
    """A queue's configuration after a write; its state is in `GET /queues/{queue}`."""


class DeletedQueueSchema(AppliedSchema):
    """A queue that is no more."""

    queue = live(ma.fields.String, "Its number.", "400", null=False)


class PlannedQueueSchema(ma.Schema):
    """What a write would do, and what would come of it; null of a delete."""

    plan = ma.fields.Nested(PlanSchema, required=True)
    result = ma.fields.Nested(QueueSettingsSchema, required=True, allow_none=True)


LIVE_FIELDS: Mapping[str, str] = {
    name: str(item.metadata.get("description", ""))
    for name, item in QueueSchema().fields.items()
    if name not in QueueSettingsSchema().fields
}
