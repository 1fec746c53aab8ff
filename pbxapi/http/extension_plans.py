"""Writes and what they come to: the parameters that they share, a plan as JSON, the members that every answer has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import marshmallow as ma
from flask import Response

from pbxapi.http.body import respond
from pbxapi.pbx.plan import Plan, Secret
from pbxapi.pbx.provisioning import Outcome, Write

HIDDEN = "********"
"""In place of a secret, however long that is."""


class WriteQuery(ma.Schema):
    """How to write."""

    dry_run = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Write nothing: answer with everything that would be done, as 200."},
    )
    apply = ma.fields.Boolean(
        load_default=True,
        metadata={
            "description": "Let the exchange load what was written, before the answer. Otherwise it waits for "
            "`POST /system/apply`, or for the next write that applies."
        },
    )


class DeleteQuery(WriteQuery):
    """How to write, where something may be deleted."""

    force = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Delete also what others still mention (409 otherwise); those are left as they are."},
    )
    voicemail = ma.fields.Boolean(
        load_default=False, metadata={"description": "Erase the messages of a mailbox that is deleted as well."}
    )


class RowChangeSchema(ma.Schema):
    """A row of the exchange's database. `before` null: it is inserted; `after` null: it is deleted."""

    table = ma.fields.String(required=True, metadata={"example": "users"})
    key = ma.fields.Dict(required=True, metadata={"example": {"extension": "200"}})
    before = ma.fields.Dict(required=True, allow_none=True, metadata={"example": {"name": "Alice"}})
    after = ma.fields.Dict(required=True, allow_none=True, metadata={"example": {"name": "Alice Smith"}})


class KeyChangeSchema(ma.Schema):
    """An entry of AstDB. Null is one that is not there."""

    family = ma.fields.String(required=True, metadata={"example": "AMPUSER"})
    key = ma.fields.String(required=True, metadata={"example": "200/cidname"})
    before = ma.fields.String(required=True, allow_none=True, metadata={"example": "Alice"})
    after = ma.fields.String(required=True, allow_none=True, metadata={"example": "Alice Smith"})


class FileChangeSchema(ma.Schema):
    """Lines of a section of a configuration file."""

    file = ma.fields.String(required=True, metadata={"example": "voicemail.conf"})
    section = ma.fields.String(required=True, metadata={"example": "default"})
    before = ma.fields.List(ma.fields.String(), required=True)
    after = ma.fields.List(ma.fields.String(), required=True)


class StateChangeSchema(ma.Schema):
    """A state that lamps of phones follow. Null is one that nobody has set."""

    device = ma.fields.String(required=True, metadata={"example": "Custom:DND200"})
    before = ma.fields.String(required=True, allow_none=True)
    after = ma.fields.String(required=True, allow_none=True, metadata={"example": "NOT_INUSE"})


class PlanSchema(ma.Schema):
    """Everything that a write does, in its order. Secrets are shown as `********`."""

    rows = ma.fields.List(ma.fields.Nested(RowChangeSchema), required=True)
    keys = ma.fields.List(ma.fields.Nested(KeyChangeSchema), required=True)
    files = ma.fields.List(ma.fields.Nested(FileChangeSchema), required=True)
    states = ma.fields.List(ma.fields.Nested(StateChangeSchema), required=True)
    reload = ma.fields.Boolean(required=True, metadata={"description": "Whether it has to be applied."})
    warnings = ma.fields.List(ma.fields.String(), required=True)


class AppliedSchema(ma.Schema):
    """What every answer to a write has."""

    applied = ma.fields.Boolean(required=True, metadata={"description": "Whether the exchange runs with it now."})
    apply_reason = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Why it does not.", "example": None}
    )
    warnings = ma.fields.List(ma.fields.String(), required=True, metadata={"description": "What is worth a look."})


def write_of(query: Mapping[str, Any], check: Callable[[Any], None] | None = None) -> Write:
    """How to write, as a query says."""
    return Write(
        apply=query.get("apply", True),
        dry_run=query["dry_run"],
        force=query.get("force", False),
        erase_messages=query.get("voicemail", False),
        check=check,
    )


def plan_json(plan: Plan) -> dict[str, object]:
    """A plan as a document, with no secret in it."""
    return {
        "rows": [
            {"table": row.table, "key": _hidden(row.key), "before": _hidden(row.before), "after": _hidden(row.after)}
            for row in plan.rows
        ],
        "keys": [
            {"family": key.family, "key": key.key, "before": hidden(key.before), "after": hidden(key.after)}
            for key in plan.keys
        ],
        "files": [
            {"file": each.file, "section": each.section, "before": _lines(each.before), "after": _lines(each.after)}
            for each in plan.files
        ],
        "states": plan.states,
        "reload": plan.reload,
        "warnings": plan.warnings,
    }


def hidden(value: object) -> object:
    """The value, or what stands in place of a secret."""
    return HIDDEN if isinstance(value, Secret) else value


def _hidden(values: Mapping[str, object] | None) -> dict[str, object] | None:
    return None if values is None else {name: hidden(value) for name, value in values.items()}


def _lines(lines: tuple[str, ...]) -> list[object]:
    return [hidden(line) for line in lines]


def applied(outcome: Outcome) -> dict[str, object]:
    """The members that every answer to a write has, warnings about a single operation among them."""
    warnings = dict.fromkeys(outcome.plan.warnings)
    if len(outcome.results) == 1:
        warnings.update(dict.fromkeys(outcome.results[0].warnings))
    return {"applied": outcome.applied, "apply_reason": outcome.reason, "warnings": list(warnings)}


def respond_planned(outcome: Outcome, **members: object) -> Response:
    """Answer a dry run."""
    return respond({"plan": plan_json(outcome.plan), **members})


def answers_with(*names: str) -> dict[str, Any]:
    """Describe an answer with 200 that has one of several schemas, by their names in the document."""
    schemas = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    return {"responses": {200: {"description": "OK", "content": {"application/json": {"schema": {"anyOf": schemas}}}}}}


def merge_patch(name: str) -> dict[str, Any]:
    """Describe that a body of this schema may be sent as a JSON merge patch by its own media type too (RFC 7396)."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"requestBody": {"content": {"application/merge-patch+json": {"schema": schema}}}}
