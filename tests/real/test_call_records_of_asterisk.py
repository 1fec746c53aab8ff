"""Records that a real Asterisk wrote over ODBC after real calls, and the calls of this API that they are of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.real.api import Api
from tests.real.cdr_table import database_url
from tests.real.deadline import eventually
from tests.real.exchange import REAL, Exchange

# The demo writes no records over ODBC.
pytestmark = pytest.mark.parametrize("_exchange", REAL, indirect=True, scope="session")

SECOND = timedelta(seconds=1.5)
"""How far a time of a record, which is in whole seconds, may be from the one that was seen, with some for the load."""


@pytest.fixture
def api(exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]) -> Api:
    """The application over the exchange and the database that it writes its records to. Both are in this machine's
    time zone, as PBX_TIMEZONE is where it is not given."""
    assert exchange.asterisk is not None
    assert exchange.asterisk.database is not None
    more = {"CDR_DATABASE_URL": database_url(exchange.asterisk.database), "CDR_ROLL_UP": "false"}
    return apps(exchange, tmp_path / "store.db", **more)


def past_call(api: Api, call_id: str) -> Any:
    """The call that the records with this linkedid are of, once they are all there: those written last too."""

    def found() -> Any:
        items = api.items(f"/cdr?group=call&linkedid={call_id}")
        return items[0] if items else None

    return eventually(found, f"there are records of {call_id}")


def ended(api: Api, **body: object) -> Any:
    """A placed call that came to its end by itself."""
    return api.end(api.place(**{"timeout": 1, "variables": {"__RINGTIME": "1"}, **body}))


def check_the_same(call: Mapping[str, Any], past: Mapping[str, Any]) -> None:
    """The records tell of the call what was seen of it while it lasted."""
    assert past["id"] == call["id"]
    assert past["caller"]["number"] == call["caller"]["number"]
    assert abs(past["duration"] - call["duration"]) <= 1
    assert apart(past, call, "started_at") < SECOND
    # The end of a record is the whole second it began in and the whole seconds it took.
    assert apart(past, call, "ended_at") < 2 * SECOND


def apart(past: Mapping[str, Any], call: Mapping[str, Any], name: str) -> timedelta:
    return abs(datetime.fromisoformat(past[name]) - datetime.fromisoformat(call[name]))


def test_an_answered_call_is_the_one_that_was_placed(api: Api) -> None:
    path = api.place(**{"from": "100", "to": "101"})
    answered = api.until(path, "answered")
    api.delete(path)
    call = api.end(path)
    past = past_call(api, call["id"])
    check_the_same(call, past)
    assert (past["status"], past["callee"]["number"], past["dialed"]) == ("completed", "101", "101")
    assert past["caller"] == {"number": "100", "name": "Ana"}
    assert abs(past["talk_time"] - seconds_between(answered["answered_at"], call["ended_at"])) <= 1.5
    [leg] = api.items(f"/cdr/{call['id']}")
    assert leg in past["legs"]
    assert (leg["uniqueid"], leg["linkedid"], leg["disposition"]) == (call["id"], call["id"], "ANSWERED")
    assert leg["dstchannel"].startswith("PJSIP/101-")
    assert api.items(f"/cdr?linkedid={call['id']}&src=100&disposition=answered") == [leg]
    journey = api.get(f"/cdr/{call['id']}/journey")
    assert journey["source"] == "cdr"
    assert {"start", "ring", "answer", "hangup", "end"} <= {step["kind"] for step in journey["steps"]}


def seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


@pytest.mark.parametrize(
    ("origin", "to", "statuses"),
    [
        ("102", "101", {"busy"}),
        ("100", "102", {"busy"}),
        ("100", "103", {"no_answer"}),
        ("100", "104", {"failed"}),
        # Asterisk 16 writes FAILED for who was rung too long, and both write NO ANSWER for who declined.
        ("103", "101", {"no_answer", "failed"}),
        ("100", "106", {"no_answer", "failed"}),
    ],
)
def test_a_call_that_came_to_nothing_says_so_in_its_records(api: Api, origin: str, to: str, statuses: set[str]) -> None:
    call = ended(api, **{"from": origin, "to": to})
    past = past_call(api, call["id"])
    check_the_same(call, past)
    assert call["status"] in statuses
    assert past["status"] in statuses
    assert past["talk_time"] == 0


def test_a_call_to_what_answers_by_itself_is_completed(api: Api) -> None:
    path = api.place(**{"from": "100", "to": "600"})
    api.until(path, "answered")
    api.delete(path)
    past = past_call(api, api.end(path)["id"])
    assert (past["status"], past["dialed"], past["legs"][0]["lastapp"]) == ("completed", "600", "Echo")


def test_a_call_that_left_a_queue_unserved_is_abandoned(api: Api) -> None:
    path = api.place(**{"from": "100", "to": "801"})
    api.until(path, "answered")
    api.delete(path)
    past = past_call(api, api.end(path)["id"])
    assert (past["status"], past["dialed"], past["callee"]["number"]) == ("abandoned", "801", "801")


def test_a_queue_call_names_who_took_it(api: Api, exchange: Exchange) -> None:
    exchange.phones["101"].answer_after = None
    call = exchange.phones["103"].call("800").wait_answered()
    taken = exchange.phones["100"].wait_incoming()
    eventually(lambda: [c for c in api.items("/channels?fresh=true") if c["bridge"]], "they talk")
    call.hang_up()
    call.wait_ended()
    taken.wait_ended()
    past = eventually(
        lambda: [c for c in api.items("/cdr?group=call&limit=1") if c["dialed"] == "800"], "there are records"
    )[0]
    assert (past["status"], past["caller"]["number"], past["callee"]["number"]) == ("completed", "103", "100")


def test_a_call_that_a_phone_dialled_is_found_under_calls_after_its_end(api: Api, exchange: Exchange) -> None:
    call = exchange.phones["100"].call("101").wait_answered()
    [live] = eventually(lambda: [c for c in api.items("/calls?fresh=true") if c["status"] == "answered"], "it is live")
    call.hang_up()
    call.wait_ended()
    past = past_call(api, live["id"])
    told = eventually(lambda: told_ended(api, live["id"]), "it is told as ended")
    assert (told["status"], told["caller"]["number"], told["callee"]["number"]) == ("completed", "100", "101")
    assert told["ended_at"] == past["ended_at"]
    assert apart(told, live, "started_at") < SECOND
    assert told["channels"] == []
    api.get("/calls/1.1", status=404)


def told_ended(api: Api, call_id: str) -> Any:
    told = api.get(f"/calls/{call_id}")
    return told if told["ended_at"] else None


def test_the_calls_of_a_moment_are_in_its_range(api: Api) -> None:
    call = ended(api, **{"from": "100", "to": "102"})
    past = past_call(api, call["id"])
    started = datetime.fromisoformat(past["started_at"])
    at, after = (
        started.isoformat().replace("+", "%2B"),
        (started + timedelta(seconds=1)).isoformat().replace("+", "%2B"),
    )
    assert call["id"] in {item["id"] for item in api.items(f"/cdr?group=call&start={at}")}
    assert call["id"] not in {item["linkedid"] for item in api.items(f"/cdr?end={at}&limit=1000")}
    assert {item["calldate"] for item in api.items(f"/cdr?start={at}&end={after}")} == {past["legs"][0]["calldate"]}
