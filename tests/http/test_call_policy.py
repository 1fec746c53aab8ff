"""A key is held to its call policy wherever it can make a call go somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import func, select, text, update
from werkzeug.exceptions import Forbidden, TooManyRequests
from werkzeug.test import TestResponse

from pbxapi.demo.command import demo_app
from pbxapi.demo.exchange import DemoExchange
from pbxapi.errors import Invalid, Refused, Timeout
from pbxapi.http.auth import PRINCIPAL, REFUSED, Principal
from pbxapi.http.call_policy import placing
from pbxapi.pbx.call_policy import CallPolicy
from pbxapi.store.tables import placed
from tests.real.deadline import eventually


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    exchange = DemoExchange(seed=1)
    exchange.start()
    app = demo_app(exchange, tmp_path_factory.mktemp("demo"), days=1)
    yield app
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()
    exchange.stop()


class Caller:
    def __init__(self, app: Flask, name: str, **policy: Any) -> None:
        scopes = ["read", "calls", "agents"]
        made = app.extensions["pbxapi"].store.keys.create(
            name, scopes, policy=CallPolicy.from_document(policy), created_by="tests"
        )
        self._key, self._client = made[1], app.test_client()

    def post(self, path: str, **body: Any) -> TestResponse:
        return self._client.post(path, json=body, headers={"Authorization": f"Bearer {self._key}"})

    def old(self, command: str, **form: Any) -> TestResponse:
        return self._client.post(f"/api.php?cmd={command}", data=form, headers={"Authorization": self._key})


def refused(answer: TestResponse) -> str:
    assert answer.status_code == 403, answer.text
    problem = answer.get_json()
    assert problem["type"] == "/problems/call-policy"
    return str(problem["detail"])


def refused_of_old(answer: TestResponse) -> str:
    assert (answer.status_code, answer.get_json()["code"]) == (403, 403), answer.text
    return answer.text


@pytest.fixture(scope="module")
def inside(app: Flask) -> Caller:
    return Caller(app, "inside", destinations=["1XX"])


def test_a_destination_that_is_allowed_is_called(inside: Caller) -> None:
    assert inside.post("/calls", **{"from": "100", "to": "101"}).status_code == 202


@pytest.mark.parametrize(
    "to", ["0900123456", "+1900123456", "0111900", "*72", "1-00", "10.0", "1_0", "10w0900", "600", "1000"]
)
def test_any_other_is_not(inside: Caller, to: str) -> None:
    detail = refused(inside.post("/calls", **{"from": "100", "to": to}))
    assert detail == f"The call policy of the key inside: the destination {to} is not among those that it may call."


def test_nor_by_another_way(inside: Caller) -> None:
    refused(inside.post("/calls", **{"from": "Local/0900123@from-internal", "to": "101"}))
    refused(inside.post("/calls", **{"from": "100", "to": "101", "variables": {"OUTNUM": "0900123"}}))
    refused(inside.post("/channels/1.1/transfer", extension="0900123"))
    refused(inside.post("/channels/1.1/transfer", extension="0900123", kind="attended"))
    refused(inside.post("/channels/1.1/dtmf", digits="0900123#"))
    refused(inside.post("/queues/800/members", interface="Local/0900123@from-internal/n"))
    refused(inside.post("/agents/Local%2F0900123@from-internal%2Fn/login", queues=["800"]))
    for old in (
        inside.old("originatecall", channel="PJSIP/100", extension="0900123"),
        inside.old("originatecall", channel="Local/0900123@from-internal", extension="101"),
        inside.old("queueaddmember", queue="800", device="Local/0900123@from-internal/n"),
    ):
        refused_of_old(old)


def test_a_refusal_is_told_to_the_logs(app: Flask) -> None:
    with app.test_request_context():
        request.environ[PRINCIPAL] = Principal("x", frozenset({"calls"}), CallPolicy(destinations=("1XX",)))
        with pytest.raises(Forbidden), placing("0900"):
            pass
        assert request.environ[REFUSED] == "the destination 0900 is not among those that it may call"


def test_sources_and_caller_ids(app: Flask) -> None:
    caller = Caller(app, "shop", sources=["100"], caller_ids=["555"])
    for origin in ("101", "PJSIP/101", "Local/101@from-internal"):
        assert f"may not begin at {origin}" in refused(caller.post("/calls", **{"from": origin, "to": "100"}))
    assert "caller id" in refused(caller.post("/calls", **{"from": "100", "to": "101", "caller_id": "X <556>"}))
    assert "caller id" in refused_of_old(
        caller.old("originatecall", channel="PJSIP/100", extension="101", callerid="X <556>")
    )
    assert caller.post("/calls", **{"from": "100", "to": "101", "caller_id": "X <555>"}).status_code == 202


def test_hours(app: Flask) -> None:
    now = datetime.now(app.extensions["pbxapi"].pbx.zone)
    days = [f"{now + timedelta(days=ahead):%a}" for ahead in range(7)]
    never = Caller(app, "never", hours=[f"{day} 00:00-24:00" for day in days[2:6]])
    assert "in its hours only" in refused(never.post("/calls", **{"from": "100", "to": "101"}))
    refused(never.post("/channels/1.1/transfer", extension="101"))
    now_and_then = Caller(app, "now-and-then", hours=[f"{day} 00:00-24:00" for day in days[:2]])
    assert now_and_then.post("/calls", **{"from": "100", "to": "101"}).status_code == 202


def test_calls_a_minute_are_counted_with_those_of_the_older_interface(app: Flask) -> None:
    caller = Caller(app, "slow", calls_a_minute=2)
    assert caller.post("/calls", **{"from": "100", "to": "103"}).status_code == 202
    assert caller.old("originatecall", channel="PJSIP/100", extension="103").get_json()["code"] == 200
    third = caller.post("/calls", **{"from": "100", "to": "103"})
    assert third.status_code == 429
    assert 1 <= int(third.headers["Retry-After"]) <= 60


def test_a_call_that_was_refused_does_not_count(app: Flask) -> None:
    caller = Caller(app, "once", calls_at_once=1)
    assert caller.post("/calls", **{"from": "no-such-device", "to": "103"}).status_code == 422
    assert caller.post("/calls", **{"from": "107", "to": "103"}).status_code == 202
    assert caller.post("/calls", **{"from": "107", "to": "103"}).status_code == 429


def test_a_call_of_the_older_interface_goes_on_as_long_as_the_exchange_has_it(app: Flask) -> None:
    caller = Caller(app, "old", calls_at_once=1)
    assert caller.old("originatecall", channel="PJSIP/105", extension="103").get_json()["code"] == 200
    with app.extensions["pbxapi"].store.begin() as connection:  # two minutes later
        connection.execute(
            update(placed).where(placed.c.key == "old").values(at=datetime.now(UTC) - timedelta(minutes=2))
        )
    again = caller.old("originatecall", channel="PJSIP/105", extension="103")
    assert (again.status_code, again.get_json()["code"]) == (429, 429), again.text
    assert again.headers["Retry-After"]


def test_a_call_that_was_handed_on_goes_on(app: Flask) -> None:
    caller, pbx = Caller(app, "handing-on", calls_at_once=1), app.extensions["pbxapi"].pbx
    placed = caller.post("/calls", **{"from": "111", "to": "101"}).get_json()["id"]

    def callee() -> str | None:
        legs = [each for each in pbx.channels.all(fresh=True).value if each.linkedid == placed and each.bridge]
        return next((each.id for each in legs if each.id != placed), None)

    handed_on = eventually(callee, "101 has answered")
    assert caller.post(f"/channels/{handed_on}/transfer", extension="103").status_code == 202
    eventually(lambda: placed not in {each.id for each in pbx.channels.all(fresh=True).value}, "111 was released")
    assert caller.post("/calls", **{"from": "111", "to": "103"}).status_code == 429
    pbx.channels.hangup(handed_on, 16)
    eventually(
        lambda: caller.post("/calls", **{"from": "111", "to": "103"}).status_code == 202, "one more may be placed"
    )


def test_where_calls_cannot_be_counted_none_is_placed(app: Flask) -> None:
    caller = Caller(app, "uncounted", calls_a_minute=5)
    store, calls = app.extensions["pbxapi"].store, app.extensions["pbxapi"].pbx.calls
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE placed RENAME TO elsewhere"))
    try:
        before = {call.id for call in calls.all(fresh=True).value}
        answer = caller.post("/calls", **{"from": "100", "to": "103"})
        assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/store-unavailable")
        assert {call.id for call in calls.all(fresh=True).value} <= before
    finally:
        with store.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO placed"))


def test_what_may_be_on_its_way_counts(app: Flask) -> None:
    with app.test_request_context():
        request.environ[PRINCIPAL] = Principal("lost", frozenset({"calls"}), CallPolicy(calls_a_minute=2))
        for error, counts in ((Timeout("?"), 1), (Invalid("no"), 1), (Refused("no"), 1), (Timeout("?"), 2)):
            with pytest.raises(type(error)), placing("101"):
                raise error
            assert counted(app, "lost") == counts
        with pytest.raises(TooManyRequests), placing("101"):
            pass


def counted(app: Flask, key: str) -> int:
    with app.extensions["pbxapi"].store.begin() as connection:
        found = connection.execute(select(func.count()).select_from(placed).where(placed.c.key == key))
        return int(found.scalar_one())


def test_a_key_without_a_policy_is_not_held_to_any(app: Flask) -> None:
    headers = {"Authorization": "Bearer demo"}
    assert app.test_client().post("/calls", json={"from": "100", "to": "600"}, headers=headers).status_code == 202


def test_no_key_is_made_that_its_policy_could_not_hold(app: Flask) -> None:
    owner, headers = app.test_client(), {"Authorization": "Bearer demo"}
    policy = {"destinations": ["1XX"], "calls_at_once": 2}
    made = {"name": "loose", "scopes": ["calls", "provision"], "policy": policy}
    answer = owner.post("/keys", json=made, headers=headers)
    assert (answer.status_code, set(answer.get_json()["errors"])) == (422, {"scopes"})
    assert owner.post("/keys", json={**made, "scopes": ["calls"]}, headers=headers).status_code == 201
    assert owner.patch("/keys/loose", json={"scopes": ["provision"]}, headers=headers).status_code == 422
    assert owner.patch("/keys/loose", json={"scopes": ["admin"], "policy": None}, headers=headers).status_code == 200
    assert owner.patch("/keys/loose", json={"policy": policy}, headers=headers).status_code == 422


def test_one_limit_is_changed_and_the_others_stay(app: Flask) -> None:
    owner, headers = app.test_client(), {"Authorization": "Bearer demo"}
    made = {"name": "patched", "scopes": ["calls"], "policy": {"destinations": ["1XX"], "calls_at_once": 2}}
    assert owner.post("/keys", json=made, headers=headers).status_code == 201
    changed = owner.patch("/keys/patched", json={"policy": {"calls_at_once": 3, "hours": None}}, headers=headers)
    after = changed.get_json()["policy"]
    assert (after["destinations"], after["calls_at_once"], after["hours"]) == (["1XX"], 3, [])
    wrong = owner.patch("/keys/patched", json={"policy": {"destinations": ["2 X"], "other": 1}}, headers=headers)
    assert wrong.status_code == 422
    assert "policy.other" in wrong.get_json()["errors"]
