"""`/keys`: who may ask, for what, from where and until when. No key gives away more than it has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request
from werkzeug.exceptions import Forbidden

from pbxapi.http import audit
from pbxapi.http.auth import principal, require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import Encoded, encode, respond
from pbxapi.http.context import state
from pbxapi.http.extension_plans import merge_patch
from pbxapi.http.key_schemas import KeyChangesSchema, KeySchema, MadeKeySchema, NewKeySchema, RotationSchema
from pbxapi.http.paging import PageQuery, collection, page
from pbxapi.http.tags import Precondition, with_live_half
from pbxapi.pbx.call_policy import CallPolicy
from pbxapi.store.keys import Key, KeyStore

blp = Blueprint("keys", __name__, description="Keys: who may ask, for what, from where and until when")
FIELDS = tuple(field.name for field in dataclasses.fields(Key) if field.name not in {"version", "policy"})
SETTINGS = ("scopes", "networks", "policy", "expires_at")


class KeyBeyond(Forbidden):
    """403: a key may not give what it has not."""

    problem = "key-beyond"


def keys() -> KeyStore:
    """The keys of the store."""
    return state().store.keys


def document(key: Key) -> dict[str, Any]:
    """A key as JSON has it."""
    policy = None if key.policy is None else key.policy.document()
    return {"status": key.status(datetime.now(UTC)), "policy": policy, **{name: getattr(key, name) for name in FIELDS}}


def tag_of_settings(key: Key) -> str:
    """What If-Match compares: a key that is in use is no other key each minute."""
    return encode([key.name, key.version]).etag


def _answer(key: Key, /, *, status: int = 200, **more: object) -> Response:
    shown = encode(document(key))
    tag = with_live_half(tag_of_settings(key), shown.etag)
    if not more:
        return respond(Encoded(shown.body, tag), status=status)
    response = respond(Encoded(encode({**document(key), **more}).body, tag), status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


@blp.get("/keys")
@require("admin")
@blp.arguments(PageQuery, location="query")
@blp.response(200, collection(KeySchema), headers=headers("ETag", "Link"))
@blp.problems(503)
def list_keys(query: dict[str, Any]) -> Response:
    """Keys, by name

    Those that were revoked or have expired are among them. `API_SECRET_KEY` is not: the configuration holds it.
    """
    found = [document(key) for key in keys().all()]
    return respond(page(found, key=lambda key: (key["name"],), **query))


@blp.post("/keys")
@require("admin")
@blp.arguments(NewKeySchema, example={"name": "crm", "scopes": ["read", "calls"], "networks": ["10.0.0.0/8"]})
@blp.response(201, MadeKeySchema, headers=headers("ETag", "Location"))
@blp.problems(409, 503)
def create_key(body: dict[str, Any]) -> Response:
    """Make a key

    The answer shows what to send as it, once. 403: it may do more than the key that makes it. 409: the name is taken,
    also by a key that was revoked.
    """
    policy = _policy(body.pop("policy"))
    _check_may_give(body["scopes"], policy)
    made, secret = keys().create(**body, policy=policy, created_by=principal().name)
    audit.record("key.create", f"key {made.name}", after=settings_of(made))
    response = _answer(made, status=201, key=secret)
    response.headers["Location"] = f"{request.script_root}/keys/{made.name}"
    return response


@blp.get("/keys/<name>")
@require("admin")
@blp.response(200, KeySchema, headers=headers("ETag"))
@blp.problems(503)
def get_key(name: str) -> Response:
    """One key

    Its ETag has two halves: If-None-Match compares both, If-Match only that of what is set, since a key that is in use
    has another `last_used_at` each minute.
    """
    return _answer(keys().get(name))


@blp.patch("/keys/<name>")
@require("admin")
@blp.arguments(KeyChangesSchema, example={"networks": ["10.0.0.0/8"], "expires_at": None})
@blp.response(200, KeySchema, headers=headers("ETag"))
@blp.doc(**merge_patch("KeyChanges"))
@blp.problems(409, 412, 503)
def change_key(body: dict[str, Any], name: str) -> Response:
    """Change what a key may do

    A JSON merge patch (RFC 7396): what is not sent stays, null takes away. In effect at once here, and within two
    seconds in other workers and on other hosts. 403: it may do more than the key that asks. 409: it was revoked.
    """
    if "networks" in body:
        body["networks"] = body["networks"] or []
    unchanged = Precondition(tag_of_settings)

    def changes_of(key: Key) -> Mapping[str, Any]:
        unchanged(key)
        changes = {**body, "policy": _merged(key.policy, body["policy"])} if "policy" in body else body
        _check_may_give(changes.get("scopes", key.scopes), changes.get("policy", key.policy))
        return changes

    before, after = keys().change(name, changes_of)
    audit.record("key.update", f"key {name}", before=settings_of(before), after=settings_of(after))
    return _answer(after)


@blp.post("/keys/<name>/rotate")
@require("admin")
@blp.arguments(RotationSchema)
@blp.response(200, MadeKeySchema, headers=headers("ETag"))
@blp.problems(409, 503)
def rotate_key(body: dict[str, Any], name: str) -> Response:
    """Give a key another secret

    The answer shows what to send as it from now on, once. What was sent before is good for `grace` seconds more; what
    was good by the grace of the rotation before this one is refused. 409: it was revoked, or has expired and
    `expires_at` is not sent.
    """
    after, secret = keys().rotate(
        name,
        grace=timedelta(seconds=body["grace"]),
        expires_at=body.get("expires_at"),
        check=lambda key: _check_may_give(key.scopes, key.policy),
    )
    audit.record("key.rotate", f"key {name}", detail=f"the one before is good for {body['grace']} s more")
    return _answer(after, key=secret)


@blp.delete("/keys/<name>")
@require("admin")
@blp.response(204)
@blp.problems(412, 503)
def revoke_key(name: str) -> Response:
    """Revoke a key

    At once here, and within two seconds in other workers and on other hosts; for ever. It stays in the collection, and
    its name stays taken, so that the audit log means one key by it.
    """
    before, after = keys().revoke(name, Precondition(tag_of_settings))
    if before.version != after.version:
        audit.record("key.revoke", f"key {name}")
    return Response(status=204)


def _policy(given: Mapping[str, Any] | None) -> CallPolicy | None:
    return None if given is None else CallPolicy.from_document(given)


def _merged(policy: CallPolicy | None, changes: Mapping[str, Any] | None) -> CallPolicy | None:
    """As RFC 7396 has it: who sends one limit takes none of the others away."""
    return _policy(changes if changes is None or policy is None else {**policy.document(), **changes})


def settings_of(key: Key) -> dict[str, Any]:
    """What can be set of a key, for the audit log."""
    shown = document(key)
    return {name: shown[name] for name in SETTINGS}


def _check_may_give(scopes: Iterable[str], policy: CallPolicy | None) -> None:
    """Raise KeyBeyond for what the key that asks has not."""
    caller = principal()
    beyond = [scope for scope in scopes if scope not in caller.scopes]
    if beyond:
        raise KeyBeyond(f"The key {caller.name} lacks the scope {', '.join(beyond)}, and may not give it.")
    if caller.policy is None:
        return
    if policy != caller.policy:
        raise KeyBeyond(f"The key {caller.name} has a call policy, and may make no key with another one or none.")
    if "calls" in scopes:
        # Calls are counted for each key: two keys would be twice the calls.
        raise KeyBeyond(f"The key {caller.name} has a call policy, and may make no key with the scope calls.")
