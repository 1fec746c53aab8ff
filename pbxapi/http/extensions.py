"""`/extensions`: numbers with their phones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from pbxapi.errors import Invalid, NotFound
from pbxapi.http import audit
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import Encoded, encode, next_link, respond
from pbxapi.http.context import capable, state
from pbxapi.http.extension_answers import BOTH, NONE, Shown, document, made, may_see, result_document, tag, together
from pbxapi.http.extension_bodies import ExtensionChangesSchema, ExtensionsQuery, NewExtensionSchema
from pbxapi.http.extension_plans import (
    DeleteQuery,
    WriteQuery,
    answers_with,
    applied,
    hidden,
    merge_patch,
    respond_planned,
    write_of,
)
from pbxapi.http.extension_schemas import (
    ChangedExtensionSchema,
    DeletedExtensionSchema,
    DifferenceSchema,
    ExtensionSchema,
    PlannedExtensionsSchema,
)
from pbxapi.http.paging import Page, collection, page
from pbxapi.http.tags import Precondition, keyed_tag
from pbxapi.pbx.extension_checks import check
from pbxapi.pbx.provisioning import Extension, Extensions, Operation, Outcome
from pbxapi.pbx.text import EXTENSION

blp = Blueprint("extensions", __name__, description="Extensions: numbers with their phones")
blp.named_schemas = (ChangedExtensionSchema, DeletedExtensionSchema, PlannedExtensionsSchema)

CHANGED = answers_with("ChangedExtension", "PlannedExtensions")
DELETED = answers_with("DeletedExtension", "PlannedExtensions")
PROBLEMS = (409, 412, 501, 502, 503, 504)


def extensions() -> Extensions:
    """The exchange's. Raises NotSupported."""
    return capable(state().pbx.extensions, "extensions that this API could look after")


def known(number: str) -> str:
    """A number of a path. Raises NotFound for what no extension can be called."""
    if not EXTENSION.match(number):
        raise NotFound("No extension can be called that")
    return number


@blp.get("/extensions")
@require("read")
@blp.arguments(ExtensionsQuery, location="query")
@blp.response(200, collection(ExtensionSchema), headers=headers("ETag", "Link"))
@blp.problems(501, 502, 503, 504)
def list_extensions(query: dict[str, Any]) -> Response:
    """Extensions, by number

    As they are configured: what their phones do is in `/peers`.
    """
    found = sorted((each for each in extensions().all() if _fits(each, query)), key=_key)
    cut = page(found, key=_key, limit=query.get("limit"), cursor=query.get("cursor"))
    shown = may_see()
    answer = Page([document(each, shown) for each in cut.items], cut.next)
    link = {"Link": next_link(cut.next)} if cut.next else None
    response = respond(Encoded(encode(answer).body, keyed_tag([answer.items, cut.next])), headers=link)
    if shown != NONE and response.status_code == 200:
        numbers = ", ".join(each.extension for each in cut.items)
        audit.record("secret.read", "extensions", detail=f"{len(cut.items)}: {numbers}")
    return response


def _fits(extension: Extension, query: Mapping[str, Any]) -> bool:
    if query.get("technology", extension.technology) != extension.technology:
        return False
    wanted = query.get("q", "").casefold()
    return wanted in extension.extension.casefold() or wanted in (extension.name or "").casefold()


def _key(extension: Extension) -> tuple[int, str]:
    number = extension.extension
    return (int(number), number) if number.isascii() and number.isdigit() else (10**64, number)


@blp.get("/extensions/<number>")
@require("read")
@blp.response(200, ExtensionSchema, headers=headers("ETag"))
@blp.problems(501, 502, 503, 504)
def get_extension(number: str) -> Response:
    """One extension"""
    found, shown = extensions().get(known(number)), may_see()
    response = respond(Encoded(encode(document(found, shown)).body, tag(found, shown)))
    if shown != NONE and response.status_code == 200:
        audit.record("secret.read", f"extension {number}")
    return response


@blp.post("/extensions")
@require("provision")
@blp.arguments(NewExtensionSchema)
@blp.arguments(WriteQuery, location="query")
@blp.response(201, ChangedExtensionSchema, headers=headers("ETag", "Location"))
@blp.alt_response(200, schema=PlannedExtensionsSchema, description="What would be done (`dry_run`)")
@blp.problems(409, 501, 502, 503, 504)
def create_extension(body: dict[str, Any], query: dict[str, Any]) -> Response:
    """Create an extension

    With all that the exchange's own screens would write for it. A secret, or a mailbox's PIN, that is not sent is made,
    and this answer shows it once to whoever asked. 409: something on the exchange has that number.
    """
    number = body["extension"]
    return _write(operation("create", number, body), query, status=201)


@blp.put("/extensions/<number>")
@require("provision")
@blp.arguments(ExtensionChangesSchema)
@blp.arguments(WriteQuery, location="query")
@blp.response(200, headers=headers("ETag"))
@blp.doc(**CHANGED)
@blp.problems(*PROBLEMS)
def replace_extension(body: dict[str, Any], query: dict[str, Any], number: str) -> Response:
    """Replace an extension

    What is not sent gets its default, and voicemail that is not sent is taken away. Name, technology, secret, the PIN
    of a mailbox that is kept, and settings that this API does not know, stay.
    """
    return _write(operation("replace", number, body), query)


@blp.patch("/extensions/<number>")
@require("provision")
@blp.arguments(ExtensionChangesSchema)
@blp.arguments(WriteQuery, location="query")
@blp.response(200, headers=headers("ETag"))
@blp.doc(**CHANGED, **merge_patch("ExtensionChanges"))
@blp.problems(*PROBLEMS)
def change_extension(body: dict[str, Any], query: dict[str, Any], number: str) -> Response:
    """Change an extension

    A JSON merge patch (RFC 7396): what is not sent stays, null sets the default or takes away. Changes nothing but what
    is sent.
    """
    return _write(operation("update", number, body), query)


@blp.delete("/extensions/<number>")
@require("provision")
@blp.arguments(DeleteQuery, location="query")
@blp.response(200)
@blp.doc(**DELETED)
@blp.problems(*PROBLEMS)
def delete_extension(query: dict[str, Any], number: str) -> Response:
    """Delete an extension

    With its follow-me, forwards, states and what else would hurt the number's next owner. 409: others mention it still
    (ring groups, routes, ...); `force` deletes it all the same. The messages of its mailbox stay, but for `voicemail`.
    """
    return _write(operation("delete", number, {}), query)


@blp.get("/extensions/<number>/drift")
@require("read")
@blp.response(200, collection(DifferenceSchema), headers=headers("ETag"))
@blp.problems(501, 502, 503, 504)
def get_extension_drift(number: str) -> Response:
    """Where the places that hold an extension disagree

    The exchange's database, AstDB, the configuration that was made of them and what Asterisk runs. Secrets are shown as
    `********`.
    """
    found = extensions().drift(known(number))
    items = [
        {
            "place": each.place,
            "expected": hidden(each.expected),
            "found": hidden(each.found),
            "what": each.what,
            "repairable": each.repairable,
        }
        for each in found
    ]
    return respond(Page(items, None))


@blp.post("/extensions/<number>/repair")
@require("provision")
@blp.arguments(WriteQuery, location="query")
@blp.response(200)
@blp.doc(**CHANGED)
@blp.problems(*PROBLEMS)
def repair_extension(query: dict[str, Any], number: str) -> Response:
    """Put right what `drift` tells

    And apply. The exchange's database counts.
    """
    unchanged = Precondition(tag)
    outcome = extensions().repair(known(number), write_of(query, unchanged))
    return _respond(Operation("repair", number), outcome, query, unchanged.before)


def operation(op: str, number: str, body: Mapping[str, Any]) -> Operation:
    """An operation out of a body. Raises Invalid, and NotFound for what is no number."""
    if body.get("extension", number) != number:
        raise Invalid("An extension keeps its number", {"extension": [f"Must be {number}, or left out."]})
    values = {name: value for name, value in body.items() if name not in {"extension", "managed"}}
    if op == "replace" and values.get("secret") is None:
        # As GET gives it to whoever may not see it: to send that back must not cost the phone its secret.
        values.pop("secret", None)
    if op != "delete":
        check(number, values)
    return Operation(op, known(number), values)


def _write(wanted: Operation, query: Mapping[str, Any], *, status: int = 200) -> Response:
    unchanged = Precondition(tag)
    outcome = extensions().write([wanted], write_of(query, unchanged))
    return _respond(wanted, outcome, query, unchanged.before, status=status)


def _respond(
    wanted: Operation, outcome: Outcome, query: Mapping[str, Any], before: Extension | None, *, status: int = 200
) -> Response:
    if query["dry_run"]:
        return respond_planned(outcome, results=[result_document(each, NONE) for each in outcome.results])
    [result] = outcome.results
    after, ours = result.extension, made(wanted, before, result.extension)
    note(wanted, outcome, before, after, shown=ours)
    if after is None:
        return respond({"extension": wanted.number, **applied(outcome)})
    shown = together(may_see(), ours)
    body = encode({**document(after, shown), **applied(outcome)}).body
    extra = {"Location": f"{request.script_root}/extensions/{wanted.number}"} if status == 201 else None
    return respond(Encoded(body, tag(after, may_see())), status=status, headers=extra)


def note(
    wanted: Operation,
    outcome: Outcome,
    before: Extension | None,
    after: Extension | None,
    *,
    shown: Shown = NONE,
) -> None:
    """Tell the audit log of a write. `before` None: it is not known, or there was none."""
    seen = "; its secrets were shown" if together(may_see(), shown) != NONE and after else ""
    known = before is not None or wanted.op == "create"
    audit.record(
        f"extension.{wanted.op}",
        f"extension {wanted.number}",
        detail=how(outcome) + seen,
        before=document(before, BOTH) if before else None,
        after=wanted.values if not known else document(after, BOTH) if after else None,
    )


def how(outcome: Outcome) -> str:
    """What the audit log says of how a write ended."""
    return "applied" if outcome.applied else f"not applied: {outcome.reason}"
