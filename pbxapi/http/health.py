"""`/health/live` and `/health/ready`: for load balancers and for the one who is on call."""

from __future__ import annotations

import marshmallow as ma
from flask import Response

from pbxapi.http.auth import public
from pbxapi.http.blueprint import Blueprint
from pbxapi.http.body import respond
from pbxapi.http.context import state

blp = Blueprint("health", __name__, description="Whether this program and what it needs are there; no key needed")


class LiveSchema(ma.Schema):
    """This program runs."""

    status = ma.fields.String(required=True, validate=ma.validate.Equal("ok"))


class ReadySchema(ma.Schema):
    """Which parts answer."""

    status = ma.fields.String(required=True, validate=ma.validate.OneOf(["ok", "unavailable"]))
    parts = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(validate=ma.validate.OneOf(["ok", "unavailable"])),
        required=True,
        metadata={"example": {"ami": "ok", "store": "ok"}},
    )


@blp.get("/health/live")
@public
@blp.response(200, LiveSchema)
def get_live() -> Response:
    """Whether this program runs"""
    return respond({"status": "ok"})


@blp.get("/health/ready")
@public
@blp.response(200, ReadySchema)
@blp.alt_response(503, schema=ReadySchema, description="A part does not answer; `parts` says which.")
def get_ready() -> Response:
    """Whether the exchange, the store and what else is needed answer

    Each part has a second to say so.
    """
    parts = {name: "ok" if answers else "unavailable" for name, answers in state().pbx.system.ready().items()}
    well = all(answer == "ok" for answer in parts.values())
    headers = None if well else {"Retry-After": "1"}
    return respond(
        {"status": "ok" if well else "unavailable", "parts": parts}, status=200 if well else 503, headers=headers
    )
