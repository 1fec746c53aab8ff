"""The older interface over each exchange: the same key, the old URLs, the old answers."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.real.api import KEY, Api
from tests.real.deadline import eventually
from tests.real.exchange import ROLES, Exchange


def ask(api: Api, command: str, **form: str) -> TestResponse:
    client = api.app.test_client()
    return client.post(f"/api/api.php?cmd={command}", data=form, headers={"Authorization": KEY})


def channels(api: Api) -> list[dict[str, Any]]:
    return [row for row in ask(api, "activecall").get_json() if "PJSIP/10" in row["Channel"]]


def test_a_click_to_call_rings_both_and_is_shown(api: Api) -> None:
    answer = ask(api, "originatecall", channel="PJSIP/100", extension="101", callerid="Sales <555>")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "CALL INITIATED", "code": 200})
    eventually(lambda: len([row for row in channels(api) if row["State"] == "Up"]) == 2, "both talk")
    first, second = sorted(channels(api), key=lambda row: str(row["Channel"]))
    assert (first["BridgedTo"], second["BridgedTo"]) == (second["Channel"], first["Channel"])
    assert (first["Application"], first["Extension"], first["CallerID"]) == ("Dial", "101", "555")
    text = ask(api, "channelstatus").text
    assert f"Channel: {first['Channel']}\n" in text.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"extension": "101"}, 400),
        ({"channel": "PJSIP/100"}, 400),
        ({"channel": "PJSIP/100", "extension": "101\r\nApplication: System"}, 400),
        ({"channel": "PJSIP/100", "extension": "600", "context": "forbidden"}, 400),
        ({"channel": "DAHDI/g0/5551234", "extension": "101"}, 400),
    ],
)
def test_what_may_not_be_dialled_is_refused(api: Api, form: dict[str, str], status: int) -> None:
    answer = ask(api, "originatecall", **form)
    assert (answer.status_code, answer.get_json()["code"]) == (status, status)


def test_sippeers_are_the_managers_own_rows(api: Api) -> None:
    rows = {row["ObjectName"]: row for row in ask(api, "sippeers").get_json()}
    assert set(ROLES) <= set(rows)
    assert rows["100"]["Event"] == "EndpointList"
    assert list(rows["100"])[:4] == ["Event", "ObjectType", "ObjectName", "Transport"]
    assert rows["104"]["DeviceState"] == "Unavailable"


def test_parked_calls_are_the_managers_own_text(api: Api) -> None:
    path = api.place(**{"from": "100", "to": "603"})
    api.until(path, "answered")
    api.post(f"/channels/{path.removeprefix('/calls/')}/park", {}, status=201)
    answer = ask(api, "parkedcalls")
    assert answer.mimetype == "text/plain"
    assert "Event: ParkedCall\n" in answer.text.replace("\r\n", "\n")
    assert "ActionID" not in answer.text


def test_auth_hands_out_the_managers_login(api: Api, exchange: Exchange) -> None:
    (word,) = ask(api, "auth").get_json().values()
    assert base64.b64decode(word).decode() == f"{exchange.username}:{exchange.secret}"
