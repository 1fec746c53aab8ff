"""`/ari/channels`: ARI's own list."""

from __future__ import annotations

import marshmallow as ma
from flask import Response

from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond
from pbxapi.http.context import capable, state

blp = Blueprint("ari", __name__, description="Asterisk's REST interface, where ARI_ENABLED")


class AriChannelsSchema(ma.Schema):
    """Channels in ARI's own form."""

    items = ma.fields.List(ma.fields.Dict(), required=True, metadata={"description": "See Asterisk's ARI: Channel."})
    next = ma.fields.String(required=True, allow_none=True)


@blp.get("/ari/channels")
@require("read")
@blp.response(200, AriChannelsSchema, headers=headers("ETag"))
@blp.problems(501, 502, 503, 504)
def list_ari_channels() -> Response:
    """ARI's list of channels"""
    ari = capable(state().pbx.ari, "ARI (it is switched off: ARI_ENABLED)")
    return respond({"items": ari.channels(), "next": None})
