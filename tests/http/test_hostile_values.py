"""Whatever stands in a string of a request: it is taken or refused in words, and nobody sees a fault of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from pbxapi.app import create_app
from pbxapi.demo.command import demo_app
from pbxapi.demo.exchange import DemoExchange
from pbxapi.settings import DEMO_KEY, Settings

PAYLOADS = {
    "a line end and an AMI action": "x\r\nAction: Originate\r\nChannel: Local/00900@from-internal\r\n\r\n",
    "a NUL": "a\x00b",
    "every control character": "".join(map(chr, [*range(1, 32), *range(127, 160)])),
    "a megabyte": "A" * 1_000_000,
    "characters of all planes": "ä\u0416\u4e2d\ufdfd\u200f\U0001f600\U0002f800\U000e0041\U0010fffd",
    "half of a surrogate pair": "\ud83d",
    "SQL": "1' OR '1'='1'; DROP TABLE users; -- ",
    "a path": "../../../../etc/passwd",
    "a shell's words": "$(touch pwned)`touch pwned`;touch pwned|touch pwned",
    "a spreadsheet's formula": "=cmd|'/C calc'!A0",
    "dialplan": "${SHELL(id)},1&PJSIP/0900",
    "a configuration line": "x]\n[evil](+)\nsecret=1;",
    "a format": "%s%n{0.__class__}",
    "nothing": "",
    "blanks": " \t ",
}
METHODS = ("get", "post", "put", "patch", "delete")
AUTHORIZED = {"Authorization": "Bearer demo"}
PATHS = {"number": "100", "queue": "800", "member": "100", "agent": "101", "mailbox": "100", "name": "100"}


def document() -> Any:
    return create_app(Settings(api_secret_key=DEMO_KEY, demo=True)).extensions["pbxapi.api"].document()


DOCUMENT = document()
OPERATIONS = [
    (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    exchange = DemoExchange(seed=1)
    exchange.start()
    app = demo_app(exchange, tmp_path_factory.mktemp("demo"))
    yield app.test_client()
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()
    exchange.stop()


def resolved(schema: Any) -> Any:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def types(schema: Any) -> set[str]:
    found = schema.get("type", "object" if "properties" in schema else "string")
    return set(found) if isinstance(found, list) else {found}


def sample(schema: Any, depth: int = 0) -> Any:
    """A value that the schema would take, or nearly."""
    schema = resolved(schema)
    for key in ("example", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return sample(schema[key][0], depth)
    kind = types(schema)
    if "object" in kind:
        required = schema.get("required", [])
        return {
            name: sample(each, depth + 1) for name, each in schema.get("properties", {}).items() if name in required
        }
    if "array" in kind:
        return [sample(schema["items"], depth + 1)] if depth < 4 else []
    return {"integer": schema.get("minimum", 1), "number": 1.0, "boolean": True}.get(next(iter(kind - {"null"})), "100")


def bodies(schema: Any, payload: str, depth: int = 0) -> Iterator[Any]:
    """Bodies with the payload in one string each: every field, every name of a free object, every item of a list."""
    schema = resolved(schema)
    for key in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(key, []):
            yield from bodies(each, payload, depth)
    kind = types(schema)
    if "object" in kind and depth < 5:
        whole = sample(schema)
        for name, each in schema.get("properties", {}).items():
            for inner in bodies(each, payload, depth + 1):
                yield {**whole, name: inner}
        if isinstance(schema.get("additionalProperties"), dict):
            yield {payload: sample(schema["additionalProperties"])}
            for inner in bodies(schema["additionalProperties"], payload, depth + 1):
                yield {"NAME": inner}
    elif "array" in kind and depth < 5:
        for inner in bodies(schema["items"], payload, depth + 1):
            yield [inner]
    elif "string" in kind:
        yield payload


def check(response: Any, operation: Any, sent: object) -> None:
    documented = {int(status) for status in operation["responses"]}
    assert response.status_code in documented, f"{response.status_code} for {str(sent)[:200]}: {response.text[:500]}"
    assert response.status_code not in {500, 503}, f"{str(sent)[:200]}: {response.text[:500]}"
    if response.status_code >= 400:
        problem = response.get_json()
        assert response.mimetype == "application/problem+json"
        assert not {"Traceback", "sqlalchemy", "SELECT "} & set(problem["detail"].split())


def address(path: str, payload: str | None = None) -> str:
    """The path of an operation, with this in the place of its last name."""
    names = re.findall(r"{(\w+)}", path)
    for name in names:
        hostile = payload is not None and name == names[-1]
        path = path.replace(f"{{{name}}}", quote(payload or "", safe="") if hostile else PATHS.get(name, "1"))
    return path


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_no_string_of_a_body_is_a_fault(client: FlaskClient, payload: str) -> None:
    for method, path in OPERATIONS:
        operation = DOCUMENT["paths"][path][method.lower()]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        for body in bodies(content["schema"], payload) if content else ():
            with client.open(address(path), method=method, json=body, headers=AUTHORIZED) as response:
                check(response, operation, body)


@pytest.mark.parametrize("payload", [each[:2000] for each in PAYLOADS.values() if each.isprintable() or "\n" in each])
def test_no_string_of_a_path_or_a_query_is_a_fault(client: FlaskClient, payload: str) -> None:
    for method, path in OPERATIONS:
        operation = DOCUMENT["paths"][path][method.lower()]
        urls = [address(path, payload)] if "{" in path and payload else []
        for parameter in [DOCUMENT["components"]["parameters"].get(each, each) if isinstance(each, str) else each
                          for each in operation.get("parameters", [])]:  # fmt: skip
            if parameter.get("in") == "query":
                urls.append(f"{address(path)}?{quote(parameter['name'])}={quote(payload)}")
        for url in urls:
            with client.open(url, method=method, headers=AUTHORIZED) as response:
                # A dot or nothing in a path leads elsewhere, as it should.
                if response.status_code not in {308, 405}:
                    check(response, {"responses": {**operation["responses"], "404": {}}}, url)
