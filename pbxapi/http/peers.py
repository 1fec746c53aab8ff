"""`/peers`: devices and trunks."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response

from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond
from pbxapi.http.context import state
from pbxapi.http.live import LiveQuery, respond_live
from pbxapi.http.paging import collection
from pbxapi.pbx.interfaces import Peer

blp = Blueprint("peers", __name__, description="Devices and trunks over PJSIP, chan_sip and IAX2, as they are now")

TECHNOLOGIES = ["pjsip", "sip", "iax2"]
STATES = ["online", "offline", "unmonitored", "unknown"]
STATE = (
    "`unmonitored`: registered, but Asterisk does not ask the device whether it is still there (`qualify`). "
    "`unknown`: Asterisk does not say."
)
DEVICE_STATES = [
    "not_inuse", "inuse", "busy", "invalid", "unavailable", "ringing", "ringinuse", "onhold", "unknown",
]  # fmt: skip


class ContactSchema(ma.Schema):
    """Where a device registered from."""

    uri = ma.fields.String(required=True, metadata={"example": "sip:200@192.0.2.17:5060"})
    address = ma.fields.String(required=True, allow_none=True, metadata={"example": "192.0.2.17:5060"})
    user_agent = ma.fields.String(required=True, allow_none=True, metadata={"example": "Yealink SIP-T46U 108.86.0.20"})
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    latency_ms = ma.fields.Float(required=True, allow_none=True, metadata={"example": 12.4})
    expires_at = ma.fields.DateTime(required=True, allow_none=True, metadata={"example": "2026-01-05T10:15:00+00:00"})


class RegistrationSchema(ma.Schema):
    """An outbound registration of a trunk."""

    name = ma.fields.String(required=True)
    server = ma.fields.String(required=True, metadata={"example": "sip:sip.example.com"})
    client = ma.fields.String(required=True, allow_none=True)
    state = ma.fields.String(required=True, metadata={"description": "Asterisk's own word.", "example": "Registered"})


class PeerSchema(ma.Schema):
    """A device or trunk."""

    name = ma.fields.String(required=True, metadata={"example": "200"})
    technology = ma.fields.String(required=True, validate=ma.validate.OneOf(TECHNOLOGIES))
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES), metadata={"description": STATE})
    device_state = ma.fields.String(required=True, validate=ma.validate.OneOf(DEVICE_STATES))
    address = ma.fields.String(required=True, allow_none=True, metadata={"example": "192.0.2.17:5060"})
    user_agent = ma.fields.String(required=True, allow_none=True)
    latency_ms = ma.fields.Float(required=True, allow_none=True)
    active_channels = ma.fields.Integer(required=True, allow_none=True)
    contacts = ma.fields.List(ma.fields.Nested(ContactSchema), required=True)


class PeerDetailSchema(PeerSchema):
    """A device or trunk with its details; never a password."""

    context = ma.fields.String(required=True, allow_none=True, metadata={"example": "from-internal"})
    caller_id = ma.fields.String(required=True, allow_none=True)
    transport = ma.fields.String(required=True, allow_none=True)
    codecs = ma.fields.List(ma.fields.String(), required=True, metadata={"example": ["ulaw", "alaw"]})
    call_group = ma.fields.String(required=True, allow_none=True)
    pickup_group = ma.fields.String(required=True, allow_none=True)
    mailboxes = ma.fields.List(ma.fields.String(), required=True, metadata={"example": ["200@default"]})
    registrations = ma.fields.List(ma.fields.Nested(RegistrationSchema), required=True)


class PeersQuery(LiveQuery):
    """Filters; all of them have to hold."""

    technology = ma.fields.String(validate=ma.validate.OneOf(TECHNOLOGIES))
    state = ma.fields.String(validate=ma.validate.OneOf(STATES))
    q = ma.fields.String(
        validate=ma.validate.Length(1, 80),
        metadata={"description": "Part of the name, the address or the user agent, in any case."},
    )


class PeerQuery(ma.Schema):
    """Which of two peers with one name."""

    technology = ma.fields.String(
        validate=ma.validate.OneOf(TECHNOLOGIES),
        metadata={"description": "Needed only where two stacks have a peer of this name; else PJSIP's is given."},
    )


def fits(peer: Peer, query: dict[str, Any]) -> bool:
    """Whether a peer passes the filters of a query."""
    if query.get("technology", peer.technology) != peer.technology or query.get("state", peer.state) != peer.state:
        return False
    if "q" not in query:
        return True
    text = " ".join(filter(None, (peer.name, peer.address, peer.user_agent))).lower()
    return query["q"].lower() in text


@blp.get("/peers")
@require("read")
@blp.arguments(PeersQuery, location="query")
@blp.response(200, collection(PeerSchema), headers=headers("ETag", "Age", "Link"))
@blp.problems(502, 503, 504)
def list_peers(query: dict[str, Any]) -> Response:
    """Devices and trunks

    Every endpoint of every SIP or IAX stack that is loaded, by technology and name.
    """
    snapshot = state().pbx.peers.all(fresh=query["fresh"])
    return respond_live(snapshot, query, lambda peers: (p for p in peers if fits(p, query)), _key)


@blp.get("/peers/<name>")
@require("read")
@blp.arguments(PeerQuery, location="query")
@blp.response(200, PeerDetailSchema, headers=headers("ETag"))
@blp.problems(501, 502, 503, 504)
def get_peer(query: dict[str, Any], name: str) -> Response:
    """One device or trunk

    With every contact, and for a trunk its outbound registrations.
    """
    return respond(state().pbx.peers.get(name, query.get("technology")))


def _key(peer: Peer) -> tuple[str, str]:
    return peer.technology, peer.name
