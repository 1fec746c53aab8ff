"""What `/extensions` takes. What a value may be made of is in `pbx/extension_checks.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from pbxapi.errors import Invalid
from pbxapi.http.channel_schemas import matching
from pbxapi.http.extension_schemas import DESCRIPTIONS, EXAMPLES, about
from pbxapi.http.paging import PageQuery
from pbxapi.http.problems import field_errors
from pbxapi.pbx import extension_checks as checks
from pbxapi.pbx.provisioning import TECHNOLOGIES


def _text(name: str, *checked: Any, longest: int = checks.TEXT_LENGTH) -> Any:
    return ma.fields.String(allow_none=True, validate=[ma.validate.Length(max=longest), *checked], metadata=about(name))


def _number(bounds: tuple[int, int], **more: Any) -> Any:
    return ma.fields.Integer(strict=True, allow_none=True, validate=ma.validate.Range(*bounds), **more)


def _word(words: tuple[str, ...], **more: Any) -> Any:
    return ma.fields.String(allow_none=True, validate=ma.validate.OneOf(words), **more)


def _settings(what: str, **more: Any) -> Any:
    return ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.Length(1, 60)),
        values=ma.fields.String(allow_none=True, validate=ma.validate.Length(max=255)),
        metadata={"description": f"{what} Those that are not named stay as they are; null sets the default.", **more},
    )


class MailboxChangesSchema(ma.Schema):
    """A voicemail box as it is to be. What is left out stays as it is, or has its default in a new box."""

    context = ma.fields.String(validate=matching(checks.CONTEXT, "Not a context."), metadata={"example": "default"})
    password = ma.fields.String(
        allow_none=True,
        validate=matching(checks.PIN, "Must be 4 to 20 digits."),
        metadata={
            "description": "Its PIN. Left out or null: it stays; one is made for a new box, and shown once.",
            "example": "4321",
        },
    )
    email = ma.fields.String(
        allow_none=True, validate=ma.validate.Length(max=255), metadata={"example": "alice@example.com"}
    )
    pager = ma.fields.String(allow_none=True, validate=ma.validate.Length(max=255))
    attach = ma.fields.Boolean()
    say_caller_id = ma.fields.Boolean()
    envelope = ma.fields.Boolean()
    delete = ma.fields.Boolean()
    options = _settings("Further options of the box in voicemail.conf.", example={"tz": "european"})


class RecordingPolicyChangesSchema(ma.Schema):
    """Which calls are to be recorded; null sets the default."""

    inbound_external = _word(checks.RECORDING)
    inbound_internal = _word(checks.RECORDING)
    outbound_external = _word(checks.RECORDING)
    outbound_internal = _word(checks.RECORDING)
    on_demand = _word(checks.ON_DEMAND)
    priority = _number(checks.PRIORITY)


class ExtensionChangesSchema(ma.Schema):
    """An extension as it is to be; null sets a field's default."""

    extension = ma.fields.String(
        validate=matching(checks.NUMBER, "Must be 1 to 20 digits."),
        metadata={"description": "It cannot be changed: the one in the path.", "example": "200"},
    )
    managed = ma.fields.Boolean(metadata={"description": "Is not looked at: as GET gives it."})
    name = ma.fields.String(validate=ma.validate.Length(1, checks.NAME_LENGTH), metadata=about("name"))
    technology = ma.fields.String(validate=ma.validate.OneOf(TECHNOLOGIES), metadata=about("technology"))
    secret = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(*checks.SECRET_LENGTH),
        metadata={
            "description": "What its phone registers with. PUT: null or left out, it stays. PATCH: null makes a new "
            "one, which the answer shows once.",
            "example": None,
        },
    )
    context = _text("context", matching(checks.CONTEXT, "Not a context."))
    caller_id = _text("caller_id")
    voicemail = ma.fields.Nested(MailboxChangesSchema, allow_none=True)
    codecs = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(checks.CODECS)),
        allow_none=True,
        validate=ma.validate.Length(max=len(checks.CODECS)),
        metadata=about("codecs"),
    )
    transport = _text("transport", matching(checks.TRANSPORT, "Not a transport's name."))
    dtmf_mode = _word(checks.DTMF_MODES, metadata=about("dtmf_mode"))
    call_group = _text("call_group", matching(checks.GROUPS, "Not groups."))
    pickup_group = _text("pickup_group", matching(checks.GROUPS, "Not groups."))
    recording = ma.fields.Nested(RecordingPolicyChangesSchema, allow_none=True)
    max_contacts = _number(checks.MAX_CONTACTS, metadata=about("max_contacts"))
    permit = _text("permit", longest=255)
    deny = _text("deny", longest=255)
    emergency_caller_id = _text("emergency_caller_id")
    account_code = _text("account_code", matching(checks.ACCOUNT_CODE, "Not an account code."))
    ring_time = _number(checks.RING_TIME, metadata=about("ring_time"))
    call_limit = _number(checks.CALL_LIMIT, metadata=about("call_limit"))
    webrtc = ma.fields.Boolean(allow_none=True, metadata=about("webrtc"))
    options = _settings(DESCRIPTIONS["options"], example=EXAMPLES["options"])


class NewExtensionSchema(ExtensionChangesSchema):
    """An extension to create: a number and a name are enough."""

    extension = ma.fields.String(
        required=True,
        validate=matching(checks.NUMBER, "Must be 1 to 20 digits."),
        metadata={"description": "A number that nothing else on the exchange has.", "example": "200"},
    )
    name = ma.fields.String(required=True, validate=ma.validate.Length(1, checks.NAME_LENGTH), metadata=about("name"))
    technology = ma.fields.String(validate=ma.validate.OneOf(checks.CREATABLE), metadata=about("technology"))
    secret = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(*checks.SECRET_LENGTH),
        metadata={"description": "Left out or null: a good one is made, and the answer shows it once.",
                  "example": None},
    )  # fmt: skip


class ExtensionsQuery(PageQuery):
    """Filters; all of them have to hold."""

    technology = ma.fields.String(validate=ma.validate.OneOf(TECHNOLOGIES))
    q = ma.fields.String(
        validate=ma.validate.Length(1, 80), metadata={"description": "Part of the number or the name, in any case."}
    )


def loaded(schema: ma.Schema, document: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a document that came otherwise than as a request's body. Raises Invalid."""
    try:
        found: dict[str, Any] = schema.load(document)
    except ma.ValidationError as error:
        raise Invalid("Some fields cannot be used", field_errors({"json": error.messages_dict})) from None
    return found
