"""Recordings that a real MixMonitor writes, asked for while it does and after."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.api import Api
from tests.real.deadline import eventually
from tests.real.exchange import REAL, Exchange
from tests.real.raw_manager import live_channels

pytestmark = pytest.mark.parametrize("_exchange", REAL, indirect=True, scope="session")

DATED = "20261122-193144-1795375904.0"


@pytest.fixture
def api(exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]) -> Api:
    assert exchange.asterisk is not None
    return apps(exchange, tmp_path / "store.db", RECORDINGS_PATH=str(exchange.asterisk.recordings))


def scanned(api: Api, name: str) -> dict[str, str] | None:
    return next((item for item in api.items("/recordings?scan=true&limit=1000") if item["name"] == name), None)


def record(exchange: Exchange, caller: str, name: str) -> None:
    with exchange.manager() as manager:
        channel = next(each for each in live_channels(manager) if each.startswith(f"PJSIP/{caller}-"))
        answer = manager.ask("MixMonitor", Channel=channel, File=f"2026/11/22/{name}")[0]
        assert answer["Response"] == "Success", answer


@pytest.mark.parametrize("ending", ["wav", "WAV"])
def test_a_recording_is_in_progress_until_the_call_ends_and_whole_from_then_on(
    api: Api, exchange: Exchange, ending: str
) -> None:
    name = f"internal-101-100-{DATED}.{ending}"
    call = exchange.phones["100"].call("101").wait_answered()
    record(exchange, "100", name)
    found = eventually(lambda: scanned(api, name), "the file is there")
    assert found is not None
    path = f"/recordings/{found['id']}"
    assert found["state"] == "recording"
    refused = api.send("GET", path, status=409)
    assert refused.get_json()["type"] == "/problems/recording-in-progress"
    assert int(refused.headers["Retry-After"]) > 0
    api.delete(path, status=409)
    eventually(lambda: call.sound.packets > 50, "a second was talked")
    call.hang_up()
    call.wait_ended()
    eventually(lambda: (scanned(api, name) or {}).get("state") == "available", "Asterisk has closed it")
    sound = api.send("GET", path, buffered=True).data
    assert sound[:4] == b"RIFF"
    assert int.from_bytes(sound[4:8], "little") + 8 == len(sound)
    if ending == "wav":
        with wave.open(io.BytesIO(sound)) as file:
            assert file.getnframes() > 0
    api.delete(path)
    assert scanned(api, name) is None


def test_a_recording_of_which_nothing_was_heard_is_empty(api: Api, exchange: Exchange) -> None:
    name = f"internal-103-100-{DATED}.wav"
    call = exchange.phones["100"].call("103").wait_ringing()
    record(exchange, "100", name)
    found = eventually(lambda: scanned(api, name), "the file is there")
    assert found is not None
    assert found["state"] == "recording"
    call.hang_up()
    call.wait_ended()
    eventually(lambda: (scanned(api, name) or {}).get("state") == "empty", "Asterisk has closed it")
    assert api.get(f"/recordings/{found['id']}", status=404)["type"] == "/problems/recording-empty"
    api.delete(f"/recordings/{found['id']}")
