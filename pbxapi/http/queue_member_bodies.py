"""What members of queues and agents are given. What a value may be made of is checked where it is written."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.http.channel_schemas import matching
from pbxapi.http.extension_plans import WriteQuery
from pbxapi.pbx import queue_checks as checks

INTERFACE_LENGTH = 160
REASON_LENGTH = 80
NAME_LENGTH = 80
MOST_MEMBERS = 1000
REASON = r"[^\x00-\x1f\x7f\x85\u2028\u2029|]*"
"""queue_log, where it ends up, is lines of fields with `|` between them."""


def _penalty(**more: Any) -> Any:
    return ma.fields.Integer(
        strict=True,
        validate=ma.validate.Range(*checks.PENALTY),
        metadata={"description": "Those with a lower one are called first.", "example": 0},
        **more,
    )


def _extension(**more: Any) -> Any:
    return ma.fields.String(
        validate=matching(checks.NUMBER, "Must be 1 to 20 digits."),
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
        metadata={
            "description": "Why it is paused: for whoever looks, and for reports. It goes with a pause; null: none.",
            "example": "lunch",
        },
    )


class StaticMemberChangeSchema(ma.Schema):
    """A member that the configuration is to hold: an extension or an interface, which counts where both are sent."""

    extension = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(1, 80),
        metadata={"description": "A number, or as GET gives it.", "example": "200"},
    )
    interface = _interface()
    penalty = _penalty(load_default=0)

    @ma.validates_schema
    def _names_somebody(self, data: dict[str, Any], **_: object) -> None:
        if data.get("extension") is None and "interface" not in data:
            raise ma.ValidationError("Must be given, or interface.", "extension")


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
        validate=ma.validate.Range(*checks.PENALTY),
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
        validate=ma.validate.Range(*checks.PENALTY),
        metadata={"description": "Left out or null: what each queue lists for the extension, else 0.", "example": 0},
    )


class PauseSchema(AgentPlacesSchema):
    """Why, and in which queues."""

    reason = _reason()
