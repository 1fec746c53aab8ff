"""What the first generation answered, recorded from it, against `LEGACY_MODE=classic`.

Not among the recordings are its faults: a key with `Bearer` refused, the header's name in lower case not seen, and
`originatecall` not known.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.legacy.conftest import KEY, WITH_KEY, Start
from tests.legacy.scripted import ScriptedManager

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> tuple[str, str]:
    """The media type and the body of a recording."""
    [path] = RECORDED.glob(f"{name}.txt")
    head, _, body = path.read_text().partition("\n\n")
    [media_type] = [line.partition(":")[2] for line in head.split("\n") if line.lower().startswith("content-type:")]
    return media_type.partition(";")[0].strip(), body.strip()


def recorded_json(name: str) -> Any:
    return json.loads(recorded(name)[1])


def blocks(text: str) -> list[dict[str, str]]:
    return [
        dict(line.split(": ", 1) for line in block.split("\n"))
        for block in text.strip().split("\n\n")
        if not block.startswith("Event: FullyBooted")
    ]


@pytest.mark.parametrize(
    ("name", "method", "query", "headers", "body"),
    [
        ("01-nocmd", "GET", "", {}, None),
        ("02-nocmd_key", "GET", "", WITH_KEY, None),
        ("03-nokey", "GET", "?cmd=sippeers", {}, None),
        ("04-emptykey", "GET", "?cmd=sippeers", {"Authorization": ""}, None),
        ("05-wrongkey", "GET", "?cmd=sippeers", {"Authorization": "x"}, None),
        ("07-unknown", "GET", "?cmd=nope", WITH_KEY, None),
        ("08-emptycmd", "GET", "?cmd=", WITH_KEY, None),
        ("09-cmdinbody", "POST", "", WITH_KEY, {"cmd": "auth"}),
        ("10-cmdcase", "GET", "?cmd=Auth", WITH_KEY, None),
        ("12-putmethod", "PUT", "?cmd=auth", WITH_KEY, None),
    ],
)
def test_answers_as_recorded(
    start: Start, name: str, method: str, query: str, headers: dict[str, str], body: dict[str, str] | None
) -> None:
    client = start(LEGACY_MODE="classic")

    answer = client.open(f"/api.php{query}", method=method, headers=headers, data=body)

    assert answer.status_code == 200
    assert (answer.mimetype, answer.text.strip()) == recorded(name)


def test_sippeers_is_as_recorded_but_for_an_event_that_is_no_peer(start: Start, manager: ScriptedManager) -> None:
    expected = [row for row in recorded_json("13-sippeers") if row["Event"] == "PeerEntry"]
    peers = "\n\n".join("\n".join(f"{name}: {value}" for name, value in row.items()) for row in expected)
    manager.answers["SIPpeers"] = f"""Response: Success
EventList: start
Message: Peer status list will follow

{peers}

Event: PeerlistComplete
EventList: Complete
ListItems: 1"""

    answer = classic(start, "sippeers", CHAN_DRIVER="sip")

    assert answer.get_json() == expected


def test_sipextensions_is_as_recorded_but_for_a_comment_in_a_secret(start: Start, tmp_path: Path) -> None:
    (tmp_path / "sip.conf").write_text(
        "; generated\n[100]\ntype=friend\n\n[101]\nsecret=a\nsecret=b ; comment\n[empty]\n"
    )
    expected = recorded_json("14-sipextensions")
    expected["101"]["secret"] = "b"

    assert classic(start, "sipextensions", CHAN_DRIVER="sip").get_json() == expected


def test_activecall_is_as_recorded_and_tells_the_peer(start: Start, manager: ScriptedManager) -> None:
    first, second, *texts = recorded_json("15-activecall")
    manager.answers["Status"] = "\n\n".join(["Response: Success\nEventList: start", *map(status, (first, second)), END])
    manager.answers["CoreStatus"] = "Response: Success\nCoreCurrentCalls: 1\nCoreProcessedCalls: 7"

    answer = classic(start, "activecall").get_json()

    assert answer == [{**first, "BridgedTo": second["Channel"]}, {**second, "BridgedTo": first["Channel"]}, *texts]


@pytest.mark.parametrize(
    ("name", "cmd", "action", "complete"),
    [
        ("17-parkedcalls", "parkedcalls", "ParkedCalls", "Event: ParkedCallsComplete\nEventList: Complete"),
        ("18-channelstatus", "channelstatus", "Status", None),
    ],
)
def test_a_raw_exchange_is_as_recorded_but_for_foreign_events(
    start: Start, manager: ScriptedManager, name: str, cmd: str, action: str, complete: str | None
) -> None:
    expected = recorded(name)[1]
    messages = expected.split("\n\n")[1:] + ([complete] if complete else [])
    manager.answers[action] = "\n\n".join(messages)

    answer = classic(start, cmd)

    # The first generation stopped reading before the list had ended.
    assert blocks(answer.text) == blocks(expected) + (blocks(complete) if complete else [])


END = "Event: StatusComplete\nEventList: Complete\nListItems: 2\nItems: 2"


def status(row: dict[str, str]) -> str:
    """The Status event of a channel that is up for 83 seconds."""
    assert (row["State"], row["Duration"]) == ("Up", "00:01:23")
    return f"""Event: Status
Channel: {row["Channel"]}
ChannelState: 6
CallerIDNum: {row["CallerID"]}
AccountCode: {row["Accountcode"]}
Context: {row["Context"]}
Exten: {row["Extension"]}
Priority: {row["Prio"]}
Uniqueid: 1700000000.{row["CallerID"]}
Linkedid: 1700000000.100
BridgeID: {row["BridgeID"]}
Application: {row["Application"]}
Data: {row["Data"]}
Seconds: 83"""


def classic(start: Start, cmd: str, **environ: str) -> TestResponse:
    client = start(LEGACY_MODE="classic", **environ)
    answer = client.get("/api/api.php", query_string={"cmd": cmd}, headers={"Authorization": KEY})
    assert answer.status_code == 200
    return answer
