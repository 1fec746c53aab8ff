"""`/parking`: lots and who waits in them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response

from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.channel_schemas import ParkedCallSchema
from pbxapi.http.context import state
from pbxapi.http.live import LiveQuery, respond_live
from pbxapi.http.paging import collection

blp = Blueprint("parking", __name__, description="Parking lots and parked calls")


class ParkingLotSchema(ma.Schema):
    """A parking lot."""

    name = ma.fields.String(required=True, metadata={"example": "default"})
    first_space = ma.fields.String(required=True, metadata={"example": "701"})
    last_space = ma.fields.String(required=True, metadata={"example": "720"})
    timeout = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "Seconds; null for never."})
    calls = ma.fields.List(ma.fields.Nested(ParkedCallSchema), required=True)


@blp.get("/parking")
@require("read")
@blp.arguments(LiveQuery, location="query")
@blp.response(200, collection(ParkingLotSchema), headers=headers("ETag", "Age", "Link"))
@blp.problems(501, 502, 503, 504)
def list_parking(query: dict[str, Any]) -> Response:
    """Parking lots and parked calls"""
    snapshot = state().pbx.parking.all(fresh=query["fresh"])
    return respond_live(snapshot, query, lambda lots: lots, lambda lot: (lot.name,))
