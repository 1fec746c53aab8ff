"""A manager user with few rights, ARI, and an exchange that goes away."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.api import KEY, Api
from tests.real.deadline import eventually
from tests.real.exchange import REAL, Exchange
from tests.real.mariadb import MariaDB

# The demo has one manager user, no ARI and no call records, and lives in this process.
pytestmark = pytest.mark.parametrize("_exchange", REAL, indirect=True, scope="session")


def as_user(exchange: Exchange, tmp_path: Path, user: str, apps: Callable[..., Api]) -> Api:
    other = dataclasses.replace(exchange, username=user, secret=f"{user}-secret")
    return apps(other, tmp_path / f"{user}.db")


def test_the_rights_that_the_readme_asks_for_are_enough(
    exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]
) -> None:
    api = as_user(exchange, tmp_path, "least", apps)
    missing = [c for c in api.items("/capabilities") if not c["available"] and "lacks" in c["reason"]]
    assert missing == []
    path = api.place(**{"from": "100", "to": "101"})
    api.until(path, "answered")
    (leg,) = [c for c in api.get(path)["channels"] if c["id"] == path.removeprefix("/calls/")]
    api.post(f"/channels/{leg['id']}/record", status=201)
    api.delete(path)
    assert api.end(path)["status"] == "completed"


def test_without_the_class_system_the_work_goes_on_and_the_gap_is_named(
    exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]
) -> None:
    api = as_user(exchange, tmp_path, "nosystem", apps)
    peers = {p["name"]: p for p in api.items("/peers?technology=pjsip")}
    assert (peers["101"]["state"], peers["101"]["device_state"]) == ("online", "not_inuse")
    assert peers["104"]["state"] == "offline"
    assert "write = system" in api.get("/peers/101", status=501)["detail"]
    placed = api.place(**{"from": "100", "to": "603"})
    api.until(placed, "answered")
    mute = f"/channels/{placed.removeprefix('/calls/')}/mute"
    assert "may not use MuteAudio" in api.post(mute, {}, status=501)["detail"]
    api.delete(placed)
    capabilities = {c["name"]: c for c in api.items("/capabilities")}
    assert capabilities["peers.pjsip"]["reason"] == "the manager user lacks write = system (for PJSIPShowEndpoints)"
    path = api.place(**{"from": "100", "to": "101"})
    api.until(path, "answered")
    api.delete(path)
    assert api.end(path)["status"] == "completed"


def test_a_user_who_may_not_originate_is_told_so(exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]) -> None:
    api = as_user(exchange, tmp_path, "readonly", apps)
    problem = api.post("/calls", {"from": "100", "to": "101"}, status=501)
    assert "write = originate" in problem["detail"]
    assert api.items("/calls?fresh=true") == []
    capabilities = {c["name"]: c for c in api.items("/capabilities")}
    assert not capabilities["calls.originate"]["available"]


def test_ari_gives_its_own_list(exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]) -> None:
    ari = {"ARI_ENABLED": "true", "ARI_PORT": str(exchange.ari_port), "ARI_USERNAME": "ari", "ARI_SECRET": "arisecret"}
    api = apps(exchange, tmp_path / "store.db", **ari)
    assert api.items("/ari/channels") == []
    path = api.place(**{"from": "100", "to": "603"})
    api.until(path, "answered")
    assert [c["id"] for c in api.items("/ari/channels")] == [path.removeprefix("/calls/")]
    assert api.get("/health/ready")["parts"]["ari"] == "ok"
    wrong = apps(exchange, tmp_path / "store.db", **{**ari, "ARI_SECRET": "wrong-secret"})
    assert wrong.get("/ari/channels", status=503)["status"] == 503
    assert wrong.get("/health/ready", status=503)["parts"] == {"ami": "ok", "store": "ok", "ari": "unavailable"}


def test_an_exchange_that_dies_is_503_within_a_second_and_back_within_15(exchange: Exchange, api: Api) -> None:
    assert exchange.asterisk is not None
    before = [peer["name"] for peer in api.items("/peers?technology=pjsip")]
    exchange.asterisk.pause()
    answers: list[tuple[int, float]] = []

    def ask() -> None:
        response = api.app.test_client().get("/peers?fresh=1", headers={"Authorization": f"Bearer {KEY}"})
        answers.append((response.status_code, time.monotonic()))

    asking = threading.Thread(target=ask)
    asking.start()
    eventually(lambda: threading.active_count() > 2, "the request is under way")
    exchange.asterisk.kill()
    killed_at = time.monotonic()
    asking.join(5)
    assert answers[0][0] == 503
    assert answers[0][1] - killed_at < 1
    started_at = time.monotonic()
    problem = api.send("GET", "/peers?fresh=1", status=503)
    assert time.monotonic() - started_at < 1
    assert (problem.get_json()["type"], int(problem.headers["Retry-After"]) > 0) == ("/problems/ami-unavailable", True)
    assert api.get("/health/ready", status=503)["parts"] == {"ami": "unavailable", "store": "ok"}
    exchange.asterisk.start()
    eventually(lambda: api.app.test_client().get("/health/ready").status_code == 200, "it is back", seconds=15)
    assert [peer["name"] for peer in api.items("/peers?fresh=1&technology=pjsip")] == before


def test_a_call_whose_exchange_dies_is_ended(exchange: Exchange, api: Api) -> None:
    assert exchange.asterisk is not None
    path = api.place(**{"from": "103", "to": "101", "timeout": 60})
    api.until(path, "ringing")
    exchange.asterisk.kill()
    exchange.asterisk.start()
    ended = api.end(path, seconds=20)
    assert (ended["status"], ended["reason"]) == ("failed", "The end of this call was not seen")


def test_a_call_that_was_placed_has_its_id_in_the_exchanges_own_records(
    exchange: Exchange, api: Api, mariadb: MariaDB
) -> None:
    assert exchange.asterisk is not None
    assert exchange.asterisk.database is not None
    database = exchange.asterisk.database.name
    path = api.place(**{"from": "100", "to": "101"})
    api.until(path, "answered")
    api.delete(path)
    api.end(path)
    find = "SELECT * FROM cdr WHERE linkedid = %s AND dst = '101'"
    [row] = eventually(
        lambda: mariadb.run(find, path.removeprefix("/calls/"), database=database), "there is a call record"
    )
    assert (row["uniqueid"], row["disposition"]) == (row["linkedid"], "ANSWERED")
