"""`/extensions/batch`: many changes, all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import marshmallow as ma
from flask import Response

from pbxapi.errors import Invalid
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint
from pbxapi.http.body import respond
from pbxapi.http.channel_schemas import matching
from pbxapi.http.extension_answers import NONE, made, may_see, result_document, together
from pbxapi.http.extension_bodies import ExtensionChangesSchema, NewExtensionSchema
from pbxapi.http.extension_plans import AppliedSchema, DeleteQuery, answers_with, applied, respond_planned, write_of
from pbxapi.http.extension_schemas import ResultSchema
from pbxapi.http.extensions import extensions, note, operation
from pbxapi.pbx.extension_checks import NUMBER
from pbxapi.pbx.provisioning import Extension, Operation

MOST = 1000


def _op(word: str) -> Any:
    return ma.fields.String(required=True, validate=ma.validate.Equal(word), metadata={"enum": [word]})


def _number() -> Any:
    return ma.fields.String(
        required=True, validate=matching(NUMBER, "Must be 1 to 20 digits."), metadata={"example": "200"}
    )


class CreateOperationSchema(ma.Schema):
    """Create an extension, as POST does."""

    op = _op("create")
    extension = ma.fields.Nested(NewExtensionSchema, required=True)


class ReplaceOperationSchema(ma.Schema):
    """Replace an extension, as PUT does."""

    op = _op("replace")
    number = _number()
    extension = ma.fields.Nested(ExtensionChangesSchema, required=True)


class UpdateOperationSchema(ma.Schema):
    """Change an extension, as PATCH does."""

    op = _op("update")
    number = _number()
    changes = ma.fields.Nested(ExtensionChangesSchema, required=True)


class DeleteOperationSchema(ma.Schema):
    """Delete an extension."""

    op = _op("delete")
    number = _number()


OPERATIONS: dict[str, type[ma.Schema]] = {
    "create": CreateOperationSchema,
    "replace": ReplaceOperationSchema,
    "update": UpdateOperationSchema,
    "delete": DeleteOperationSchema,
}
BODIES = {"create": "extension", "replace": "extension", "update": "changes"}


class OperationField(ma.fields.Field[dict[str, Any]]):
    """One of the operations, by its `op`."""

    def __init__(self) -> None:
        names = [schema.__name__.removesuffix("Schema") for schema in OPERATIONS.values()]
        super().__init__(metadata={"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]})
        self._schemas = {op: schema() for op, schema in OPERATIONS.items()}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        op = value.get("op") if isinstance(value, dict) else None
        schema = self._schemas.get(op) if isinstance(op, str) else None
        if schema is None:
            raise ma.ValidationError({"op": [f"Must be one of: {', '.join(OPERATIONS)}."]})
        found: dict[str, Any] = schema.load(value)
        return found


class BatchSchema(ma.Schema):
    """Operations, each on another number."""

    operations = ma.fields.List(
        OperationField(),
        required=True,
        validate=ma.validate.Length(1, MOST),
        metadata={
            "example": [
                {"op": "create", "extension": {"extension": "200", "name": "Alice"}},
                {"op": "update", "number": "201", "changes": {"name": "Bob"}},
                {"op": "delete", "number": "202"},
            ]
        },
    )


class BatchResultSchema(AppliedSchema):
    """What became of the operations, in their order."""

    items = ma.fields.List(ma.fields.Nested(ResultSchema), required=True)


blp = Blueprint("extension_batch", __name__, description="Many extensions at once")
blp.named_schemas = (*OPERATIONS.values(), BatchResultSchema)


@blp.post("/extensions/batch")
@require("provision")
@blp.arguments(BatchSchema)
@blp.arguments(DeleteQuery, location="query")
@blp.response(200)
@blp.doc(**answers_with("BatchResult", "PlannedExtensions"))
@blp.problems(404, 409, 501, 502, 503, 504)
def change_extensions(body: dict[str, Any], query: dict[str, Any]) -> Response:
    """Create, change and delete many extensions

    All of the operations or none, in one go, loaded by the exchange once. Secrets that were made are shown once, as by
    POST. A 422 names the operation: `operations.3.extension.secret`.
    """
    wanted = _operations(body["operations"])
    before = _before(wanted)
    try:
        outcome = extensions().write(wanted, write_of(query))
    except Invalid as error:
        raise Invalid(str(error), {_path(name, wanted): words for name, words in error.fields.items()}) from error
    if query["dry_run"]:
        return respond_planned(outcome, results=[result_document(each, NONE) for each in outcome.results])
    items = []
    for each, result in zip(wanted, outcome.results, strict=True):
        ours = made(each, before.get(each.number), result.extension)
        note(each, outcome, before.get(each.number), result.extension, shown=ours)
        items.append(result_document(result, together(may_see(), ours)))
    return respond({"items": items, **applied(outcome)})


def _operations(given: Sequence[dict[str, Any]]) -> list[Operation]:
    """Check them all, so that one answer names every fault."""
    wanted, faults = [], {}
    for place, each in enumerate(given):
        inner = each.get(BODIES.get(each["op"], ""), {})
        try:
            wanted.append(operation(each["op"], each.get("number") or inner["extension"], inner))
        except Invalid as error:
            prefix = f"operations.{place}.{BODIES[each['op']]}"
            faults.update({f"{prefix}.{name}": words for name, words in error.fields.items()})
    if faults:
        raise Invalid("Some operations cannot be used as they are", faults)
    return wanted


def _before(wanted: Sequence[Operation]) -> dict[str, Extension]:
    """What is there of those whose mailbox may be made now: its PIN is shown then, and else not."""
    numbers = {each.number for each in wanted if each.op in {"replace", "update"} and "voicemail" in each.values}
    return {each.extension: each for each in extensions().all() if each.extension in numbers} if numbers else {}


def _path(name: str, wanted: Sequence[Operation]) -> str:
    """Where a field of an operation stands in the body."""
    first, place, rest = "operations", "0", name
    if name.startswith("operations."):
        first, place, rest = (*name.split(".", 2), "")[:3]
    body = BODIES.get(wanted[int(place)].op) if rest else None
    return ".".join(filter(None, (first, place, body, rest)))
