"""Agents over all their queues, and what is done in several at once: in all or in none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pbxapi.errors import Conflict, Inconsistent, Invalid, NotFound, Refused
from pbxapi.pbx.queueing import QueueSettings, StaticMember
from tests.pbx.queue_floor import DENIED, refusing
from tests.pbx.queued import ALICE, BOB, Queued, queued

LISTED = {"200": 3}


@pytest.fixture
def exchange() -> Iterator[Queued]:
    with queued(
        QueueSettings(queue="400", dynamic_agents=LISTED),
        QueueSettings(queue="402", dynamic_agents={"200": 0, "201": 5}),
        QueueSettings(queue="500", dynamic_agents=LISTED),  # does not run
    ) as made:
        yield made


def did(exchange: Queued, *names: str) -> list[tuple[str, ...]]:
    """The actions of these names, lamps left out."""
    return [each for each in exchange.floor.done if each[0] in names]


def lamps(exchange: Queued) -> dict[str, str]:
    """What each lamp was last set to."""
    return {each[1].partition("Custom:")[2].rstrip(")"): each[2] for each in did(exchange, "Setvar")}


def members(exchange: Queued) -> dict[str, list[str]]:
    return {queue: list(there) for queue, there in exchange.floor.members.items()}


def test_an_agent_is_all_that_its_queues_say(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE, Name="Alice", CallsTaken="2", LastCall="1767607200", Status="2", InCall="0")
    exchange.floor.sit("401", "PJSIP/200", "static", CallsTaken="3", LastCall="1767610800", Paused="1", InCall="1")
    exchange.floor.sit("401", "Agent/7", InCall="")
    found = {agent.agent: agent for agent in exchange.agents.all().value}
    assert list(found) == ["200", "Agent/7"]
    alice = found["200"]
    assert (alice.extension, alice.name, alice.state, alice.paused, alice.in_call) == (
        "200", "Alice", "inuse", False, True,
    )  # fmt: skip
    assert (alice.calls_taken, alice.last_call) == (5, datetime(2026, 1, 5, 11, 0, tzinfo=UTC))
    assert [(each.queue, each.interface, each.membership, each.paused) for each in alice.queues] == [
        ("400", ALICE, "dynamic", False),
        ("401", "PJSIP/200", "static", True),
    ]
    assert (found["Agent/7"].extension, found["Agent/7"].in_call) == (None, None)
    for name in ("200", ALICE.upper(), "PJSIP/200"):
        assert exchange.agents.get(name) == alice
    with pytest.raises(NotFound):
        exchange.agents.get("299")


def test_whoever_is_only_configured_is_no_agent_yet(exchange: Queued) -> None:
    exchange.setup.stored["400"] = QueueSettings(queue="400", static_members=(StaticMember(ALICE, 0, "200"),))
    assert exchange.agents.all().value == ()


def test_agents_are_made_once_of_what_is_kept(exchange: Queued) -> None:
    assert exchange.agents.all() is exchange.agents.all()
    assert len(exchange.floor.manager.actions) == 1


def test_a_login_goes_to_every_queue_that_lists_the_agent_and_runs(exchange: Queued) -> None:
    agent = exchange.agents.login("200", None, None)
    assert [(each.queue, each.membership, each.penalty) for each in agent.queues] == [
        ("400", "dynamic", 3),
        ("402", "dynamic", 0),
    ]
    assert agent.name == "Alice"
    assert lamps(exchange) == {"QUEUE200*400": "INUSE", "QUEUE200*402": "INUSE"}


def test_a_login_to_named_queues_goes_there_once_each(exchange: Queued) -> None:
    agent = exchange.agents.login("201", ["401", "402", "401"], 1)
    assert [(each.queue, each.penalty) for each in agent.queues] == [("401", 1), ("402", 1)]
    assert len(did(exchange, "QueueAdd")) == 2


def test_where_the_agent_is_already_it_stays_as_it_is(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE, Paused="1", PausedReason="lunch")
    agent = exchange.agents.login("200", ["400", "401"], None)
    assert [(each.queue, each.paused) for each in agent.queues] == [("400", True), ("401", False)]
    assert [each[1] for each in did(exchange, "QueueAdd")] == ["401"]


def test_when_the_third_queue_refuses_the_first_two_are_left_again(exchange: Queued) -> None:
    exchange.floor.refuse("QueueAdd", refusing("Out of memory"), Queue="402")
    with pytest.raises(Refused):
        exchange.agents.login("200", ["400", "401", "402"], None)
    assert [each[:2] for each in did(exchange, "QueueAdd", "QueueRemove")] == [
        ("QueueAdd", "400"), ("QueueAdd", "401"), ("QueueAdd", "402"), ("QueueRemove", "401"), ("QueueRemove", "400"),
    ]  # fmt: skip
    assert members(exchange) == {"400": [], "401": [], "402": []}
    assert set(lamps(exchange).values()) == {"NOT_INUSE"}


def test_who_came_into_the_third_meanwhile_is_not_put_out_of_it(exchange: Queued) -> None:
    exchange.floor.refuse("QueueAdd", refusing("Unable to add interface: Already there"), Queue="402")
    with pytest.raises(Conflict):
        exchange.agents.login("200", ["400", "402"], None)
    assert [each[1] for each in did(exchange, "QueueRemove")] == ["400"]


def test_a_login_that_cannot_be_undone_says_where_the_agent_was_left(exchange: Queued) -> None:
    exchange.floor.refuse("QueueAdd", refusing("Out of memory"), Queue="402")
    exchange.floor.manager.on("QueueRemove", DENIED)
    with pytest.raises(Inconsistent) as caught:
        exchange.agents.login("200", ["400", "402"], None)
    assert "400" in str(caught.value.steps)


def test_every_queue_is_looked_at_before_the_first_is_entered(exchange: Queued) -> None:
    for queue, error in (("499", NotFound), ("500", Conflict)):
        with pytest.raises(error):
            exchange.agents.login("200", ["400", queue], None)
    with pytest.raises(NotFound):
        exchange.agents.login("299", ["400"], None)
    with pytest.raises(NotFound):
        exchange.agents.login("299", None, None)
    with pytest.raises(Invalid):
        exchange.agents.login("DAHDI/1", ["400"], None)
    assert exchange.floor.done == []


def test_a_name_that_does_not_fit_is_made_to(exchange: Queued) -> None:
    assert exchange.agents.login("203", ["400"], None).name == "Eve x"


def test_whom_no_queue_lists_has_to_say_where_to(exchange: Queued) -> None:
    with pytest.raises(Invalid, match="Into which queues") as caught:
        exchange.agents.login("202", None, None)
    assert "dynamic_agents" in str(caught.value.fields["queues"])


def test_a_logout_leaves_where_the_agent_logged_in_and_shows_where_it_is_static(exchange: Queued) -> None:
    exchange.agents.login("200", ["400", "401"], None)
    exchange.floor.sit("402", ALICE, "static")
    agent = exchange.agents.logout("200", None)
    assert [(each.queue, each.membership) for each in agent.queues] == [("402", "static")]
    assert members(exchange) == {"400": [], "401": [], "402": [ALICE]}
    assert lamps(exchange) == {"QUEUE200*400": "NOT_INUSE", "QUEUE200*401": "NOT_INUSE"}
    with pytest.raises(Conflict, match="pause"):
        exchange.agents.logout("200", None)


def test_a_logout_of_one_queue_stays_in_the_others(exchange: Queued) -> None:
    exchange.agents.login("200", ["400", "401"], None)
    assert [each.queue for each in exchange.agents.logout("200", ["401"]).queues] == ["400"]
    with pytest.raises(Invalid) as caught:
        exchange.agents.logout("200", ["400", "401"])
    assert caught.value.fields == {"queues": ["Not 401."]}
    assert members(exchange)["400"] == [ALICE]


def test_who_has_left_every_queue_is_told_as_somebody_who_serves_none(exchange: Queued) -> None:
    exchange.agents.login("200", ["400"], None)
    agent = exchange.agents.logout("200", None)
    assert (agent.agent, agent.name, agent.queues, agent.paused) == ("200", "Alice", (), False)
    with pytest.raises(NotFound):
        exchange.agents.logout("200", None)


def test_a_logout_that_fails_half_way_lets_the_agent_in_again_as_it_was(exchange: Queued) -> None:
    more = {"Name": "Ali", "StateInterface": "hint:200@ext-local"}
    exchange.floor.sit("400", ALICE, Penalty="4", Paused="1", PausedReason="lunch", **more)
    exchange.floor.sit("401", ALICE)
    before = {queue: {interface: dict(row) for interface, row in there.items()} for queue, there in
              exchange.floor.members.items()}  # fmt: skip
    exchange.floor.refuse("QueueRemove", refusing("Out of memory"), Queue="401")
    with pytest.raises(Refused):
        exchange.agents.logout("200", None)
    assert exchange.floor.members == before
    assert lamps(exchange) == {"QUEUE200*400": "INUSE"}


def test_a_pause_in_all_queues_is_one_action_for_each_interface(exchange: Queued) -> None:
    for queue in ("400", "401", "402"):
        exchange.floor.sit(queue, ALICE)
    exchange.floor.sit("402", "PJSIP/200", "static")
    agent = exchange.agents.pause("200", "lunch", None)
    assert did(exchange, "QueuePause") == [
        ("QueuePause", ALICE, "true", "lunch"),
        ("QueuePause", "PJSIP/200", "true", "lunch"),
    ]
    assert agent.paused
    assert {each.paused_reason for each in agent.queues} == {"lunch"}
    assert not exchange.agents.unpause("200", None).paused
    assert did(exchange, "QueuePause")[2:] == [("QueuePause", ALICE, "false"), ("QueuePause", "PJSIP/200", "false")]


def test_a_pause_in_one_queue_is_no_pause_of_the_agent(exchange: Queued) -> None:
    for queue in ("400", "401"):
        exchange.floor.sit(queue, ALICE)
    agent = exchange.agents.pause("200", None, ["401"])
    assert did(exchange, "QueuePause") == [("QueuePause", ALICE, "true", "401")]
    assert not agent.paused
    assert [each.paused for each in agent.queues] == [False, True]


def test_a_pause_that_fails_half_way_puts_every_queue_back_as_it_was(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE, Paused="1", PausedReason="meeting")
    exchange.floor.sit("401", ALICE)
    exchange.floor.sit("402", "PJSIP/200")
    exchange.floor.refuse("QueuePause", refusing("No"), Interface="PJSIP/200")
    with pytest.raises(Refused):
        exchange.agents.pause("200", "lunch", None)
    there = exchange.floor.members
    assert (there["400"][ALICE]["Paused"], there["400"][ALICE]["PausedReason"]) == ("1", "meeting")
    assert there["401"][ALICE]["Paused"] == "0"


@pytest.mark.parametrize("reason", ["a|b", "a;b", "a\r\nInterface: x"])
def test_a_reason_is_one_field_of_one_line(exchange: Queued, reason: str) -> None:
    exchange.floor.sit("400", BOB)
    with pytest.raises(Invalid):
        exchange.agents.pause("201", reason, None)
    assert exchange.floor.done == []
