"""What becomes of a call that is placed, on each exchange."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.real.api import Api
from tests.real.deadline import eventually
from tests.real.exchange import REAL, Exchange


@pytest.mark.parametrize(
    ("origin", "to", "status", "leg", "reason"),
    [
        ("102", "101", "busy", "from", "102 is busy"),
        ("100", "102", "busy", "to", "102 is busy"),
        ("104", "101", "failed", "from", "104 is offline"),
        ("100", "104", "failed", "to", "104 is offline"),
        ("106", "101", "failed", "from", "declined"),
        ("100", "106", "failed", "to", "declined"),
        ("103", "101", "no_answer", "from", "103 did not answer"),
        ("100", "103", "no_answer", "to", "103 did not answer"),
    ],
)
def test_a_call_that_fails_says_which_leg_and_why(
    api: Api, origin: str, to: str, status: str, leg: str, reason: str
) -> None:
    path = api.place(**{"from": origin, "to": to, "timeout": 1, "variables": {"__RINGTIME": "1"}})
    call = api.end(path)
    assert (call["status"], call["leg"]) == (status, leg), call
    assert reason in call["reason"]
    assert call["ended_at"] is not None
    assert call["answered_at"] is None
    assert api.get(path)["status"] == status


def test_a_call_is_followed_from_queued_to_completed(api: Api, exchange: Exchange) -> None:
    placed = api.send("POST", "/calls", status=202, json={"from": "100", "to": "101", "external_id": 'crm "7", (x)'})
    call = placed.get_json()
    assert call["status"] == "queued"
    assert call["caller"]["number"] == "100"
    path = placed.headers["Location"]
    assert api.until(path, "ringing")["ringing_at"] is not None
    call = api.until(path, "answered")
    assert call["answered_at"] is not None
    legs = eventually(lambda: both_up(api, path), "both legs are up")
    assert {leg["linkedid"] for leg in legs} == {call["id"]}
    assert len({leg["bridge"] for leg in legs}) == 1
    assert [leg["external_id"] for leg in legs] == ['crm "7", (x)'] * 2
    assert call["id"] in [leg["id"] for leg in legs]
    assert call["id"] in [c["id"] for c in api.items("/calls?external_id=crm%20%227%22%2C%20%28x%29")]
    api.delete(path)
    ended = api.end(path)
    assert (ended["status"], ended["external_id"], ended["channels"]) == ("completed", 'crm "7", (x)', [])
    assert call["id"] not in [c["id"] for c in api.items("/calls?fresh=true")]
    api.delete(path, status=404)


def both_up(api: Api, path: str) -> list[dict[str, str]]:
    legs: list[dict[str, str]] = api.get(path)["channels"]
    return legs if len(legs) == 2 and all(leg["state"] == "up" and leg["bridge"] for leg in legs) else []


def test_a_call_that_is_hung_up_before_the_answer_is_canceled(api: Api) -> None:
    path = api.place(**{"from": "103", "to": "101"})
    api.until(path, "ringing")
    api.delete(path)
    assert (api.end(path)["status"], api.get(path)["leg"]) == ("canceled", "from")
    path = api.place(**{"from": "100", "to": "103"})
    eventually(lambda: "103 is rung" in (api.get(path)["reason"] or ""), "103 rings")
    api.delete(path)
    assert api.end(path)["status"] == "canceled"


def test_the_fate_of_a_call_is_the_same_from_every_worker(
    exchange: Exchange, api: Api, apps: Callable[..., Api], tmp_path: Path
) -> None:
    """Two applications over one store, as two workers of gunicorn are: one places, the other tells and hangs up."""
    other = apps(exchange, tmp_path / "store.db")
    path = api.place(**{"from": "100", "to": "103"})
    eventually(lambda: "103 is rung" in (other.get(path)["reason"] or ""), "the other sees it ring")
    other.delete(path)
    ended = api.end(path)
    assert ended["status"] == "canceled"
    assert other.get(path) == ended


def test_an_application_that_takes_the_call_answers_it(api: Api) -> None:
    path = api.place(**{"from": "100", "to": "600"})
    call = api.until(path, "answered")
    assert call["channels"][0]["application"] == "Echo"
    api.delete(path)
    assert api.end(path)["status"] == "completed"


def test_a_device_and_a_local_channel_can_be_called_from(api: Api) -> None:
    for origin in ("PJSIP/100", "Local/100@from-internal"):
        path = api.place(**{"from": origin, "to": "600"})
        api.until(path, "answered")
        api.delete(path)
        assert api.end(path)["status"] == "completed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from": "999", "to": "101"}, "from"),
        ({"from": "PJSIP/trunk/sip:1@192.0.2.1", "to": "101"}, "from"),
        ({"from": "Local/600@forbidden", "to": "101"}, "from"),
        ({"from": "100", "to": "nowhere"}, "to"),
        ({"from": "100", "to": "101&102"}, "to"),
        ({"from": "100", "to": "101\r\nApplication: System"}, "to"),
        ({"from": "100", "to": "600", "context": "forbidden"}, "context"),
        ({"from": "100", "to": "101", "caller_id": "a\r\nApplication: System"}, "caller_id"),
        ({"from": "100", "to": "101", "variables": {"SHELL(id)": "x"}}, "variables"),
        ({"from": "100", "to": "101", "variables": {"A": "x\nB: y"}}, "variables"),
        ({"from": "100", "to": "101", "timeout": 0}, "timeout"),
        ({"from": "100", "to": "101", "application": "System"}, "application"),
        ({"from": "100"}, "to"),
    ],
)
def test_what_may_not_be_dialled_is_refused_and_nothing_rings(
    api: Api, exchange: Exchange, body: dict[str, object], field: str
) -> None:
    with exchange.manager(events="call") as manager:
        problem = api.post("/calls", body, status=422)
        assert field in problem["errors"], problem
        answers = manager.ask("Ping")
    assert not [a for a in answers if a.get("Event") == "Newchannel" and "PJSIP/100" in a["Channel"]]
    assert [c for c in api.items("/calls?fresh=true") if c["caller"]["number"] == "100"] == []


def test_variables_and_caller_id_arrive_as_they_were_sent(api: Api, exchange: Exchange) -> None:
    value = 'Müller, "Ana" (x) \\ ; 100%'
    path = api.place(**{"from": "100", "to": "603", "caller_id": "José <555>", "variables": {"CUSTOMER": value}})
    api.until(path, "answered")
    (leg,) = api.get(path)["channels"]
    assert leg["caller"] == {"number": "555", "name": "José"}
    with exchange.manager() as manager:
        assert manager.ask("Getvar", Channel=leg["name"], Variable="CUSTOMER")[0]["Value"] == value


@pytest.mark.parametrize("_exchange", REAL, indirect=True, scope="session")
def test_auto_answer_asks_the_phone_to_pick_up(api: Api, exchange: Exchange) -> None:
    phone = exchange.phones["103"]
    for auto_answer in (True, False):
        api.place(**{"from": "103", "to": "600", "auto_answer": auto_answer})
        call = phone.wait_incoming()
        assert call.invite is not None
        assert ("answer-after=0" in "".join(call.invite.all("call-info"))) == auto_answer
        phone.forget_calls()


def test_a_call_placed_by_a_worker_that_died_is_ended_and_says_so(
    api: Api, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pbxapi.pbx.call_watcher.CallWatcher._run", lambda self: None)
    monkeypatch.setattr("pbxapi.pbx.calls.UNSEEN", timedelta(0))
    path = api.place(**{"from": "102", "to": "101"})
    eventually(lambda: api.items("/calls?fresh=true&status=queued") == [], "it is not listed any more")
    call = api.end(path)
    assert (call["status"], call["reason"]) == ("failed", "The end of this call was not seen")
