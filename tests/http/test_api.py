from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Response
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint
from pbxapi.scopes import SCOPES
from tests.things import app_with_things, client


def document() -> dict[str, Any]:
    found = client().get("/openapi.json").json
    assert found is not None
    return dict(found)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield path, method, operation


def responses(operation: dict[str, Any]) -> set[str]:
    return set(operation["responses"])


def one(name: str) -> dict[str, Any]:
    return next(operation for _, _, operation in operations() if operation["operationId"] == name)


def test_the_document_is_openapi_3_1() -> None:
    found = document()
    assert found["openapi"] == "3.1.0"
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(found)] == []


def test_every_reference_leads_somewhere() -> None:
    found = document()

    def check(part: object) -> None:
        if isinstance(part, dict):
            target: Any = found
            for name in str(part.get("$ref", "#")).split("/")[1:]:
                target = target[name]
            for inner in part.values():
                check(inner)
        elif isinstance(part, list):
            for inner in part:
                check(inner)

    check(found)


def test_every_operation_has_an_id_of_its_own_a_summary_and_a_described_tag() -> None:
    tags = {tag["name"] for tag in document()["tags"] if tag["description"]}
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    for _, _, operation in operations():
        assert operation["summary"]
        assert set(operation["tags"]) <= tags


def test_every_operation_says_which_scope_it_needs() -> None:
    for path, _, operation in operations():
        scopes = [scope for way in operation["security"] for needed in way.values() for scope in needed]
        if path.startswith("/health/") or path in {"/raise", "/recordings/links"}:
            assert operation["security"] == []
        else:
            ways = [name for way in operation["security"] for name in way]
            assert ways == ["bearer", "api_key"] * len(set(scopes))
            assert set(scopes) <= SCOPES.keys()


def test_what_can_go_wrong_with_any_operation_is_documented() -> None:
    for path, method, operation in operations():
        assert "500" in responses(operation)
        if operation["security"]:
            assert {"401", "403", "422"} <= responses(operation)
        if "{" in path:
            assert "404" in responses(operation)
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= responses(operation)
        if method == "get" and "ETag" in operation["responses"].get("200", {}).get("headers", {}):
            assert "304" in responses(operation)


def test_every_answer_documents_the_request_id() -> None:
    found = document()
    for _, _, operation in operations():
        for response in operation["responses"].values():
            name = response.get("$ref", "").rpartition("/")[2]
            described = found["components"]["responses"][name] if name else response
            assert "X-Request-ID" in described["headers"]


def test_every_documented_problem_has_examples_and_the_headers_it_comes_with() -> None:
    problems = document()["components"]["responses"]
    for name, response in problems.items():
        content = response["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        for example in content["examples"].values():
            assert f"Problem{example['value']['status']}" == name
    assert "WWW-Authenticate" in problems["Problem401"]["headers"]
    assert "Retry-After" in problems["Problem503"]["headers"]


def test_a_precondition_is_documented_where_it_is_honoured() -> None:
    def preconditions(name: str) -> set[str]:
        return {item["$ref"].rpartition("/")[2] for item in one(name).get("parameters", []) if "$ref" in item}

    assert preconditions("get_thing") == {"If-None-Match"}
    assert preconditions("put_thing") == {"If-Match"}
    assert preconditions("get_raise") == set()


def test_the_document_needs_no_key_and_is_not_sent_twice() -> None:
    first = client().get("/openapi.json")
    assert client().get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_the_server_is_where_the_application_is_mounted() -> None:
    assert document()["servers"] == [{"url": "/"}]
    mounted = client().get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/pbx"}).json
    assert mounted is not None
    assert mounted["servers"] == [{"url": "/pbx"}]


def test_an_operation_that_says_nothing_of_keys_does_not_start() -> None:
    blp = Blueprint("forgotten", __name__, description="Forgotten")

    @blp.get("/forgotten")
    @blp.response(200)
    def get_forgotten() -> Response:
        """Open by mistake"""
        return Response()

    with pytest.raises(RuntimeError, match="get_forgotten"):
        app_with_things().extensions["pbxapi.api"].register(blp)


def test_one_blueprint_serves_two_applications() -> None:
    blp = Blueprint("shared", __name__, description="Shared")

    @blp.get("/shared")
    @require("read")
    @blp.response(200)
    def get_shared() -> Response:
        """Shared"""
        return Response()

    for app in (app_with_things(), app_with_things()):
        app.extensions["pbxapi.api"].register(blp)
        found = app.test_client().get("/openapi.json").json
        assert found is not None
        assert {"401", "403", "422", "500"} <= set(found["paths"]["/shared"]["get"]["responses"])
