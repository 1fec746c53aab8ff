"""An application with a resource of the tests' own, over an exchange that nobody connects to."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import marshmallow as ma
from flask import Flask, Response
from flask.testing import FlaskClient

from pbxapi import request_id
from pbxapi.app import create_app
from pbxapi.http.auth import principal, public, require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import check_if_match, encode, respond
from pbxapi.http.paging import PageQuery, collection, page
from pbxapi.settings import Settings

KEY = "a-key-of-tests-ÄÖ-0123456789"
WITH_KEY = {"Authorization": f"Bearer {KEY}".encode().decode("latin-1")}


class ThingSchema(ma.Schema):
    name = ma.fields.String(required=True)
    size = ma.fields.Integer(strict=True, validate=ma.validate.Range(min=1))
    parts = ma.fields.List(ma.fields.Nested("ThingSchema"))


class FlagQuery(ma.Schema):
    flag = ma.fields.Boolean(load_default=False)


def app_with_things(raising: Callable[[], object] = lambda: None, **environ: str) -> Flask:
    settings = Settings.from_environ(
        {"API_SECRET_KEY": KEY, "STORE_URL": "sqlite://", "ACCESS_LOG": "false", **environ}
    )
    app = create_app(settings)
    app.extensions["pbxapi.api"].register(things(raising))
    return app


@cache
def client() -> FlaskClient:
    """A client of one such application, made once: it takes 0.1 s."""
    return app_with_things().test_client()


def things(raising: Callable[[], object]) -> Blueprint:
    blp = Blueprint("things", __name__, description="Things")
    stored = {"name": "one", "size": 1}

    @blp.get("/things")
    @require("read")
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, collection(ThingSchema), headers=headers("ETag", "Age", "Link"))
    def list_things(query: dict[str, Any]) -> Response:
        """All things"""
        items = [{"name": f"{number:03d}"} for number in range(250)]
        return respond(page(items, key=lambda item: (item["name"],), **query), age=2.9)

    @blp.get("/things/<name>")
    @require("read")
    @blp.response(200, ThingSchema, headers=headers("ETag"))
    def get_thing(name: str) -> Response:
        """One thing"""
        return respond({**stored, "name": name})

    @blp.put("/things/<name>")
    @require("calls")
    @blp.arguments(ThingSchema)
    @blp.response(200, ThingSchema, headers=headers("ETag"))
    @blp.problems(412)
    def put_thing(body: dict[str, Any], name: str) -> Response:
        """Change a thing"""
        check_if_match(encode({**stored, "name": name}))
        return respond(body)

    @blp.get("/flag")
    @require("read")
    @blp.arguments(FlagQuery, location="query")
    @blp.response(200)
    def get_flag(query: dict[str, Any]) -> Response:
        """What the query says, and spoils what it was given"""
        answer = respond(query)
        query["flag"] = "spoilt"
        return answer

    @blp.get("/raise")
    @public
    @blp.response(204)
    def get_raise() -> Response:
        """Whatever the test raises"""
        raising()
        return Response(status=204)

    @blp.get("/whoami")
    @require("admin")
    @blp.response(200)
    def get_whoami() -> Response:
        """Who asks, and under which id"""
        return respond({"name": principal().name, "request_id": request_id.current()})

    return blp
