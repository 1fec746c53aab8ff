"""`getqueues`, `queueaddmember`, `queueremovemember`, over queues that live in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.http.provisioned import limited
from tests.http.queued import Served, audited, serving
from tests.things_queues import interface_of

ADDED = {"status": "MEMBER ADDED", "code": 200}
REMOVED = {"status": "MEMBER REMOVED", "code": 200}
FAILED = {"status": "FAILED", "code": 200}

Ask = Callable[..., Any]


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as made:
        yield made


@pytest.fixture
def ask(served: Served) -> Ask:
    def ask(cmd: str, status: int = 200, **form: str) -> Any:
        answer = served.client.post(f"/api.php?cmd={cmd}", data=form)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    return ask


def test_queues_are_rows_of_strings(ask: Ask) -> None:
    rows = ask("getqueues")
    assert [each["extension"] for each in rows] == ["400", "overflow"]
    assert {"extension", "descr", "strategy"} <= set(rows[0])
    assert all(isinstance(value, str) for row in rows for value in row.values())


@pytest.mark.parametrize(
    ("device", "interface"),
    [
        ("SIP/205", "SIP/205"),
        ("PJSIP/205", "PJSIP/205"),
        ("Local/205@from-queue/n", "Local/205@from-queue/n"),
        ("205", interface_of("205")),
    ],
)
def test_a_device_is_added_and_removed(ask: Ask, served: Served, device: str, interface: str) -> None:
    assert ask("queueaddmember", queue="400", device=device, penalty="3") == ADDED
    found = served.queues.member("400", interface)
    assert (found.penalty, found.membership) == (3, "dynamic")
    assert ask("queueremovemember", queue="400", device=device) == REMOVED
    assert len(served.queues.get("400").members) == 2


def test_the_penalty_is_0_where_none_is_sent(ask: Ask, served: Served) -> None:
    ask("queueaddmember", queue="400", device="205")
    assert served.queues.member("400", "205").penalty == 0


@pytest.mark.parametrize(("queue", "device"), [("400", "200"), ("401", "205"), ("400", "PJSIP/refused")])
def test_what_is_refused_is_no_success(ask: Ask, queue: str, device: str) -> None:
    assert ask("queueaddmember", queue=queue, device=device) == FAILED


@pytest.mark.parametrize(("queue", "device"), [("400", "200"), ("401", "205"), ("400", "299")])
def test_what_cannot_be_removed_is_no_success(ask: Ask, served: Served, queue: str, device: str) -> None:
    assert ask("queueremovemember", queue=queue, device=device) == FAILED
    assert len(served.queues.get("400").members) == 2


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"device": "205"}, "queue parameter is required"),
        ({"queue": "400"}, "device parameter is required"),
        ({"queue": "400", "device": "205", "penalty": "-1"}, "penalty must be a whole number"),
        ({"queue": "400", "device": "PJSIP/205\r\nAction: Logoff"}, "line end"),
        ({"queue": "400", "device": "999"}, "device: There is no extension 999."),
    ],
)
def test_what_cannot_be_used_is_a_400_by_its_old_name(ask: Ask, form: dict[str, str], words: str) -> None:
    assert words in ask("queueaddmember", 400, **form)["error"]


def test_a_change_needs_the_scope_and_is_audited(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ask("queueaddmember", queue="400", device="205")
    ask("queueremovemember", queue="400", device="205")
    ask("queueremovemember", queue="400", device="205")
    assert audited(caplog) == [
        "member.add member Local/205@from-queue/n of queue 400",
        "member.remove member 205 of queue 400",
    ]
    limited(monkeypatch, "read")
    ask("getqueues")
    ask("queueaddmember", 403, queue="400", device="205")
    ask("queueremovemember", 403, queue="400", device="205")


def test_parameters_come_in_the_url_or_as_json_too(served: Served) -> None:
    assert served.client.get("/api.php?cmd=queueaddmember&queue=400&device=205").get_json() == ADDED
    answer = served.client.post("/api.php?cmd=queueremovemember", json={"queue": 400, "device": 205})
    assert answer.get_json() == REMOVED
