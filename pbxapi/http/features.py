"""`/extensions/{number}/features`: what a user switches at the phone."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response

from pbxapi.http import audit
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import Encoded, encode, respond
from pbxapi.http.channel_schemas import matching
from pbxapi.http.context import capable, state
from pbxapi.http.extension_plans import (
    AppliedSchema,
    PlanSchema,
    answers_with,
    applied,
    merge_patch,
    respond_planned,
    write_of,
)
from pbxapi.http.extensions import PROBLEMS, known
from pbxapi.http.tags import Precondition
from pbxapi.pbx.provisioning import Features, FeatureStates

DIALLED = r"[0-9*#+]{1,30}"
RING_TIME = "Seconds until calls go on to voicemail or the like; 0 is the exchange's default."


class CallForwardSchema(ma.Schema):
    """Where calls go on to; null is nowhere."""

    all = ma.fields.String(required=True, allow_none=True, metadata={"description": "All calls.", "example": "201"})
    busy = ma.fields.String(required=True, allow_none=True, metadata={"description": "When the phone is busy."})
    unavailable = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "When nobody answers, or no phone is there."}
    )


class FeaturesSchema(ma.Schema):
    """What a user switches at the phone."""

    extension = ma.fields.String(required=True, metadata={"example": "200"})
    do_not_disturb = ma.fields.Boolean(required=True)
    call_forward = ma.fields.Nested(CallForwardSchema, required=True)
    call_waiting = ma.fields.Boolean(required=True)
    ring_time = ma.fields.Integer(required=True, allow_none=True, metadata={"description": RING_TIME, "example": 0})


def _forward() -> Any:
    return ma.fields.String(allow_none=True, validate=matching(DIALLED, "Must be up to 30 of 0-9 * # +."))


class CallForwardChangesSchema(ma.Schema):
    """Where calls are to go on to; null ends it."""

    all = _forward()
    busy = _forward()
    unavailable = _forward()


class FeaturesChangesSchema(ma.Schema):
    """What is to be switched."""

    extension = ma.fields.String(metadata={"description": "Is not looked at: the one in the path counts."})
    do_not_disturb = ma.fields.Boolean()
    call_forward = ma.fields.Nested(
        CallForwardChangesSchema, allow_none=True, metadata={"description": "Null ends every kind."}
    )
    call_waiting = ma.fields.Boolean()
    ring_time = ma.fields.Integer(
        strict=True, allow_none=True, validate=ma.validate.Range(0, 120), metadata={"description": RING_TIME}
    )


class FeaturesQuery(ma.Schema):
    """How to write."""

    dry_run = ma.fields.Boolean(
        load_default=False, metadata={"description": "Write nothing: answer with everything that would be done."}
    )


class ChangedFeaturesSchema(FeaturesSchema, AppliedSchema):
    """Features after a write."""


class PlannedFeaturesSchema(ma.Schema):
    """What a write would do, and what would come of it."""

    plan = ma.fields.Nested(PlanSchema, required=True)
    result = ma.fields.Nested(FeaturesSchema, required=True)


blp = Blueprint("features", __name__, description="Do not disturb, call forward and call waiting")
blp.named_schemas = (ChangedFeaturesSchema, PlannedFeaturesSchema)


def _features() -> FeatureStates:
    return capable(state().pbx.features, "features of extensions that this API could switch")


def _tag(features: Features) -> str:
    return encode(features).etag


def _document(features: Features) -> dict[str, Any]:
    return {name: getattr(features, name) for name in Features.__slots__}


@blp.get("/extensions/<number>/features")
@require("read")
@blp.response(200, FeaturesSchema, headers=headers("ETag"))
@blp.problems(501, 502, 503, 504)
def get_features(number: str) -> Response:
    """Do not disturb, call forward and call waiting of an extension"""
    return respond(_features().get(known(number)))


@blp.patch("/extensions/<number>/features")
@require("provision")
@blp.arguments(FeaturesChangesSchema)
@blp.arguments(FeaturesQuery, location="query")
@blp.response(200, headers=headers("ETag"))
@blp.doc(**answers_with("ChangedFeatures", "PlannedFeatures"), **merge_patch("FeaturesChanges"))
@blp.problems(*PROBLEMS)
def change_features(body: dict[str, Any], query: dict[str, Any], number: str) -> Response:
    """Switch do not disturb, call forward and call waiting

    In effect at once, for lamps too. A JSON merge patch (RFC 7396): what is not sent stays.
    """
    values = {name: value for name, value in body.items() if name != "extension"}
    unchanged = Precondition(_tag)
    found, outcome = _features().change(known(number), values, write_of(query, unchanged))
    if query["dry_run"]:
        return respond_planned(outcome, result=found)
    document, before = _document(found), unchanged.before and _document(unchanged.before)
    audit.record("features.update", f"extension {number}", before=before, after=document)
    return respond(Encoded(encode({**document, **applied(outcome)}).body, _tag(found)))
