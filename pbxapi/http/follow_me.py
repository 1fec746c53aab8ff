"""`/follow-me`: where calls to an extension go on to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response, request

from pbxapi.http import audit
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import Encoded, encode, respond
from pbxapi.http.context import capable, state
from pbxapi.http.extension_plans import (
    AppliedSchema,
    PlanSchema,
    WriteQuery,
    answers_with,
    applied,
    merge_patch,
    respond_planned,
    write_of,
)
from pbxapi.http.extensions import PROBLEMS, how, known
from pbxapi.http.paging import PageQuery, collection, page
from pbxapi.http.tags import Precondition
from pbxapi.pbx.extension_checks import is_visible
from pbxapi.pbx.provisioning import FollowMe, FollowMes

DESCRIPTIONS = {
    "enabled": "Whether calls go by it now.",
    "strategy": "How the numbers are rung: `ringallv2`, `ringallv2-prim`, `ringall`, `ringall-prim`, `hunt`, "
    "`hunt-prim`, `memoryhunt`, `memoryhunt-prim`, `firstavailable`, `firstnotonphone`.",
    "ring_time": "Seconds that the numbers ring.",
    "initial_ring_time": "Seconds that the extension alone rings first.",
    "numbers": "As they are dialled, extensions and others.",
    "ringing": "What callers hear: `Ring`, or a class of music on hold.",
    "caller_name_prefix": "Is put before the caller's name.",
    "alert_info": "The header Alert-Info, by which phones choose their ring tone.",
    "announcement_id": "A recording of the exchange, played to callers first.",
    "remote_announcement_id": "A recording, played to who is asked to confirm.",
    "too_late_announcement_id": "A recording, played to who confirms when somebody else has answered.",
    "confirm_calls": "Who answers outside has to press 1.",
    "caller_id_mode": "What outside numbers see: `default`, `fixed`, `extern`, `did` or `forcedid`.",
    "fixed_caller_id": "For the mode `fixed`.",
    "destination_if_no_answer": "A place of the dialplan: context,extension,priority.",
}
EXAMPLES: dict[str, Any] = {
    "enabled": True, "strategy": "ringallv2", "ring_time": 20, "initial_ring_time": 7, "numbers": ["200", "5551234"],
    "ringing": "Ring", "caller_name_prefix": None, "confirm_calls": False, "caller_id_mode": "default",
    "destination_if_no_answer": "ext-local,200,dest",
}  # fmt: skip


def _about(name: str) -> dict[str, Any]:
    return {"description": DESCRIPTIONS[name], **({"example": EXAMPLES[name]} if name in EXAMPLES else {})}


def _told(kind: type[ma.fields.Field[Any]], name: str, *, null: bool = True) -> Any:
    return kind(required=True, allow_none=null, metadata=_about(name))


def _text(name: str, longest: int = 80) -> Any:
    return ma.fields.String(
        allow_none=True, validate=[ma.validate.Length(max=longest), _one_line], metadata=_about(name)
    )


def _one_line(text: str) -> None:
    if not all(map(is_visible, text)):
        raise ma.ValidationError("Must be one line, without control characters.")


def _number(name: str, most: int) -> Any:
    return ma.fields.Integer(strict=True, allow_none=True, validate=ma.validate.Range(0, most), metadata=_about(name))


class FollowMeSchema(ma.Schema):
    """Where calls to an extension go on to."""

    extension = ma.fields.String(required=True, metadata={"example": "200"})
    enabled = _told(ma.fields.Boolean, "enabled", null=False)
    strategy = _told(ma.fields.String, "strategy", null=False)
    ring_time = _told(ma.fields.Integer, "ring_time", null=False)
    initial_ring_time = _told(ma.fields.Integer, "initial_ring_time", null=False)
    numbers = ma.fields.List(ma.fields.String(), required=True, metadata=_about("numbers"))
    ringing = _told(ma.fields.String, "ringing")
    caller_name_prefix = _told(ma.fields.String, "caller_name_prefix")
    alert_info = _told(ma.fields.String, "alert_info")
    announcement_id = _told(ma.fields.Integer, "announcement_id")
    remote_announcement_id = _told(ma.fields.Integer, "remote_announcement_id")
    too_late_announcement_id = _told(ma.fields.Integer, "too_late_announcement_id")
    confirm_calls = _told(ma.fields.Boolean, "confirm_calls", null=False)
    caller_id_mode = _told(ma.fields.String, "caller_id_mode")
    fixed_caller_id = _told(ma.fields.String, "fixed_caller_id")
    destination_if_no_answer = _told(ma.fields.String, "destination_if_no_answer")


class FollowMeChangesSchema(ma.Schema):
    """A follow-me as it is to be; null sets a field's default."""

    extension = ma.fields.String(metadata={"description": "Is not looked at: the one in the path counts."})
    enabled = ma.fields.Boolean(metadata=_about("enabled"))
    strategy = _text("strategy", 40)
    ring_time = _number("ring_time", 600)
    initial_ring_time = _number("initial_ring_time", 600)
    numbers = ma.fields.List(
        ma.fields.String(validate=[ma.validate.Length(1, 60), _one_line]),
        validate=ma.validate.Length(1, 100),
        metadata=_about("numbers"),
    )
    ringing = _text("ringing")
    caller_name_prefix = _text("caller_name_prefix")
    alert_info = _text("alert_info", 255)
    announcement_id = _number("announcement_id", 2**31 - 1)
    remote_announcement_id = _number("remote_announcement_id", 2**31 - 1)
    too_late_announcement_id = _number("too_late_announcement_id", 2**31 - 1)
    confirm_calls = ma.fields.Boolean(metadata=_about("confirm_calls"))
    caller_id_mode = _text("caller_id_mode", 20)
    fixed_caller_id = _text("fixed_caller_id")
    destination_if_no_answer = _text("destination_if_no_answer", 255)


class ChangedFollowMeSchema(FollowMeSchema, AppliedSchema):
    """A follow-me after a write."""


class DeletedFollowMeSchema(AppliedSchema):
    """A follow-me that is no more."""

    extension = ma.fields.String(required=True, metadata={"example": "200"})


class PlannedFollowMeSchema(ma.Schema):
    """What a write would do, and what would come of it; null of a delete."""

    plan = ma.fields.Nested(PlanSchema, required=True)
    result = ma.fields.Nested(FollowMeSchema, required=True, allow_none=True)


blp = Blueprint("follow_me", __name__, description="Follow-me: where calls to an extension go on to")
blp.named_schemas = (ChangedFollowMeSchema, DeletedFollowMeSchema, PlannedFollowMeSchema)
CHANGED = answers_with("ChangedFollowMe", "PlannedFollowMe")
DELETED = answers_with("DeletedFollowMe", "PlannedFollowMe")


def _follow_mes() -> FollowMes:
    return capable(state().pbx.follow_me, "follow-me that this API could look after")


def _tag(follow_me: FollowMe) -> str:
    return encode(follow_me).etag


@blp.get("/follow-me")
@require("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, collection(FollowMeSchema), headers=headers("ETag", "Link"))
@blp.problems(501, 502, 503, 504)
def list_follow_mes(query: dict[str, Any]) -> Response:
    """Every follow-me, by extension"""
    found = sorted(_follow_mes().all(), key=_key)
    return respond(page(found, key=_key, limit=query.get("limit"), cursor=query.get("cursor")))


def _key(follow_me: FollowMe) -> tuple[int, str]:
    return len(follow_me.extension), follow_me.extension


@blp.get("/extensions/<number>/follow-me")
@require("read")
@blp.response(200, FollowMeSchema, headers=headers("ETag"))
@blp.problems(501, 502, 503, 504)
def get_follow_me(number: str) -> Response:
    """The follow-me of an extension"""
    return respond(_follow_mes().get(known(number)))


@blp.put("/extensions/<number>/follow-me")
@require("provision")
@blp.arguments(FollowMeChangesSchema)
@blp.arguments(WriteQuery, location="query")
@blp.response(200, headers=headers("ETag"))
@blp.alt_response(201, schema=ChangedFollowMeSchema, headers=headers("ETag", "Location"), description="It is new")
@blp.doc(**CHANGED)
@blp.problems(*PROBLEMS)
def put_follow_me(body: dict[str, Any], query: dict[str, Any], number: str) -> Response:
    """Set the follow-me of an extension

    What is not sent gets the exchange's default. 201 when there was none.
    """
    return _put(number, body, query, merge=False)


@blp.patch("/extensions/<number>/follow-me")
@require("provision")
@blp.arguments(FollowMeChangesSchema)
@blp.arguments(WriteQuery, location="query")
@blp.response(200, headers=headers("ETag"))
@blp.doc(**CHANGED, **merge_patch("FollowMeChanges"))
@blp.problems(*PROBLEMS)
def change_follow_me(body: dict[str, Any], query: dict[str, Any], number: str) -> Response:
    """Change the follow-me of an extension

    A JSON merge patch (RFC 7396): what is not sent stays, null sets the default.
    """
    return _put(number, body, query, merge=True)


def _put(number: str, body: Mapping[str, Any], query: Mapping[str, Any], *, merge: bool) -> Response:
    values = {name: value for name, value in body.items() if name != "extension"}
    unchanged = Precondition(_tag)
    found, outcome = _follow_mes().put(known(number), values, write_of(query, unchanged), merge=merge)
    if query["dry_run"]:
        return respond_planned(outcome, result=found)
    audit.record(
        f"follow_me.{'update' if merge else 'set'}",
        f"extension {number}",
        detail=how(outcome),
        before=unchanged.before and fields_of(unchanged.before),
        after=fields_of(found),
    )
    resource = encode(found)
    body_of_answer = encode({**fields_of(found), **applied(outcome)}).body
    if merge or unchanged.before is not None:
        return respond(Encoded(body_of_answer, resource.etag))
    where = {"Location": f"{request.script_root}/extensions/{number}/follow-me"}
    return respond(Encoded(body_of_answer, resource.etag), status=201, headers=where)


@blp.delete("/extensions/<number>/follow-me")
@require("provision")
@blp.arguments(WriteQuery, location="query")
@blp.response(200)
@blp.doc(**DELETED)
@blp.problems(*PROBLEMS)
def delete_follow_me(query: dict[str, Any], number: str) -> Response:
    """Delete the follow-me of an extension"""
    unchanged = Precondition(_tag)
    outcome = _follow_mes().delete(known(number), write_of(query, unchanged))
    if query["dry_run"]:
        return respond_planned(outcome, result=None)
    before = unchanged.before and fields_of(unchanged.before)
    audit.record("follow_me.delete", f"extension {number}", detail=how(outcome), before=before)
    return respond({"extension": number, **applied(outcome)})


def fields_of(thing: Any) -> dict[str, Any]:
    """The fields of a dataclass, as they are."""
    return {name: getattr(thing, name) for name in thing.__slots__}
