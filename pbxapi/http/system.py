"""`/system/...` and `/capabilities`."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response

from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond
from pbxapi.http.context import state
from pbxapi.http.paging import collection
from pbxapi.http.system_schemas import DiskSchema, FirewallSchema, ResourcesSchema, ServicesSchema

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


@blp.get("/system/resources")
@require("read")
@blp.response(200, ResourcesSchema, headers=headers("ETag"))
def get_system_resources() -> Response:
    """Uptime, load, memory and users of the host"""
    return respond(state().pbx.host.resources())


@blp.get("/system/disk")
@require("read")
@blp.response(200, DiskSchema, headers=headers("ETag", "Age"))
def get_system_disk() -> Response:
    """The file systems of the host, and what recordings, logs and others take up

    The purposes are counted in the background, which takes minutes where there are many files: until that is done
    their bytes are null and their state is `measuring`. Asking starts a count where the last one is older than 15
    minutes, or than ten times as long as it took.
    """
    disk = state().pbx.host.disk()
    return respond(disk, age=disk.age)


@blp.get("/system/firewall")
@require("read")
@blp.response(200, FirewallSchema, headers=headers("ETag"))
@blp.problems(504)
def get_system_firewall() -> Response:
    """Whether firewall rules are loaded, and the jails of fail2ban

    Read only, and up to 15 seconds old. Only root sees rules and jails: where this API does not run as root, it says
    what it may not see.
    """
    return respond(state().pbx.host.firewall())


@blp.get("/system/services")
@require("read")
@blp.response(200, ServicesSchema, headers=headers("ETag"))
@blp.problems(504)
def list_system_services() -> Response:
    """Asterisk, the database, the web server and fail2ban: whether they run

    Up to 5 seconds old.
    """
    return respond(state().pbx.host.services())


@blp.get("/capabilities")
@require("read")
@blp.arguments(CapabilitiesQuery, location="query")
@blp.response(200, collection(CapabilitySchema), headers=headers("ETag"))
@blp.problems(502, 503, 504)
def list_capabilities(query: dict[str, Any]) -> Response:
    """What works on this exchange, what does not, and why"""
    return respond({"items": state().pbx.system.capabilities(fresh=query["fresh"]), "next": None})
