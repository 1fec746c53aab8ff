"""What `/keys` takes and gives."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.http.call_policy_schemas import CallPolicySchema
from pbxapi.http.channel_schemas import matching
from pbxapi.scopes import SCOPES
from pbxapi.store.key_checks import MOST_NETWORKS, NAME
from pbxapi.store.keys import LONGEST_GRACE

STATUSES = ("active", "expired", "revoked")
EXAMPLE_NAME = "crm"
EXAMPLE_TIME = "2027-01-05T00:00:00+00:00"


def _about(description: str, example: object = None) -> dict[str, Any]:
    return {"description": description} | ({} if example is None else {"example": example})


def _name(**more: Any) -> Any:
    return ma.fields.String(
        validate=matching(NAME, "Must be 1 to 64 letters, digits and . _ @ -, beginning with a letter or a digit."),
        metadata=_about("What logs and the audit log know it by.", EXAMPLE_NAME),
        **more,
    )


def _scopes(**more: Any) -> Any:
    return ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(list(SCOPES))),
        validate=ma.validate.Length(1, 20),
        metadata=_about("What it may do.", ["read", "calls"]),
        **more,
    )


def _networks(**more: Any) -> Any:
    return ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(1, 60)),
        validate=ma.validate.Length(max=MOST_NETWORKS),
        metadata=_about("Addresses and networks that it may be used from; none: from everywhere.", ["10.0.0.0/8"]),
        **more,
    )


def _policy(**more: Any) -> Any:
    return ma.fields.Nested(
        CallPolicySchema,
        allow_none=True,
        metadata={"description": "Whom it may call, from where and when; null: no limits."},
        **more,
    )


def _expires_at(**more: Any) -> Any:
    return ma.fields.AwareDateTime(
        allow_none=True, metadata=_about("From then on it is refused; null: never.", EXAMPLE_TIME), **more
    )


class KeySchema(ma.Schema):
    """A key, without what is sent as it: that is nowhere."""

    name = _name(required=True)
    status = ma.fields.String(required=True, validate=ma.validate.OneOf(STATUSES), metadata={"example": "active"})
    prefix = ma.fields.String(required=True, metadata=_about("How it begins, to tell keys apart.", "pbx_9fQb2LxA"))
    scopes = ma.fields.List(ma.fields.String(), required=True, metadata={"example": ["read", "calls"]})
    networks = _networks(required=True)
    policy = _policy(required=True)
    expires_at = _expires_at(required=True)
    created_at = ma.fields.DateTime(required=True, metadata={"example": "2026-01-05T10:00:00+00:00"})
    created_by = ma.fields.String(required=True, metadata=_about("The name of a key, or who gave the command.", "ops"))
    revoked_at = ma.fields.DateTime(required=True, allow_none=True)
    rotated_at = ma.fields.DateTime(required=True, allow_none=True)
    previous_until = ma.fields.DateTime(
        required=True, allow_none=True, metadata=_about("Until when what it was before its last rotation is good.")
    )
    last_used_at = ma.fields.DateTime(required=True, allow_none=True, metadata=_about("To a minute or so."))
    last_used_from = ma.fields.String(required=True, allow_none=True, metadata={"example": "10.0.0.7"})


class MadeKeySchema(KeySchema):
    """A key with what is to be sent as it: shown once."""

    key = ma.fields.String(
        required=True,
        metadata=_about("Keep it: nobody can tell it again.", "pbx_9fQb2LxA0Vn3kT7wYcE1uRzH5sJdM8oGpXi6qBtNlKf"),
    )


class NewKeySchema(ma.Schema):
    """A key that is to be."""

    name = _name(required=True)
    scopes = _scopes(required=True)
    networks = _networks(load_default=list)
    policy = _policy(load_default=None)
    expires_at = _expires_at(load_default=None)


class KeyChangesSchema(ma.Schema):
    """What is to change of a key."""

    scopes = _scopes()
    networks = _networks(allow_none=True)
    policy = _policy()
    expires_at = _expires_at()


class RotationSchema(ma.Schema):
    """How to rotate."""

    grace = ma.fields.Integer(
        strict=True,
        load_default=0,
        validate=ma.validate.Range(0, int(LONGEST_GRACE.total_seconds())),
        metadata=_about("Seconds for which what the key was before is good still.", 86400),
    )
    expires_at = ma.fields.AwareDateTime(
        metadata=_about("When it expires from now on; left out: as before.", EXAMPLE_TIME)
    )
