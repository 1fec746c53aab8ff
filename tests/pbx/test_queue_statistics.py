"""What a queue did, by events: numbers that were counted by hand, and sums that must agree whatever happens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.pbx.queue_agents import AgentNames
from pbxapi.pbx.queue_log import Event, parse
from pbxapi.pbx.queue_statistics import StatisticsBuilder
from pbxapi.pbx.queue_tallies import waits
from pbxapi.pbx.queueing import AgentStatistics, QueueStatistics, Waits
from tests.things_queues import seated

BERLIN = ZoneInfo("Europe/Berlin")
NINE = datetime(2026, 3, 2, 9, tzinfo=BERLIN)
AT = int(NINE.timestamp())


def told(
    text: str,
    *,
    start: datetime = NINE,
    end: datetime = NINE + timedelta(hours=2),
    level: int = 20,
    names: AgentNames | None = None,
) -> QueueStatistics:
    """The statistics of queue 400 by lines whose times count from nine o'clock."""
    events = []
    for line in text.strip().splitlines():
        at, _, rest = line.strip().partition("|")
        event = parse(f"{AT + int(at)}|{rest}")
        assert event is not None
        events.append(event)
    return counted(events, start, end, level, names)


def counted(
    events: Iterable[Event], start: datetime, end: datetime, level: int = 20, names: AgentNames | None = None
) -> QueueStatistics:
    builder = StatisticsBuilder("400", start, end, level, zone=BERLIN, names=names or AgentNames())
    for event in events:
        builder.add(event)
    return builder.statistics("queue_log")


def agent(found: QueueStatistics, who: str) -> AgentStatistics:
    [one] = [each for each in found.agents if each.agent == who]
    return one


MORNING = """
    0|NONE|NONE|NONE|QUEUESTART|
    10|1.1|400|NONE|DID|493012345
    10|1.1|400|NONE|ENTERQUEUE||5551|1
    15|1.1|400|Bob|RINGNOANSWER|5000
    20|1.1|400|Bob|RINGNOANSWER|5000
    25|1.1|400|Alice|CONNECT|15|1.2|4
    100|1.2|401|Alice|CONNECT|15|1.2|4
    125|1.1|400|Alice|COMPLETECALLER|15|100|1
    130|1.3|400|NONE|ENTERQUEUE||5552|1
    140|1.3|400|Alice|RINGCANCELED|9000
    140|1.3|400|NONE|ABANDON|1|1|10
    150|1.4|400|NONE|ENTERQUEUE||5553|1
    230|1.4|400|NONE|ABANDON|1|1|80
    300|1.5|400|NONE|ENTERQUEUE||5554|1
    301|1.6|400|NONE|ENTERQUEUE||5555|2
    400|1.5|400|Local/201@from-queue/n|CONNECT|100|1.7|3
    430|1.6|400|NONE|EXITWITHTIMEOUT|1|2|129
    460|1.5|400|Local/201@from-queue/n|BLINDTRANSFER|500|from-internal|100|60|1
    500|1.8|400|NONE|ENTERQUEUE||5556|1
    505|1.8|400|NONE|EXITWITHKEY|1|1|1|5
    510|1.9|400|NONE|ENTERQUEUE||5557|1
    511|1.9|400|NONE|EXITEMPTY|1|1|1
    3700|1.10|400|NONE|ENTERQUEUE||5558|1
    3720|1.10|400|Alice|CONNECT|20|1.11|4
    3800|1.12|400|NONE|ENTERQUEUE||5559|1
"""


def test_a_morning_is_counted() -> None:
    found = told(MORNING)
    assert (found.offered, found.answered, found.abandoned) == (9, 3, 2)
    assert (found.timed_out, found.left, found.waiting) == (1, 2, 1)
    assert (found.answered_in_time, found.abandoned_in_time, found.transferred) == (2, 1, 1)
    # Two of nine, without the one who gave up after ten seconds.
    assert found.service_level == 25.0
    assert found.wait == Waits(average=45.0, percentile_95=100, longest=100)
    assert found.wait_abandoned == Waits(average=45.0, percentile_95=80, longest=80)
    assert found.talk == Waits(average=80.0, percentile_95=100, longest=100)
    assert (found.source, found.service_level_seconds, found.start, found.end) == (
        "queue_log", 20, NINE, NINE + timedelta(hours=2),
    )  # fmt: skip


def test_calls_belong_to_the_hour_in_which_they_entered() -> None:
    nine, ten = told(MORNING).hours
    assert (nine.hour.isoformat(), ten.hour.isoformat()) == ("2026-03-02T09:00:00+01:00", "2026-03-02T10:00:00+01:00")
    assert (nine.offered, nine.answered, nine.abandoned, nine.answered_in_time) == (7, 2, 2, 1)
    assert (ten.offered, ten.answered, ten.abandoned, ten.answered_in_time) == (2, 1, 0, 1)
    assert ten.wait == Waits(average=20.0, percentile_95=20, longest=20)
    assert ten.talk == Waits(average=None, percentile_95=None, longest=None)


def test_agents_are_counted() -> None:
    found = told(MORNING)
    assert [each.agent for each in found.agents] == ["201", "Alice", "Bob"]
    alice, bob, local = agent(found, "Alice"), agent(found, "Bob"), agent(found, "201")
    assert (alice.name, alice.extension, alice.answered, alice.missed, alice.talk_time) == ("Alice", None, 2, 0, 100)
    assert alice.talk == Waits(average=100.0, percentile_95=100, longest=100)
    # It rang twice there, for one call.
    assert (bob.answered, bob.missed, bob.talk_time, bob.talk.average) == (0, 1, 0, None)
    assert (local.extension, local.name, local.answered, local.talk_time) == ("201", None, 1, 60)


def test_an_agent_who_answers_at_last_has_not_missed_the_call() -> None:
    found = told("""
        0|1.1|400|NONE|ENTERQUEUE||5551|1
        5|1.1|400|Alice|RINGNOANSWER|5000
        9|1.1|400|Alice|CONNECT|9|1.2|2
    """)
    assert (agent(found, "Alice").answered, agent(found, "Alice").missed) == (1, 0)


def test_a_call_that_ends_after_the_range_counts_in_it_and_one_that_entered_before_does_not() -> None:
    found = told("""
        -5|1.1|400|NONE|ENTERQUEUE||5551|1
        5|1.1|400|Alice|CONNECT|10|1.2|2
        6|1.1|400|Alice|COMPLETEAGENT|10|1|1
        7199|1.3|400|NONE|ENTERQUEUE||5551|1
        7200|1.4|400|NONE|ENTERQUEUE||5552|2
        7209|1.3|400|Alice|CONNECT|10|1.5|2
        7300|1.3|400|Alice|COMPLETEAGENT|10|91|1
    """)
    assert (found.offered, found.answered, found.waiting, found.talk.longest) == (1, 1, 0, 91)


def test_a_call_whose_answer_was_lost_was_answered_all_the_same() -> None:
    found = told("""
        0|1.1|400|NONE|ENTERQUEUE||5551|1
        50|1.1|400|Alice|COMPLETECALLER|5|45|1
        60|1.2|400|NONE|ENTERQUEUE||5551|1
        90|1.2|400|Alice|BLINDTRANSFER|500|from-internal|10|20|1
    """)
    assert (found.answered, found.waiting, found.wait.longest, found.talk.longest) == (2, 0, 10, 45)
    assert agent(found, "Alice").answered == 2


def test_who_enters_again_counts_again() -> None:
    found = told("""
        0|1.1|400|NONE|ENTERQUEUE||5551|1
        9|1.1|400|NONE|EXITWITHTIMEOUT|1|1|9
        9|1.1|400|NONE|ENTERQUEUE||5551|1
        19|1.1|400|Alice|CONNECT|10|1.2|2
    """)
    assert (found.offered, found.timed_out, found.answered) == (2, 1, 1)


def test_who_is_lost_in_a_restart_does_not_wait_for_ever() -> None:
    found = told("""
        0|1.1|400|NONE|ENTERQUEUE||5551|1
        5|1.2|400|NONE|ENTERQUEUE||5551|1
        6|1.2|400|Alice|CONNECT|1|1.3|1
        60|NONE|NONE|NONE|QUEUESTART|
    """)
    assert (found.offered, found.left, found.answered, found.waiting) == (2, 1, 1, 0)


def test_a_caller_whom_the_agent_dropped_has_given_up() -> None:
    found = told("""
        0|1.1|400|NONE|ENTERQUEUE||5551|1
        8|1.1|400|Alice|AGENTDUMP|
        8|1.1|400|NONE|ABANDON|1|1|8
        10|1.2|400|NONE|ENTERQUEUE||5551|1
        18|1.2|400|Alice|SYSCOMPAT|
    """)
    assert (found.abandoned, found.left, found.waiting) == (1, 1, 0)


def test_waiting_times_that_are_missing_are_those_between_the_lines() -> None:
    found = told("""
        0|1.1|400|NONE|ENTERQUEUE|
        7|1.1|400|Alice|CONNECT|
        9|1.1|400|Alice|COMPLETEAGENT|
        10|1.2|400|NONE|ENTERQUEUE|
        14|1.2|400|NONE|ABANDON|x
    """)
    assert (found.wait.longest, found.wait_abandoned.longest, found.talk.longest) == (7, 4, None)


@pytest.mark.parametrize("event", ["BLINDTRANSFER|500|from-internal", "ATTENDEDTRANSFER|BRIDGE|b1", "TRANSFER|500|ctx"])
def test_a_transfer_ends_the_talk(event: str) -> None:
    found = told(f"""
        0|1.1|400|NONE|ENTERQUEUE||5551|1
        5|1.1|400|Alice|CONNECT|5|1.2|2
        25|1.1|400|Alice|{event}|5|20|1
        99|1.1|400|Alice|COMPLETECALLER|5|94|1
    """)
    assert (found.answered, found.transferred, found.talk.longest) == (1, 1, 20)


def test_pauses_are_added_up_inside_of_the_range() -> None:
    found = told("""
        -600|NONE|400|Alice|PAUSE|lunch
        100|NONE|400|Alice|UNPAUSE|
        200|NONE|NONE|Alice|PAUSEALL|
        200|NONE|400|Alice|PAUSE|
        200|NONE|401|Alice|PAUSE|
        250|NONE|NONE|Alice|UNPAUSEALL|
        250|NONE|400|Alice|UNPAUSE|
        300|NONE|400|Bob|PAUSE|
        400|NONE|NONE|Carol|PAUSEALL|
        400|NONE|401|Carol|PAUSE|
        7100|MANAGER|400|PJSIP/205|ADDMEMBER|PAUSED
        7150|MANAGER|400|PJSIP/205|REMOVEMEMBER|
        7300|NONE|400|Bob|UNPAUSE|
        7300|NONE|400|Dave|PAUSE|
    """)
    assert {each.agent: each.paused_time for each in found.agents} == {"Alice": 150, "Bob": 6900}
    assert agent(found, "Alice").answered == 0


def test_who_is_paused_still_is_so_until_now() -> None:
    now = datetime.now(UTC)
    since = now - timedelta(seconds=600)
    event = Event(int(since.timestamp()), "NONE", "400", "Alice", "PAUSE", ("",))
    found = counted([event], now - timedelta(hours=1), now + timedelta(hours=1))
    assert agent(found, "Alice").paused_time == pytest.approx(600, abs=60)


def test_a_member_is_one_agent_by_whatever_name_the_log_calls_it() -> None:
    names = AgentNames([
        seated("Local/200@from-queue/n", extension="200", name="Alice"),
        seated("Local/201@from-queue/n", extension="201", name="Twin"),
        seated("Local/202@from-queue/n", extension="202", name="Twin"),
        seated("PJSIP/trunk/sip:1@x", name="Away"),
    ])  # fmt: skip
    found = told(
        """
        0|1.1|400|NONE|ENTERQUEUE||5551|1
        5|1.1|400|Alice|CONNECT|5|1.2|2
        10|1.2|400|NONE|ENTERQUEUE||5551|1
        15|1.2|400|Local/200@from-queue/n|CONNECT|5|1.2|2
        20|1.3|400|NONE|ENTERQUEUE||5551|1
        25|1.3|400|PJSIP/200|CONNECT|5|1.2|2
        30|1.4|400|NONE|ENTERQUEUE||5551|1
        35|1.4|400|Twin|CONNECT|5|1.2|2
        40|1.5|400|NONE|ENTERQUEUE||5551|1
        45|1.5|400|Away|CONNECT|5|1.2|2
        """,
        names=names,
    )
    shown = {each.agent: (each.extension, each.name, each.answered) for each in found.agents}
    assert shown == {
        "200": ("200", "Alice", 3), "Twin": (None, "Twin", 1), "PJSIP/trunk/sip:1@x": (None, "Away", 1),
    }  # fmt: skip


def test_each_of_the_two_hours_of_one_name_is_one_of_its_own() -> None:
    start = datetime(2026, 10, 25, 1, tzinfo=BERLIN)
    early, late = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    events = [Event(int(when.timestamp()), str(when), "400", "NONE", "ENTERQUEUE") for when in (early, late, late)]
    found = counted([e._replace(call=f"{n}") for n, e in enumerate(events)], start, start + timedelta(hours=3))
    assert [(each.hour.isoformat()[11:], each.offered) for each in found.hours] == [
        ("01:00:00+02:00", 0), ("02:00:00+02:00", 1), ("02:00:00+01:00", 2), ("03:00:00+01:00", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "percentile"), [([7], 7), (range(1, 20), 19), (range(1, 21), 19), (range(1, 101), 95)]
)
def test_percentiles_are_the_nearest_rank(seconds: Iterable[int], percentile: int) -> None:
    assert waits(list(seconds)).percentile_95 == percentile


EVENTS = [
    "ENTERQUEUE||1|1", "CONNECT|3|x|2", "COMPLETEAGENT|3|50|1", "COMPLETECALLER|3|5|1", "ABANDON|1|1|9",
    "EXITWITHTIMEOUT|1|1|30", "EXITEMPTY|1|1|4", "EXITWITHKEY|2|1|1|8", "RINGNOANSWER|5000", "RINGCANCELED|1",
    "BLINDTRANSFER|5|c|3|20|1", "ATTENDEDTRANSFER|a|b|3|40|1", "AGENTDUMP|", "SYSCOMPAT|", "PAUSE|x", "UNPAUSE|",
    "QUEUESTART|", "PAUSEALL|", "ADDMEMBER|PAUSED", "REMOVEMEMBER|", "NEWEVENT|1|2",
]  # fmt: skip


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Anything in any order, over more than the range."""
    at, found = AT - 3000, []
    for _ in range(draw(st.integers(0, 80))):
        at += draw(st.integers(0, 600))
        call, queue = draw(st.sampled_from(["1.1", "1.2", "1.3"])), draw(st.sampled_from(["400", "400", "401", "NONE"]))
        who, what = draw(st.sampled_from(["Alice", "Bob", "NONE"])), draw(st.sampled_from(EVENTS))
        event = parse(f"{at}|{call}|{queue}|{who}|{what}")
        assert event is not None
        found.append(event)
    return found


@given(logs(), st.integers(1, 12 * 3600))
def test_sums_agree_whatever_happens(events: list[Event], length: int) -> None:
    found = counted(events, NINE, NINE + timedelta(seconds=length))
    ends = (found.answered, found.abandoned, found.timed_out, found.left, found.waiting)
    assert found.offered == sum(each or 0 for each in ends)
    entered = [e for e in events if e.queue == "400" and e.name == "ENTERQUEUE" and AT <= e.at < AT + length]
    assert found.offered == len(entered)
    for name in ("offered", "answered", "abandoned", "answered_in_time"):
        assert sum(getattr(hour, name) for hour in found.hours) == getattr(found, name)
    assert sum(each.answered for each in found.agents) == found.answered
    assert found.answered_in_time <= found.answered
    assert found.abandoned_in_time <= found.abandoned
    assert (found.transferred or 0) <= found.answered
    assert all(0 <= (each.paused_time or 0) <= length for each in found.agents)
    assert found.service_level is None or 0 <= found.service_level <= 100


@given(logs())
def test_adjacent_ranges_add_up_to_the_whole(events: list[Event]) -> None:
    middle, end = NINE + timedelta(minutes=77), NINE + timedelta(hours=5)
    whole, first, second = counted(events, NINE, end), counted(events, NINE, middle), counted(events, middle, end)
    for name in ("offered", "answered", "abandoned", "timed_out", "left", "waiting", "transferred"):
        assert getattr(first, name) + getattr(second, name) == getattr(whole, name)


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"])
def test_every_second_has_its_hour_in_odd_zones(zone: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = StatisticsBuilder("400", start, start + timedelta(days=366), 20, zone=ZoneInfo(zone), names=AgentNames())
    quarters = range(int(start.timestamp()), int(start.timestamp()) + 366 * 86_400, 900)
    for at in quarters:
        builder.add(Event(at, str(at), "400", "NONE", "ENTERQUEUE"))
    found = builder.statistics("queue_log")
    assert sum(hour.offered for hour in found.hours) == found.offered == len(quarters)
    # Half an hour is taken or given by some, and the range begins and ends within an hour of others.
    assert {hour.offered for hour in found.hours[1:-1]} <= {2, 4}
