"""Peers, channels and parking, and what can be done to a channel, on each exchange."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.real.api import Api
from tests.real.deadline import eventually
from tests.real.exchange import ROLES, Exchange

Talking = Callable[[], tuple[str, dict[str, Any], dict[str, Any]]]


@pytest.fixture
def talking(api: Api) -> Talking:
    """Have 100 talk to 101; give the call's path and the two legs, 100's first."""

    def talk() -> tuple[str, dict[str, Any], dict[str, Any]]:
        path = api.place(**{"from": "100", "to": "101"})
        api.until(path, "answered")
        legs = eventually(lambda: bridged(api, path), "the legs are bridged")
        first, second = sorted(legs, key=lambda leg: str(leg["name"]))
        return path, first, second

    return talk


def bridged(api: Api, path: str) -> list[dict[str, Any]]:
    legs: list[dict[str, Any]] = api.get(path)["channels"]
    return legs if len([leg for leg in legs if leg["bridge"]]) == 2 else []


def test_peers_are_listed_with_their_state(api: Api) -> None:
    peers = {peer["name"]: peer for peer in api.items("/peers?technology=pjsip&fresh=true")}
    for number, role in ROLES.items():
        peer = peers[number]
        assert (peer["state"] != "offline") == role.registered, peer
        assert (peer["device_state"] == "unavailable") != role.registered
        assert len(peer["contacts"]) == role.registered
        assert peer["active_channels"] == 0
    assert peers["100"]["state"] == "unmonitored"
    assert peers["100"]["address"]
    assert [p["name"] for p in api.items("/peers?state=offline&q=104")] == ["104"]


def test_a_monitored_peer_is_online_and_has_a_latency(api: Api) -> None:
    eventually(lambda: api.get("/peers/105")["latency_ms"], "it is measured")
    peer = api.get("/peers/105")
    assert peer["state"] == "online"
    assert 0 < peer["latency_ms"] < 1000
    assert peer["contacts"][0]["latency_ms"] == peer["latency_ms"]


def test_a_peer_in_a_call_has_a_channel_and_is_in_use(api: Api, talking: Talking) -> None:
    talking()
    peer = {p["name"]: p for p in api.items("/peers?fresh=true")}["100"]
    assert (peer["active_channels"], peer["device_state"]) == (1, "inuse")


def test_a_trunk_shows_its_registration(api: Api) -> None:
    trunk = eventually(lambda: api.get("/peers/trunk"), "the trunk is there")
    assert [r["state"] for r in trunk["registrations"]] == ["Registered"]


def test_no_password_leaves_the_process(api: Api, exchange: Exchange) -> None:
    with exchange.manager() as manager:
        rows = manager.ask("PJSIPShowEndpoint", Endpoint="100")
    (password,) = [row["Password"] for row in rows if row.get("Event") == "AuthDetail"]
    assert password
    for path in ("/peers", "/peers/100", "/peers/trunk", "/capabilities", "/system/info", "/openapi.json"):
        text = api.send("GET", path).text
        assert password not in text
        assert exchange.secret == "demo" or exchange.secret not in text


def test_what_is_not_there_is_404(api: Api) -> None:
    for path in ("/peers/nobody", "/channels/1.1", "/calls/1.1"):
        assert api.get(path, status=404)["status"] == 404
    api.delete("/channels/1.1", status=404)
    api.post("/channels/1.1/transfer", {"extension": "600"}, status=404)
    api.post("/channels/1.1/park", {}, status=404)


def test_old_stacks_are_listed_where_they_are_loaded(api: Api, exchange: Exchange) -> None:
    by_technology = {technology: api.items(f"/peers?technology={technology}") for technology in ("sip", "iax2")}
    names = {technology: [p["name"] for p in peers] for technology, peers in by_technology.items()}
    assert names["sip"] == (["200", "201"] if exchange.name == "16" else [])
    assert names["iax2"] == (["iaxphone"] if exchange.asterisk else [])
    if exchange.name == "16":
        detail = api.get("/peers/200")
        assert (detail["technology"], detail["context"], detail["state"]) == ("sip", "from-internal", "offline")


def test_a_channel_can_be_hung_up_with_a_cause(api: Api, exchange: Exchange, talking: Talking) -> None:
    path, _, callee = talking()
    with exchange.manager(events="call") as manager:
        api.delete(f"/channels/{callee['id']}?cause=38")
        event = manager.wait_event("Hangup")
        if event["Uniqueid"] != callee["id"]:
            event = manager.wait_event("Hangup")
        assert (event["Uniqueid"], event["Cause"]) == (callee["id"], "38")
    assert api.end(path)["status"] == "completed"
    assert api.get(f"/channels/{callee['id']}", status=404)


def test_a_blind_transfer_sends_the_party_on_and_releases_the_other(api: Api, talking: Talking) -> None:
    _, caller, callee = talking()
    answer = api.post(f"/channels/{callee['id']}/transfer", {"extension": "603"}, status=202)
    assert (answer["released"], answer["kind"], answer["context"]) == (caller["id"], "blind", "from-internal")
    eventually(lambda: at(api, callee["id"], "603"), "101 is at 603")
    eventually(lambda: gone(api, caller["id"]), "100 is released")


def test_a_transfer_to_nowhere_is_refused_and_the_call_goes_on(api: Api, talking: Talking) -> None:
    path, _, callee = talking()
    for body, field in (
        ({"extension": "nowhere"}, "extension"),
        ({"extension": "600", "context": "forbidden"}, "context"),
        ({"extension": "1,1)"}, "extension"),
    ):
        assert field in api.post(f"/channels/{callee['id']}/transfer", body, status=422)["errors"]
    assert api.get(path)["status"] == "answered"
    assert len(api.get(path)["channels"]) == 2


def test_an_attended_transfer_consults_first(api: Api, talking: Talking) -> None:
    _, caller, callee = talking()
    body = {"extension": "105", "kind": "attended"}
    answer = api.post(f"/channels/{caller['id']}/transfer", body, status=202)
    assert (answer["consulting"], answer["released"]) == (callee["id"], None)
    eventually(lambda: leg_of(api, "PJSIP/105"), "105 is rung")
    eventually(lambda: leg_of(api, "PJSIP/105")["state"] == "up", "105 has answered")
    api.delete(f"/channels/{callee['id']}")
    eventually(lambda: same_bridge(api, caller["id"]), "100 talks to 105")


def leg_of(api: Api, device: str) -> dict[str, Any]:
    legs = [c for c in api.items("/channels?fresh=true") if c["name"].startswith(device)]
    return legs[0] if legs else {}


def same_bridge(api: Api, channel: str) -> bool:
    channels = api.items("/channels?fresh=true")
    mine = next(c["bridge"] for c in channels if c["id"] == channel)
    return mine is not None and len([c for c in channels if c["bridge"] == mine]) == 2


def at(api: Api, channel: str, extension: str) -> bool:
    found = [c for c in api.items("/channels?fresh=true") if c["id"] == channel]
    return bool(found) and found[0]["extension"] == extension and found[0]["state"] == "up"


def gone(api: Api, channel: str) -> bool:
    return channel not in [c["id"] for c in api.items("/channels?fresh=true")]


def test_a_muted_channel_is_not_heard(api: Api, exchange: Exchange, talking: Talking) -> None:
    _, caller, _ = talking()
    mute = f"/channels/{caller['id']}/mute"
    api.send("POST", mute, status=204, json={})
    if exchange.phones:
        callee = exchange.phones["101"].incoming[-1].sound
        eventually(lambda: not callee.hears(0.1), "101 hears nothing")
        api.send("POST", mute, status=204, json={"muted": False})
        assert callee.hears()
    for body in ({"direction": "both"}, {"direction": "out", "muted": False}):
        api.send("POST", mute, status=204, json=body)
    assert "direction" in api.post(mute, {"direction": "up"}, status=422)["errors"]


def test_digits_are_played_to_the_phone(api: Api, exchange: Exchange, talking: Talking) -> None:
    _, _, callee = talking()
    dtmf = f"/channels/{callee['id']}/dtmf"
    api.send("POST", dtmf, status=204, json={"digits": "1#", "duration_ms": 60})
    if exchange.phones:
        assert exchange.phones["101"].incoming[-1].sound.wait_digits("1#")
    assert "digits" in api.post(dtmf, {"digits": "12x"}, status=422)["errors"]


def test_a_call_can_be_recorded(api: Api, exchange: Exchange, talking: Talking) -> None:
    _, caller, _ = talking()
    path = f"/channels/{caller['id']}/record"
    api.delete(path, status=404)
    recording = api.post(path, status=201)
    assert recording["file"].endswith(".wav")
    assert api.post(path, status=409)["status"] == 409
    if exchange.asterisk:
        file = exchange.asterisk.recordings / recording["file"]
        eventually(lambda: file.exists() and file.stat().st_size > 44, "there is sound in the file")
    api.delete(path)
    api.delete(path, status=404)
    again = api.post(path, status=201)
    assert again["channel"] == caller["id"]
    assert again["file"] != recording["file"], "the first recording was written over"


def test_a_call_can_be_parked_and_is_shown_in_its_space(api: Api, talking: Talking) -> None:
    _, caller, _ = talking()
    assert "lot" in api.post(f"/channels/{caller['id']}/park", {"lot": "nolot"}, status=422)["errors"]
    parked = api.post(f"/channels/{caller['id']}/park", {"timeout": 30}, status=201)
    assert parked["channel_id"] == caller["id"]
    assert 20 <= parked["timeout"] <= 30
    (lot,) = api.items("/parking")
    assert (lot["name"], [c["space"] for c in lot["calls"]]) == ("default", [parked["space"]])
    api.delete(f"/channels/{caller['id']}")
    eventually(lambda: not api.items("/parking?fresh=true")[0]["calls"], "the space is free")


def test_live_reads_carry_an_age_and_an_etag(api: Api) -> None:
    first = api.send("GET", "/peers?q=100&technology=pjsip")
    assert int(first.headers["Age"]) == 0
    again = api.send(
        "GET", "/peers?q=100&technology=pjsip", status=304, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.data == b""


def test_a_small_collection_can_be_paged(api: Api) -> None:
    whole = [p["name"] for p in api.items("/peers?technology=pjsip")]
    seen: list[str] = []
    url: str | None = "/peers?technology=pjsip&limit=3"
    while url:
        response = api.send("GET", url)
        page = response.get_json()
        seen += [p["name"] for p in page["items"]]
        assert ("Link" in response.headers) == (page["next"] is not None)
        url = f"/peers?technology=pjsip&limit=3&cursor={page['next']}" if page["next"] else None
    assert seen == whole


def test_the_system_says_what_it_is_and_can(api: Api, exchange: Exchange) -> None:
    info = api.get("/system/info")
    assert info["driver"] == "asterisk"
    assert info["asterisk"]["version"] == exchange.version
    assert info["asterisk"]["started_at"]
    capabilities = {c["name"]: c for c in api.items("/capabilities")}
    assert capabilities["calls.originate"] == {"name": "calls.originate", "available": True, "reason": None}
    assert capabilities["peers.sip"]["available"] == (exchange.name == "16")
    if exchange.name != "16":
        assert capabilities["peers.sip"]["reason"] == "chan_sip is not loaded (no action SIPpeers)"
    assert api.get("/health/ready") == {"status": "ok", "parts": {"ami": "ok", "store": "ok"}}
    assert "ARI_ENABLED" in api.get("/ari/channels", status=501)["detail"]
