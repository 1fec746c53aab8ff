"""Members and agents while others act too, and while half of the exchange is away: what is said must be what is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from pbxapi.ami import AmiDenied, AmiUnavailable
from pbxapi.errors import Conflict, Inconsistent, Invalid, NotFound, NotSupported, Refused, Unavailable
from pbxapi.pbx.agents import QueueAgents
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.plan import KeyChange
from pbxapi.pbx.provisioning import Write
from pbxapi.pbx.queueing import MemberChange, NewMember, QueueSettings
from pbxapi.pbx.queues import AmiQueues
from tests.ami.scripted import Action, Session
from tests.pbx.provisioned import Provisioned
from tests.pbx.queue_floor import refusing
from tests.pbx.queued import ALICE, Queued, queued
from tests.real.deadline import eventually
from tests.things_queues import MemoryQueueSetup

LISTED = {"200": 3}
QUEUES = ("400", "401", "402")
LAMP = "DEVICE_STATE(Custom:QUEUE200*400)"


@pytest.fixture
def exchange() -> Iterator[Queued]:
    with queued(*(QueueSettings(queue=queue, dynamic_agents=LISTED) for queue in QUEUES)) as made:
        yield made


def vars_of(settings: QueueSettings) -> dict[str, Any]:
    found = {each.name: getattr(settings, each.name) for each in fields(settings)}
    members = [{"interface": each.interface, "penalty": each.penalty} for each in settings.static_members]
    return {**found, "static_members": members}


def places(exchange: Queued) -> list[str]:
    """The queues that Alice is in."""
    return [queue for queue, there in exchange.floor.members.items() if ALICE in there]


def lamps(exchange: Queued) -> dict[str, str]:
    """What each lamp was last set to."""
    return {each[1]: each[2] for each in exchange.floor.done if each[0] == "Setvar"}


def meanwhile(exchange: Queued, name: str, queue: str, happens: Callable[[], object]) -> None:
    """Let something happen when the action comes for that queue, and answer as it then is."""
    usual = getattr(exchange.floor, f"_{name.removeprefix('Queue').lower()}")

    def answer(session: Session, action: Action) -> None:
        if action.headers.get("Queue") == queue:
            happens()
        usual(session, action)

    exchange.floor.manager.on(name, answer)


# -- others act too --------------------------------------------------------------------------------------------------


def test_whoever_is_let_in_by_somebody_else_meanwhile_is_logged_in_all_the_same(exchange: Queued) -> None:
    meanwhile(exchange, "QueueAdd", "401", lambda: exchange.floor.sit("401", ALICE))
    found = exchange.agents.login("200", None, None)
    assert [each.queue for each in found.queues] == ["400", "401", "402"]


def test_what_somebody_else_did_is_not_taken_back(exchange: Queued) -> None:
    meanwhile(exchange, "QueueAdd", "400", lambda: exchange.floor.sit("400", ALICE))
    exchange.floor.refuse("QueueAdd", refusing("Out of memory"), Queue="402")
    exchange.floor.sit("400", ALICE)
    with pytest.raises(Refused):
        exchange.agents.login("200", None, None)
    assert places(exchange) == ["400"]


def test_whoever_was_logged_out_meanwhile_is_out(exchange: Queued) -> None:
    for queue in QUEUES:
        exchange.floor.sit(queue, ALICE)
    meanwhile(exchange, "QueueRemove", "401", exchange.floor.members["401"].clear)
    assert exchange.agents.logout("200", None).queues == ()
    assert places(exchange) == []


def test_who_is_logged_out_at_once_after_the_login_was_logged_in(exchange: Queued) -> None:
    def gone() -> None:
        for there in exchange.floor.members.values():
            there.clear()

    usual = Session.answer

    def lit(session: Session, action: Action) -> None:
        gone()
        usual(session, action)

    exchange.floor.manager.on("Setvar", lit)
    assert exchange.agents.login("200", ["400"], None).queues == ()


def test_a_logout_sees_the_queues_of_one_moment(exchange: Queued) -> None:
    """A change in between must not make a dynamic member look static."""
    exchange.floor.sit("400", ALICE)
    asked: list[Action] = []
    usual = exchange.floor._status

    def status(session: Session, action: Action) -> None:
        usual(session, action)
        if not asked:
            exchange.floor.members["400"].clear()
            exchange.queues.changed()
        asked.append(action)

    exchange.floor.manager.on("QueueStatus", status)
    assert exchange.agents.logout("200", None).queues == ()


def test_who_left_before_a_change_is_not_found(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE)
    exchange.floor.manager.on("QueuePenalty", refusing("Invalid interface, queuename or penalty"))
    exchange.floor.manager.on("QueueMemberRingInUse", refusing("Invalid interface, queuename, or ringinuse value"))
    for change in (MemberChange(penalty=1), MemberChange(ring_in_use=True)):
        with pytest.raises(NotFound):
            exchange.queues.change("400", "200", change)


def test_an_undo_that_somebody_else_has_done_is_none_that_failed(exchange: Queued) -> None:
    def out() -> None:
        exchange.floor.members["400"].clear()

    exchange.floor.refuse("QueueAdd", lambda session, action: (out(), refusing("No")(session, action)), Queue="401")  # type: ignore[arg-type, func-returns-value]
    with pytest.raises(Refused):
        exchange.agents.login("200", ["400", "401"], None)
    assert places(exchange) == []


def test_a_lamp_tells_of_the_last_who_came_or_went(exchange: Queued, tmp_path: Path) -> None:
    """Who comes has not lit its lamp yet when it goes again."""
    lock = HostLock(tmp_path / "members.lock", "The queues' members")
    queues = AmiQueues(exchange.client, AstDb(exchange.client), exchange.seats, exchange.setup, ttl=0, lock=lock)
    leaving = threading.Thread(target=lambda: queues.remove("400", "200"))

    def let_in(session: Session, action: Action) -> None:
        exchange.floor.sit("400", ALICE)
        leaving.start()
        threading.Thread(target=answer, args=(session, action)).start()

    def answer(session: Session, action: Action) -> None:
        eventually(lambda: lock.awaited() or not leaving.is_alive(), "somebody leaves, or waits to")
        session.answer(action, "Message: Added interface to queue")

    exchange.floor.manager.on("QueueAdd", let_in)
    with suppress(Conflict):  # the answer may already be that it was put out again
        queues.add("400", NewMember(extension="200"))
    leaving.join(5)
    order = [each[0] for each in exchange.floor.done]
    assert order == ["QueueAdd", "Setvar", "QueueRemove", "Setvar"]
    assert lamps(exchange) == {LAMP: "NOT_INUSE"}


# -- half of it is away ----------------------------------------------------------------------------------------------


def silent(_: Session, __: Action) -> None: ...


def test_a_login_lost_half_way_names_what_may_be_left(exchange: Queued) -> None:
    """The session is lost when the second action was sent, and Asterisk is not there again for the undo."""

    def die(session: Session, _: Action) -> None:
        exchange.floor.manager.stop_listening()
        session.hang_up()

    exchange.floor.refuse("QueueAdd", die, Queue="401")
    with pytest.raises(Inconsistent) as caught:
        exchange.agents.login("200", ["400", "401"], None)
    assert caught.value.steps == ["login to queue 401", "login to queue 400"]


def test_a_login_into_one_queue_that_is_lost_says_that_it_may_have_happened(exchange: Queued) -> None:
    exchange.floor.manager.on("QueueAdd", lambda session, _: session.hang_up())
    with pytest.raises(AmiUnavailable) as caught:
        exchange.agents.login("200", ["400"], None)
    assert caught.value.may_have_run


def test_a_login_of_which_the_second_has_no_answer_is_taken_back_whole(exchange: Queued) -> None:
    def late(session: Session, action: Action) -> None:
        exchange.floor.sit("401", ALICE)  # it ran, and its answer does not come

    exchange.floor.refuse("QueueAdd", late, Queue="401")
    with pytest.raises(Exception, match="QueueAdd"):
        exchange.agents.login("200", ["400", "401"], None)
    assert places(exchange) == []
    assert set(lamps(exchange).values()) == {"NOT_INUSE"}


class Away(MemoryQueueSetup):
    """Tables in a database that does not answer."""

    error: Exception = Unavailable("The database is away", part="database")

    def all(self) -> tuple[QueueSettings, ...]:
        raise self.error

    def get(self, queue: str) -> QueueSettings:
        raise self.error


def without_tables(exchange: Queued) -> AmiQueues:
    return AmiQueues(exchange.client, AstDb(exchange.client), exchange.seats, Away(), ttl=0)


def test_nobody_is_let_in_while_it_is_not_known_who_may(exchange: Queued) -> None:
    queues = without_tables(exchange)
    with pytest.raises(Unavailable):
        queues.add("400", NewMember(extension="200"))
    for named in (None, ["400"]):
        with pytest.raises(Unavailable):
            QueueAgents(queues).login("200", named, None)
    assert exchange.floor.done == []


def test_who_is_in_can_pause_and_leave_without_the_tables(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE)
    agents = QueueAgents(without_tables(exchange))
    assert agents.pause("200", "lunch", None).paused
    assert agents.logout("200", None).queues == ()


def test_a_user_who_may_not_read_astdb_sees_who_waits(
    exchange: Queued, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Away, "error", AmiDenied("DBGetTree", "Permission denied"))
    queues = without_tables(exchange)
    for _ in range(3):
        assert [queue.configured for queue in queues.all().value] == [None, None, None]
    assert caplog.text.count("without their configuration") == 1  # and not each second
    with pytest.raises(AmiDenied):
        queues.add("400", NewMember(extension="200"))


def test_a_platform_without_queue_tables_lets_in(exchange: Queued, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Away, "error", NotSupported("The queues module is not enabled"))
    assert without_tables(exchange).add("400", NewMember(extension="200")).interface == ALICE


# -- changes ---------------------------------------------------------------------------------------------------------


def test_a_reason_of_one_who_is_not_paused_is_refused(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE)
    with pytest.raises(Invalid) as caught:
        exchange.queues.change("400", "200", MemberChange(reason="lunch"))
    assert caught.value.fields.keys() == {"reason"}
    with pytest.raises(Invalid):
        exchange.queues.add("401", NewMember(extension="200", reason="lunch"))
    assert exchange.floor.done == []


def test_a_reason_stays_until_another_one_or_none_is_given(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE, Paused="1", PausedReason="lunch")
    found = exchange.queues.change("400", "200", MemberChange(paused=True, penalty=2))
    assert (found.paused, found.paused_reason) == (True, "lunch")
    exchange.queues.change("400", "200", MemberChange(reason="lunch"))
    # Asterisk would let the break begin anew.
    assert [each[0] for each in exchange.floor.done] == ["QueuePenalty"]
    assert exchange.queues.change("400", "200", MemberChange(reason="meeting")).paused_reason == "meeting"
    assert exchange.queues.change("400", "200", MemberChange(reason="")).paused_reason is None


def test_a_change_that_fails_at_its_end_is_taken_back_whole(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE, Penalty="1")
    exchange.floor.manager.on("QueueMemberRingInUse", refusing("No"))
    with pytest.raises(Refused):
        exchange.queues.change("400", "200", MemberChange(penalty=2, paused=True, reason="x", ring_in_use=True))
    assert [each[0] for each in exchange.floor.done] == [
        "QueuePenalty", "QueuePause", "QueueMemberRingInUse", "QueuePause", "QueuePenalty",
    ]  # fmt: skip
    assert exchange.floor.members["400"][ALICE]["Paused"] == "0"


def test_a_change_that_cannot_be_taken_back_says_what_is_left(exchange: Queued) -> None:
    exchange.floor.sit("400", ALICE, Penalty="1")
    exchange.floor.refuse("QueuePenalty", refusing("No"), Penalty="1")
    exchange.floor.manager.on("QueuePause", refusing("No"))
    with pytest.raises(Inconsistent) as caught:
        exchange.queues.change("400", "200", MemberChange(penalty=2, paused=True))
    assert caught.value.steps == ["the penalty"]


def test_what_the_rows_of_a_queue_do_not_say_can_be_sent_back(freepbx: Provisioned) -> None:
    """As GET gives it: no row is null, and no default is to be written for it."""
    freepbx.queues.create("400", {"description": "Support"}, Write())
    freepbx.run("DELETE FROM queues_details WHERE id = '400' AND keyword IN ('recording', 'retry', 'maxlen')")
    before = freepbx.queues.get("400")
    sent = {name: value for name, value in vars_of(before).items() if name not in {"queue", "password"}}
    after, outcome = freepbx.queues.put("400", sent, Write(dry_run=True))
    assert (after, outcome.plan.rows) == (before, ())


def test_who_was_logged_in_to_a_queue_that_is_gone_is_not_in_its_successor(freepbx: Provisioned) -> None:
    """Asterisk keeps logins in AstDB beyond the queue's own end, and reads them when it starts."""
    logins = KeyChange("Queue", "PersistentMembers/400", None, f"{ALICE};0;0;Alice;hint:200@ext-local;;0")
    freepbx.queues.create("400", {"description": "Support"}, Write())
    freepbx.astdb.write([logins])
    freepbx.queues.put("400", {"weight": 1}, Write())
    assert freepbx.astdb.tree("Queue") == {logins.key: logins.after}
    freepbx.queues.delete("400", Write())
    assert freepbx.astdb.tree("Queue") == {}
    freepbx.astdb.write([logins])  # the screen deletes a queue without
    freepbx.queues.create("400", {"description": "Support"}, Write())
    assert freepbx.astdb.tree("Queue") == {}


@pytest.mark.parametrize("text", ["${SHELL(id)}", "$[1+1]"])
def test_an_expression_of_the_dialplan_is_no_name_and_no_reason(exchange: Queued, text: str) -> None:
    for member in (NewMember(extension="200", name=text), NewMember(extension="200", paused=True, reason=text)):
        with pytest.raises(Invalid):
            exchange.queues.add("400", member)
    assert exchange.floor.done == []


def test_two_at_once_are_one_member_and_one_conflict(exchange: Queued) -> None:
    meanwhile(exchange, "QueueAdd", "400", lambda: exchange.floor.sit("400", ALICE))
    with pytest.raises(Conflict):
        exchange.queues.add("400", NewMember(extension="200"))
