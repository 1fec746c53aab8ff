"""`/system/apply`: letting the exchange take over what was changed."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response

from pbxapi.errors import ApplyFailed
from pbxapi.http import audit
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond
from pbxapi.http.context import capable, state
from pbxapi.pbx.provisioning import Applied, Applying

blp = Blueprint("apply", __name__, description="Changes that wait to be applied, and applying them")


class ApplyRunSchema(ma.Schema):
    """How a run ended."""

    applied = ma.fields.Boolean(required=True)
    reason = ma.fields.String(required=True, allow_none=True, metadata={"description": "Why it failed."})
    duration_ms = ma.fields.Integer(required=True, metadata={"example": 2300})
    at = ma.fields.AwareDateTime(required=True, metadata={"description": "When it ended."})


class ApplyStatusSchema(ma.Schema):
    """What waits."""

    pending = ma.fields.Boolean(
        required=True, metadata={"description": "Whether changes wait, of this API or of the exchange's own screens."}
    )
    running = ma.fields.Boolean(required=True, metadata={"description": "Whether they are being applied now."})
    since = ma.fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When the oldest of this API's changes that wait was made."},
    )
    last = ma.fields.Nested(
        ApplyRunSchema, required=True, allow_none=True, metadata={"description": "How this API's last run ended."}
    )
    method = ma.fields.String(required=True, metadata={"example": "fwconsole reload"})


@blp.get("/system/apply")
@require("read")
@blp.response(200, ApplyStatusSchema, headers=headers("ETag"))
@blp.problems(501, 503, 504)
def get_apply() -> Response:
    """Whether changes wait to be applied, and how the last run ended"""
    status = _applying().status()
    return respond(
        {
            "pending": status.pending,
            "running": status.running,
            "since": status.since,
            "last": status.last and _shown(status.last),
            "method": status.method,
        }
    )


@blp.post("/system/apply")
@require("system")
@blp.response(200, ApplyRunSchema)
@blp.problems(501, 502, 503, 504)
def apply() -> Response:
    """Apply whatever waits, and wait until it is done

    Also what the exchange's own screens left, and when nothing waits. Those who ask while a run waits to begin share
    it, with each other and with whoever has just changed something. One that fails is a problem of the kind
    `apply-failed`; what waited keeps waiting.
    """
    applied = _applying().run()
    outcome = "done" if applied.ok else "failed"
    audit.record("configuration.apply", "configuration", outcome=outcome, detail=applied.reason)
    if not applied.ok:
        raise ApplyFailed(f"The configuration was not applied: {applied.reason}")
    return respond(_shown(applied))


def _applying() -> Applying:
    return capable(state().pbx.applying, "configuration that has to be applied: what is written is in effect")


def _shown(applied: Applied) -> dict[str, Any]:
    return {
        "applied": applied.ok,
        "reason": applied.reason,
        "duration_ms": round(applied.seconds * 1000),
        "at": applied.at,
    }
