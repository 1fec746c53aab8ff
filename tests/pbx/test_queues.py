"""Members of queues who come, go and change, over a manager made of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pbxapi.ami import AmiDenied, AmiUnavailable
from pbxapi.errors import Conflict, Inconsistent, Invalid, NotFound, NotSupported, PbxError, Refused, Unavailable
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.queue_actions import check_line
from pbxapi.pbx.queueing import MemberChange, NewMember, QueueSettings, StaticMember
from pbxapi.pbx.queues import AmiQueues
from tests.ami.scripted import Action, Session
from tests.pbx.queue_floor import DENIED, UNKNOWN, refusing
from tests.pbx.queued import ALICE, BOB, CARL, Queued, queued
from tests.things_queues import MemoryQueueSetup

LOGIN = ("QueueAdd", "400", ALICE, "0", "Alice", "hint:200@ext-local", "false")
LIT = ("Setvar", "DEVICE_STATE(Custom:QUEUE200*400)", "INUSE")
DARK = ("Setvar", "DEVICE_STATE(Custom:QUEUE200*400)", "NOT_INUSE")
LOGOUT = ("QueueRemove", "400", ALICE)


@pytest.fixture
def exchange() -> Iterator[Queued]:
    with queued(QueueSettings(queue="400", dynamic_agents={"201": 7}, static_members=())) as made:
        yield made


def add(exchange: Queued, extension: str = "200", queue: str = "400") -> None:
    exchange.queues.add(queue, NewMember(extension=extension))


def hang_up(session: Session, _: Action) -> None:
    session.hang_up()


def test_an_extension_gets_its_name_its_hint_and_its_lamp(exchange: Queued) -> None:
    exchange.queues.all()  # what is kept must not be the answer
    member = exchange.queues.add("400", NewMember(extension="200"))
    assert (member.interface, member.extension, member.name, member.membership, member.configured) == (
        ALICE, "200", "Alice", "dynamic", False,
    )  # fmt: skip
    assert (member.state_interface, member.penalty, member.paused) == ("hint:200@ext-local", 0, False)
    assert exchange.floor.done == [LOGIN, LIT]


def test_every_device_of_it_shows_it_and_the_queue_tells_its_penalty(exchange: Queued) -> None:
    member = exchange.queues.add("400", NewMember(extension="201", name="Bobby"))
    assert (member.name, member.penalty) == ("Bobby", 7)
    assert [each[1] for each in exchange.floor.done[1:]] == [
        "DEVICE_STATE(Custom:QUEUE201*400)",
        "DEVICE_STATE(Custom:QUEUE2201*400)",
    ]
    assert exchange.queues.add("401", NewMember(extension="201", penalty=2)).penalty == 2


def test_a_name_that_the_platform_allows_and_a_list_of_members_does_not_is_made_to_fit(exchange: Queued) -> None:
    assert exchange.queues.add("400", NewMember(extension="203")).name == "Eve x"


def test_whoever_begins_with_a_break_is_never_offered_a_call_before_it(exchange: Queued) -> None:
    member = exchange.queues.add("400", NewMember(extension="202", paused=True, reason="lunch"))
    assert (member.paused, member.paused_reason) == (True, "lunch")
    assert exchange.floor.done[:2] == [
        ("QueueAdd", "400", CARL, "0", "true"),
        ("QueuePause", CARL, "true", "400", "lunch"),
    ]


def test_an_interface_is_taken_as_it_is(exchange: Queued) -> None:
    member = exchange.queues.add("400", NewMember(interface="PJSIP/210"))
    assert (member.interface, member.extension, member.name) == ("PJSIP/210", "210", None)
    assert exchange.floor.done == [("QueueAdd", "400", "PJSIP/210", "0", "false")]
    exchange.queues.add("400", NewMember(interface="Local/5551234@from-internal/n"))


@pytest.mark.parametrize(
    ("member", "field"),
    [
        (NewMember(), "extension"),
        (NewMember(extension="200", interface="PJSIP/200"), "extension"),
        (NewMember(extension="299"), "extension"),
        (NewMember(extension="2\r\nX"), "extension"),
        (NewMember(interface="PJSIP/trunk/sip:5@192.0.2.1"), "interface"),
        (NewMember(interface="DAHDI/g1/5551234"), "interface"),
        (NewMember(interface="Local/5@secret/n"), "interface"),
        (NewMember(interface="Local/5@from-queue/n&PJSIP/2"), "interface"),
        (NewMember(interface=""), "interface"),
        (NewMember(extension="200", name="A;B"), "name"),
        (NewMember(extension="200", name="A\r\nInterface: PJSIP/9"), "name"),
        (NewMember(extension="200", paused=True, reason="a|b"), "reason"),
    ],
)
def test_what_cannot_be_a_member_is_refused_before_anything_is_sent(
    exchange: Queued, member: NewMember, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        exchange.queues.add("400", member)
    assert caught.value.fields.keys() == {field}
    assert exchange.floor.done == []


@pytest.mark.parametrize("value", ["a;b", "a|b", "a,b", 'a"b', "a\nb", "a\rb", "a\0b", "a\x1bb", "a\u2028b"])
def test_separators_of_lines_and_lists_are_refused(value: str) -> None:
    with pytest.raises(Invalid):
        check_line("reason", value)
    for fine in (None, "", "lunch: at noon (1 h)", "Tür & Ωμ", "O'Brien"):
        check_line("reason", fine)


def test_who_is_in_already_is_a_conflict_by_whatever_interface(exchange: Queued) -> None:
    exchange.floor.sit("400", "PJSIP/200", "static")
    with pytest.raises(Conflict):
        add(exchange)
    assert exchange.floor.done == []


def test_who_came_in_meanwhile_is_a_conflict_and_stays(exchange: Queued) -> None:
    exchange.floor.refuse("QueueAdd", refusing("Unable to add interface: Already there"))
    with pytest.raises(Conflict):
        add(exchange)
    assert exchange.floor.done == [LOGIN]


def test_a_queue_that_is_not_there_is_not_found_and_one_that_does_not_run_says_so(exchange: Queued) -> None:
    with pytest.raises(NotFound):
        add(exchange, queue="499")
    with pytest.raises(Conflict, match="does not run yet"):
        add(exchange, queue="500")
    exchange.floor.refuse("QueueAdd", refusing("Unable to add interface to queue: No such queue"))
    with pytest.raises(NotFound):
        add(exchange)


def test_a_queue_of_listed_agents_takes_nobody_else() -> None:
    listed = QueueSettings(queue="400", only_listed_agents=True, dynamic_agents={"201": 3})
    with queued(listed) as exchange:
        with pytest.raises(Conflict, match="dynamic_agents"):
            add(exchange)
        with pytest.raises(Conflict):
            exchange.queues.add("400", NewMember(interface="PJSIP/210"))
        assert exchange.floor.done == []
        assert exchange.queues.add("400", NewMember(extension="201")).penalty == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (DENIED, NotSupported),
        (UNKNOWN, NotSupported),
        (refusing("Out of memory"), Refused),
        (hang_up, AmiUnavailable),
    ],
)
def test_what_asterisk_will_not_do_is_told_as_what_it_is(
    exchange: Queued, answer: Callable[[Session, Action], None], error: type[Exception]
) -> None:
    exchange.floor.manager.on("QueueAdd", answer)
    with pytest.raises(error):
        add(exchange)
    assert exchange.floor.done == [LOGIN]


def test_the_right_that_lacks_is_named(exchange: Queued) -> None:
    exchange.floor.manager.on("QueueAdd", DENIED)
    with pytest.raises(NotSupported, match="write = agent"):
        add(exchange)


def test_where_the_lamp_cannot_be_lit_nobody_is_let_in(exchange: Queued) -> None:
    exchange.floor.manager.on("Setvar", DENIED)
    with pytest.raises(AmiDenied):
        add(exchange)
    assert exchange.floor.done == [LOGIN, LIT, LOGOUT, DARK]
    assert exchange.floor.members["400"] == {}
    assert exchange.queues.get("400").members == ()


def test_where_one_of_two_lamps_fails_the_other_one_is_put_out(exchange: Queued) -> None:
    second = "DEVICE_STATE(Custom:QUEUE2201*400)"
    exchange.floor.refuse("Setvar", refusing("No"), Variable=second, Value="INUSE")
    with pytest.raises(Exception, match="No"):
        add(exchange, "201")
    assert exchange.floor.done[-2:] == [
        ("Setvar", "DEVICE_STATE(Custom:QUEUE201*400)", "NOT_INUSE"),
        ("Setvar", second, "NOT_INUSE"),
    ]
    assert exchange.floor.members["400"] == {}


def test_what_cannot_be_undone_is_told(exchange: Queued) -> None:
    exchange.floor.manager.on("Setvar", refusing("No"))
    exchange.floor.manager.on("QueueRemove", refusing("Out of memory"))
    with pytest.raises(Inconsistent) as caught:
        add(exchange)
    assert ALICE in str(caught.value.steps)


def test_who_leaves_takes_the_lamp_along(exchange: Queued) -> None:
    add(exchange)
    exchange.queues.remove("400", "200")
    assert exchange.floor.done[2:] == [LOGOUT, DARK]
    assert exchange.queues.get("400").members == ()
    for member in ("200", ALICE):
        with pytest.raises(NotFound):
            exchange.queues.remove("400", member)


def test_one_whose_extension_is_gone_can_leave(exchange: Queued) -> None:
    exchange.floor.sit("400", "Local/299@from-queue/n")
    exchange.queues.remove("400", "299")
    assert exchange.floor.done == [("QueueRemove", "400", "Local/299@from-queue/n")]


def test_a_lamp_that_stays_lit_is_told(exchange: Queued) -> None:
    add(exchange)
    exchange.floor.manager.on("Setvar", refusing("No"))
    with pytest.raises(Inconsistent) as caught:
        exchange.queues.remove("400", "200")
    assert "Custom:QUEUE200*400" in str(caught.value.steps)
    assert exchange.queues.get("400").members == ()


def test_a_static_member_cannot_be_logged_out(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE, "static")
    with pytest.raises(Conflict, match="persistent"):
        exchange.queues.remove("400", "200")
    assert exchange.floor.done == []
    exchange.floor.members["400"][ALICE]["Membership"] = "realtime"
    with pytest.raises(Conflict, match="realtime"):
        exchange.queues.remove("400", "200")


def test_one_that_became_static_meanwhile_is_a_conflict_too(exchange: Queued) -> None:
    add(exchange)
    exchange.floor.manager.on("QueueRemove", refusing("Member not dynamic"))
    with pytest.raises(Conflict):
        exchange.queues.remove("400", "200")


def test_a_member_of_the_tables_alone_can_neither_leave_nor_pause(exchange: Queued) -> None:
    exchange.setup.stored["400"] = QueueSettings(queue="400", static_members=(StaticMember(ALICE, 0, "200"),))
    for act in (
        lambda: exchange.queues.remove("400", "200"),
        lambda: exchange.queues.change("400", "200", MemberChange(paused=True)),
    ):
        with pytest.raises(Conflict, match="apply"):
            act()
    assert exchange.floor.done == []


def test_it_is_found_by_interface_in_any_case_and_by_extension_the_one_logged_in_first(exchange: Queued) -> None:
    exchange.floor.sit("400", "PJSIP/200", "static")
    exchange.floor.sit("400", ALICE)
    assert exchange.queues.member("400", "200").interface == ALICE
    assert exchange.queues.member("400", "pjsip/200").interface == "PJSIP/200"
    with pytest.raises(NotFound):
        exchange.queues.member("400", "20")


def test_a_change_is_only_what_was_asked_for(exchange: Queued) -> None:
    exchange.floor.sit("400", BOB, "static", Penalty="1")
    found = exchange.queues.change("400", "201", MemberChange(paused=True, reason="lunch"))
    assert (found.paused, found.paused_reason) == (True, "lunch")
    exchange.queues.change("400", "201", MemberChange(reason="meeting"))
    exchange.queues.change("400", "201", MemberChange(paused=False))
    exchange.queues.change("400", "201", MemberChange(penalty=4, ring_in_use=False))
    assert exchange.floor.done == [
        ("QueuePause", BOB, "true", "400", "lunch"),
        ("QueuePause", BOB, "true", "400", "meeting"),
        ("QueuePause", BOB, "false", "400"),
        ("QueuePenalty", BOB, "4", "400"),
        ("QueueMemberRingInUse", BOB, "false", "400"),
    ]
    with pytest.raises(Invalid):
        exchange.queues.change("400", "201", MemberChange(paused=True, reason="a|b"))


def test_a_change_that_fails_half_way_puts_the_penalty_back(exchange: Queued) -> None:
    exchange.floor.sit("400", BOB, Penalty="1")
    exchange.floor.manager.on("QueuePause", refusing("No"))
    with pytest.raises(Refused):
        exchange.queues.change("400", "201", MemberChange(paused=True, penalty=4))
    assert [each[2] for each in exchange.floor.done if each[0] == "QueuePenalty"] == ["4", "1"]


def test_who_asks_does_not_ask_asterisk_again(exchange: Queued) -> None:
    for _ in range(5):
        exchange.queues.all()
        exchange.queues.get("401")
    assert len(exchange.floor.manager.actions) == 1


class Away(MemoryQueueSetup):
    """Tables in a database that does not answer."""

    def __init__(self, error: PbxError) -> None:
        super().__init__()
        self.error = error

    def all(self) -> tuple[QueueSettings, ...]:
        raise self.error


def with_setup(exchange: Queued, setup: MemoryQueueSetup | None) -> AmiQueues:
    return AmiQueues(exchange.client, AstDb(exchange.client), exchange.seats, setup, ttl=0)


@pytest.mark.parametrize("error", [Unavailable("The database is away", part="database"), NotSupported("No tables")])
def test_without_the_tables_queues_are_shown_as_asterisk_has_them(
    exchange: Queued, error: PbxError, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.floor.sit("400", ALICE)
    queues = with_setup(exchange, Away(error)).all().value
    assert [queue.queue for queue in queues] == ["400", "401", "402"]
    assert [queue.configured for queue in queues] == [None, None, None]
    assert queues[0].members[0].configured is None
    assert ("without their configuration" in caplog.text) == isinstance(error, Unavailable)


def test_a_queue_of_the_tables_alone_is_shown(exchange: Queued) -> None:
    found = {queue.queue: (queue.configured, queue.running) for queue in exchange.queues.all().value}
    assert found == {"400": (True, True), "401": (False, True), "402": (False, True), "500": (True, False)}


def test_the_old_interface_is_told_what_asterisk_alone_knows(exchange: Queued) -> None:
    rows = with_setup(exchange, None).rows()
    assert rows[0] == {"extension": "400", "descr": "", "strategy": "ringall"}


def test_an_asterisk_without_queues_says_so(exchange: Queued) -> None:
    exchange.floor.manager.on("QueueStatus", UNKNOWN)
    with pytest.raises(NotSupported, match="app_queue"):
        exchange.queues.all()


def test_queues_that_were_there_a_moment_ago_are_missed_and_not_taken_for_gone(exchange: Queued) -> None:
    exchange.queues.all()
    exchange.floor.manager.on("QueueStatus", UNKNOWN)
    with pytest.raises(Unavailable):
        exchange.queues.all(fresh=True)
