"""`/system/info` and `/capabilities`."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response

from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond
from pbxapi.http.context import state
from pbxapi.http.paging import collection

blp = Blueprint("system", __name__, description="The exchange itself, and what works on it")


class AsteriskSchema(ma.Schema):
    """What Asterisk says of itself."""

    version = ma.fields.String(required=True, allow_none=True, metadata={"example": "22.10.1"})
    ami_version = ma.fields.String(required=True, allow_none=True, metadata={"example": "11.0.0"})
    name = ma.fields.String(required=True, allow_none=True)
    started_at = ma.fields.DateTime(required=True, allow_none=True)
    calls = ma.fields.Integer(required=True)
    calls_processed = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "Asterisk 20 and up."})


class InfoSchema(ma.Schema):
    """Versions, the driver, and what it can do."""

    driver = ma.fields.String(required=True, validate=ma.validate.OneOf(["asterisk", "issabel", "freepbx"]))
    version = ma.fields.String(required=True, metadata={"description": "Of pbxapi."})
    asterisk = ma.fields.Nested(AsteriskSchema, required=True)
    capabilities = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Boolean(), required=True)


class CapabilitySchema(ma.Schema):
    """Whether one thing works here."""

    name = ma.fields.String(required=True, metadata={"example": "calls.originate"})
    available = ma.fields.Boolean(required=True)
    reason = ma.fields.String(
        required=True, allow_none=True, metadata={"example": "the manager user lacks write = originate (for Originate)"}
    )


class CapabilitiesQuery(ma.Schema):
    """Whether to ask anew."""

    fresh = ma.fields.Boolean(load_default=False, metadata={"description": "Ask anew; else up to 30 seconds old."})


@blp.get("/system/info")
@require("read")
@blp.response(200, InfoSchema, headers=headers("ETag"))
@blp.problems(502, 503, 504)
def get_system_info() -> Response:
    """Versions and the driver"""
    return respond(state().pbx.system.info())


@blp.get("/capabilities")
@require("read")
@blp.arguments(CapabilitiesQuery, location="query")
@blp.response(200, collection(CapabilitySchema), headers=headers("ETag"))
@blp.problems(502, 503, 504)
def list_capabilities(query: dict[str, Any]) -> Response:
    """What works on this exchange, what does not, and why"""
    return respond({"items": state().pbx.system.capabilities(fresh=query["fresh"]), "next": None})
