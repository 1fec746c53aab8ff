"""`/system/resources`, `/system/disk`, `/system/firewall`, `/system/services`, of the host that the tests run on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import marshmallow as ma
import pytest
from flask.testing import FlaskClient

from pbxapi.app import create_app
from pbxapi.http.system_schemas import DiskSchema, FirewallSchema, ResourcesSchema, ServicesSchema
from pbxapi.pbx.host import LocalHost
from pbxapi.pbx.host_services import Answer
from pbxapi.settings import Settings
from tests.http.provisioned import limited
from tests.real.deadline import eventually

KEY = "a-key-for-tests-of-32-characters"
SCHEMAS = {
    "/system/resources": ResourcesSchema,
    "/system/disk": DiskSchema,
    "/system/firewall": FirewallSchema,
    "/system/services": ServicesSchema,
}


@pytest.fixture
def monitor(tmp_path: Path) -> Path:
    folder = tmp_path / "monitor"
    folder.mkdir()
    (folder / "one.wav").write_bytes(b"x" * 50_000)
    return folder


@pytest.fixture
def client(tmp_path: Path, monitor: Path) -> Iterator[FlaskClient]:
    settings = Settings.from_environ({"API_SECRET_KEY": KEY, "STORE_URL": "sqlite://", "ACCESS_LOG": "false"})
    app = create_app(settings)
    state = app.extensions["pbxapi"]
    host = LocalHost(
        exchange="127.0.0.1",
        database_is_here=True,
        folders={"logs": str(tmp_path / "none"), "recordings": str(monitor)},
        path=tmp_path / "store.db.disk.lock",
        asks={"asterisk": lambda: Answer("22.1.0")},
        zone=UTC,
    )
    app.extensions["pbxapi"] = replace(state, pbx=replace(state.pbx, host=host))
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    yield client
    host.close()
    state.pbx.close()
    state.store.close()


def get(client: FlaskClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.mark.parametrize("path", SCHEMAS)
def test_answers_are_as_they_are_documented_and_say_whose_host_it_is(client: FlaskClient, path: str) -> None:
    schema: ma.Schema = SCHEMAS[path]()
    found = get(client, path)
    schema.load(found)
    assert found["host"] == "exchange"


@pytest.mark.parametrize("path", SCHEMAS)
def test_they_need_the_scope_read(client: FlaskClient, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "cdr", "system")
    assert client.get(path).status_code == 403
    limited(monkeypatch, "read")
    assert client.get(path).status_code == 200


def test_the_bytes_of_a_purpose_come_later_and_nobody_waits_for_them(client: FlaskClient) -> None:
    first = client.get("/system/disk")
    document = first.get_json()
    assert (document["state"], document["measured_at"], document["age"]) == ("measuring", None, None)
    assert "Age" not in first.headers
    by_name = {each["name"]: each for each in document["purposes"]}
    assert by_name["logs"]["state"] == "absent"
    assert (by_name["recordings"]["state"], by_name["recordings"]["bytes"]) == ("measuring", None)

    eventually(lambda: get(client, "/system/disk")["state"] == "ready", "counted", 60)
    later = client.get("/system/disk")
    document = later.get_json()
    by_name = {each["name"]: each for each in document["purposes"]}
    assert by_name["recordings"]["bytes"] >= 50_000
    assert later.headers["Age"] == str(document["age"])
    assert document["file_systems"][0]["mount"] == "/"


def test_asterisk_answers_for_itself(client: FlaskClient) -> None:
    items = get(client, "/system/services")["items"]
    [asterisk] = [each for each in items if each["name"] == "asterisk"]
    assert (asterisk["state"], asterisk["answers"], asterisk["version"]) == ("running", True, "22.1.0")
    assert {each["name"] for each in items} == {"asterisk", "database", "web_server", "fail2ban"}


def test_neither_rules_nor_addresses_are_told_of_the_firewall(client: FlaskClient) -> None:
    found = get(client, "/system/firewall")
    assert [each["name"] for each in found["rule_sets"]] == ["iptables", "ip6tables", "nftables", "firewalld"]
    for each in found["rule_sets"]:
        assert set(each) == {"name", "state", "rules", "input_policy", "reason"}
        assert (each["rules"] is None) <= (each["state"] in {"absent", "unknown"} or each["name"] == "firewalld")
        assert each["reason"] or each["state"] in {"active", "inactive"}
