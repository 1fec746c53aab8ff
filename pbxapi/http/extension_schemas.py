"""What `/extensions` gives."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.http.extension_plans import AppliedSchema, PlanSchema
from pbxapi.pbx.provisioning import TECHNOLOGIES

SECRETIVE = "null without the scope `secrets`"
POLICY = "`force`, `yes`, `dontcare`, `no` or `never`."

DESCRIPTIONS = {
    "name": "Whose it is; what other phones show.",
    "technology": "What its phone speaks. New ones are `pjsip` or `sip`; left out: what the exchange prefers.",
    "context": "Where its calls enter the dialplan: one of CALL_CONTEXTS.",
    "caller_id": "What calls to the outside show, as a number or as `Name <number>`.",
    "voicemail": "Its mailbox; null is none.",
    "codecs": "In order of preference; none is the exchange's default.",
    "transport": "The PJSIP transport, or udp, tcp, tls for chan_sip.",
    "dtmf_mode": "How digits are sent. `rfc2833` is the older name of `rfc4733`.",
    "call_group": "Groups that it belongs to, by number or name.",
    "pickup_group": "Groups of which it may pick up calls.",
    "recording": "Which of its calls are recorded.",
    "max_contacts": "How many phones may register at a time.",
    "permit": "Addresses that may register, where the exchange has that setting.",
    "deny": "Addresses that may not.",
    "emergency_caller_id": "What emergency calls show.",
    "account_code": "Stands in the call records.",
    "ring_time": "Seconds until voicemail or the like takes over; 0 is the exchange's default.",
    "call_limit": "Calls at a time; 0 is no limit.",
    "webrtc": "For phones in a browser: switches all that they need.",
    "options": "Settings of the device that no field stands for, by the exchange's own names.",
}
EXAMPLES: dict[str, Any] = {
    "name": "Alice", "technology": "pjsip", "context": "from-internal", "caller_id": "Sales <555>",
    "codecs": ["ulaw", "alaw"], "transport": "0.0.0.0-udp", "dtmf_mode": "rfc4733", "call_group": "1",
    "pickup_group": "1", "permit": "192.0.2.0/24", "deny": "0.0.0.0/0", "max_contacts": 1,
    "emergency_caller_id": "5550200", "account_code": "sales", "ring_time": 20, "call_limit": 3, "webrtc": False,
    "options": {"rtp_symmetric": "yes"},
}  # fmt: skip


def about(name: str, **more: Any) -> dict[str, Any]:
    """The metadata of a field."""
    example = {"example": EXAMPLES[name]} if name in EXAMPLES else {}
    return {"description": DESCRIPTIONS[name], **example, **more}


def _told(kind: type[ma.fields.Field[Any]], name: str) -> Any:
    return kind(required=True, allow_none=True, metadata=about(name))


def _texts() -> Any:
    return ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)


class MailboxSchema(ma.Schema):
    """A voicemail box."""

    context = ma.fields.String(required=True, metadata={"example": "default"})
    password = ma.fields.String(
        required=True, allow_none=True, metadata={"description": f"Its PIN; {SECRETIVE}.", "example": None}
    )
    email = ma.fields.String(required=True, allow_none=True, metadata={"example": "alice@example.com"})
    pager = ma.fields.String(required=True, allow_none=True)
    attach = ma.fields.Boolean(required=True, metadata={"description": "Mails bring the message."})
    say_caller_id = ma.fields.Boolean(required=True)
    envelope = ma.fields.Boolean(required=True, metadata={"description": "The date is told before a message."})
    delete = ma.fields.Boolean(required=True, metadata={"description": "Messages go once they were mailed."})
    options = _texts()


class RecordingPolicySchema(ma.Schema):
    """Which calls are recorded."""

    inbound_external = ma.fields.String(required=True, metadata={"description": POLICY, "example": "dontcare"})
    inbound_internal = ma.fields.String(required=True, metadata={"description": POLICY, "example": "dontcare"})
    outbound_external = ma.fields.String(required=True, metadata={"description": POLICY, "example": "dontcare"})
    outbound_internal = ma.fields.String(required=True, metadata={"description": POLICY, "example": "dontcare"})
    on_demand = ma.fields.String(
        required=True, metadata={"description": "`disabled`, `enabled` or `override`.", "example": "disabled"}
    )
    priority = ma.fields.Integer(required=True, metadata={"description": "Whose wish counts when two differ."})


class ExtensionSchema(ma.Schema):
    """A number with its phone."""

    extension = ma.fields.String(required=True, metadata={"example": "200"})
    name = _told(ma.fields.String, "name")
    technology = ma.fields.String(
        required=True, metadata=about("technology", description=f"One of {', '.join(TECHNOLOGIES)}.")
    )
    secret = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": f"What its phone registers with; {SECRETIVE}, but for one that a write has just made.",
            "example": None,
        },
    )
    context = _told(ma.fields.String, "context")
    caller_id = _told(ma.fields.String, "caller_id")
    voicemail = ma.fields.Nested(MailboxSchema, required=True, allow_none=True)
    codecs = ma.fields.List(ma.fields.String(), required=True, metadata=about("codecs"))
    transport = _told(ma.fields.String, "transport")
    dtmf_mode = _told(ma.fields.String, "dtmf_mode")
    call_group = _told(ma.fields.String, "call_group")
    pickup_group = _told(ma.fields.String, "pickup_group")
    recording = ma.fields.Nested(RecordingPolicySchema, required=True, allow_none=True)
    max_contacts = _told(ma.fields.Integer, "max_contacts")
    permit = _told(ma.fields.String, "permit")
    deny = _told(ma.fields.String, "deny")
    emergency_caller_id = _told(ma.fields.String, "emergency_caller_id")
    account_code = _told(ma.fields.String, "account_code")
    ring_time = _told(ma.fields.Integer, "ring_time")
    call_limit = _told(ma.fields.Integer, "call_limit")
    webrtc = ma.fields.Boolean(required=True, metadata=about("webrtc"))
    options = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.String(), required=True, metadata=about("options")
    )
    managed = ma.fields.Boolean(
        required=True,
        metadata={"description": "False: it stands where this API does not write, and is only shown.", "example": True},
    )


class ResultSchema(ma.Schema):
    """What became of one operation."""

    op = ma.fields.String(required=True, metadata={"example": "create"})
    number = ma.fields.String(required=True, metadata={"example": "200"})
    extension = ma.fields.Nested(
        ExtensionSchema, required=True, allow_none=True, metadata={"description": "After it; null once deleted."}
    )
    changed = ma.fields.Boolean(required=True, metadata={"description": "False: it was so already."})
    warnings = ma.fields.List(ma.fields.String(), required=True)


class ChangedExtensionSchema(ExtensionSchema, AppliedSchema):
    """An extension after a write."""


class DeletedExtensionSchema(AppliedSchema):
    """An extension that is no more."""

    extension = ma.fields.String(required=True, metadata={"example": "200"})


class PlannedExtensionsSchema(ma.Schema):
    """What a write would do, and what each of its operations would come to."""

    plan = ma.fields.Nested(PlanSchema, required=True)
    results = ma.fields.List(ma.fields.Nested(ResultSchema), required=True)


class DifferenceSchema(ma.Schema):
    """Where two places disagree."""

    place = ma.fields.String(required=True, metadata={"example": "astdb AMPUSER/200/cidname"})
    expected = ma.fields.String(required=True, allow_none=True, metadata={"example": "Alice"})
    found = ma.fields.String(required=True, allow_none=True, metadata={"example": "Bob"})
    what = ma.fields.String(required=True)
    repairable = ma.fields.Boolean(required=True)
