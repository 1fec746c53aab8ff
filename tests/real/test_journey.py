"""The path of real calls, from the channel events that a real Asterisk wrote into the platforms' own tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pbxapi.http.journey_schemas import JourneySchema
from tests.real import required
from tests.real.api import Api, app_for, settings_for
from tests.real.asterisk import Asterisk
from tests.real.cdr_table import CdrTable, database_url
from tests.real.deadline import eventually
from tests.real.exchange import ROLES, Exchange, with_phones
from tests.real.mariadb import MariaDB
from tests.real.raw_manager import RawManager, hang_up_all, live_channels
from tests.real.sip_phone import Phone

CEL_CONF = """[general]
enable = yes
apps = dial,park,queue,voicemail
events = ALL
"""
CEL_ODBC_CONF = """[calls]
connection = calls
table = cel
alias extra => {extra}
"""


@dataclass
class Logged:
    """An exchange that logs channel events, its tables, and the application over both."""

    exchange: Exchange
    table: CdrTable
    server: MariaDB
    api: Api

    @property
    def holds_transfers(self) -> bool:
        """An attended transfer is more than the column of Issabel can hold, and a strict server takes no such row."""
        return self.exchange.name == "22"

    def phone(self, number: str) -> Phone:
        return self.exchange.phones[number]

    def ended(self, *, after: int) -> str:
        """The linkedid of the first call that began after this event, once that has ended."""
        [first] = eventually(
            lambda: self.table.run("SELECT linkedid FROM cel WHERE id > %s ORDER BY id LIMIT 1", after), "it begins"
        )
        query = "SELECT id FROM cel WHERE eventtype = 'LINKEDID_END' AND linkedid = %s"
        eventually(lambda: self.table.run(query, first["linkedid"]), "it ends", 10)
        return str(first["linkedid"])

    def last(self) -> int:
        [found] = self.table.run("SELECT COALESCE(MAX(id), 0) AS last FROM cel")
        return int(str(found["last"]))

    def journey(self, linkedid: str, *, status: int = 200) -> Any:
        return self.api.get(f"/cdr/{linkedid}/journey", status=status)


@pytest.fixture(scope="module", params=["22-freepbx17", "16-issabel5"])
def _logged(
    request: pytest.FixtureRequest, mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Logged]:
    version, _, schema = request.param.partition("-")
    root = required.unpacked_asterisk(version)
    with ExitStack() as stack:
        table = CdrTable(mariadb, f"{schema}-InnoDB-utf8mb4", name=f"journey_{schema}")
        stack.callback(table.close)
        folder = tmp_path_factory.mktemp("journey")
        server = Asterisk(version, root, folder, database=table.place)
        _log_events(server, "eventextra" if schema == "issabel5" else "extra")
        stack.callback(server.stop)
        server.start()
        exchange = stack.enter_context(with_phones(server))
        for number, role in ROLES.items():
            assert not role.registered or exchange.phones[number].register() == 200
        settings = settings_for(exchange, folder / "store.db", CDR_DATABASE_URL=table.url)
        api = Api(app_for(settings))
        stack.callback(api.close)
        yield Logged(exchange, table, mariadb, api)


@pytest.fixture
def logged(_logged: Logged) -> Iterator[Logged]:
    for number, role in ROLES.items():
        _logged.phone(number).answer_after, _logged.phone(number).reject = role.answer_after, role.reject
    yield _logged
    with _logged.exchange.manager() as manager:
        hang_up_all(manager)
    for phone in _logged.exchange.phones.values():
        phone.forget_calls()


def _log_events(server: Asterisk, extra: str) -> None:
    etc = server.folder / "etc"
    modules = etc / "modules.conf"
    modules.write_text(modules.read_text().replace("noload = cel_odbc.so\n", ""))
    (etc / "cel.conf").write_text(CEL_CONF)
    (etc / "cel_odbc.conf").write_text(CEL_ODBC_CONF.format(extra=extra))


def told(journey: Any) -> list[str]:
    """What happened, and to which number."""
    assert JourneySchema().validate(journey) == {}
    return [f"{step['kind']} {step['number'] or ''}".strip() for step in journey["steps"]]


def only(journey: Any, kind: str) -> Any:
    [found] = [step for step in journey["steps"] if step["kind"] == kind]
    return found


def channel_of(manager: RawManager, number: str) -> str:
    return eventually(
        lambda: next((name for name in live_channels(manager) if name.startswith(f"PJSIP/{number}-")), ""), number
    )


def test_who_hung_up_is_told(logged: Logged) -> None:
    before = logged.last()
    call = logged.phone("100").call("101").wait_answered()
    call.hang_up()

    journey = logged.journey(logged.ended(after=before))

    assert journey["source"] == "cel"
    steps = told(journey)
    assert steps[:4] == ["start 100", "ring 101", "answer 101", "bridge 100"]
    assert sorted(steps[4:]) == ["end", "hangup 100", "hangup 101"]
    # The other leg may be told before who ended it is noted there.
    by = {step["by"] for step in journey["steps"] if step["kind"] == "hangup"}
    assert by - {None} == {journey["steps"][0]["channel"]}
    assert {step["cause"] for step in journey["steps"] if step["kind"] == "hangup"} == {16}


def test_a_busy_phone_says_why(logged: Logged) -> None:
    before = logged.last()
    logged.phone("100").call("102").wait_ended()

    journey = logged.journey(logged.ended(after=before))

    # Events of two channels in one moment are written in the one order or the other.
    assert sorted(told(journey)) == ["end", "hangup 100", "hangup 102", "ring 102", "start 100"]
    ends = {step["number"]: step for step in journey["steps"] if step["kind"] == "hangup"}
    assert (ends["102"]["cause"], ends["100"]["cause"], ends["100"]["detail"]) == (17, 17, "BUSY")


def test_a_blind_transfer_tells_from_whom_and_where_to(logged: Logged) -> None:
    before = logged.last()
    with logged.exchange.manager() as manager:
        logged.phone("100").call("101").wait_answered()
        transferer = channel_of(manager, "101")
        eventually(lambda: "bridge 100" in steps_so_far(logged, before), "100 and 101 talk")
        manager.ask("BlindTransfer", Channel=transferer, Context="from-internal", Exten="105")
        eventually(lambda: steps_so_far(logged, before).count("bridge 100") == 2, "105 is talked to", 10)
        hang_up_all(manager)

    journey = logged.journey(logged.ended(after=before))

    moved = only(journey, "blind_transfer")
    assert (moved["number"], moved["by"], moved["extension"], moved["context"]) == (
        "100", transferer, "105", "from-internal",
    )  # fmt: skip
    assert told(journey)[:3] == ["start 100", "ring 101", "answer 101"]
    assert told(journey).index("blind_transfer 100") < told(journey).index("ring 105")


def test_an_attended_transfer_is_told_with_the_talk_before_it(logged: Logged) -> None:
    before = logged.last()
    with logged.exchange.manager() as manager:
        logged.phone("100").call("101").wait_answered()
        transferer = channel_of(manager, "101")
        manager.ask("Atxfer", Channel=transferer, Context="from-internal", Exten="105")
        eventually(lambda: "bridge 101" in steps_so_far(logged, before), "101 asks 105", 10)
        manager.ask("Hangup", Channel=transferer)
        eventually(lambda: steps_so_far(logged, before).count("bridge 100") == 2, "100 is given to 105", 10)
        eventually(lambda: len(live_channels(manager)) == 2, "only the two are left")
        hang_up_all(manager)

    journey = logged.journey(logged.ended(after=before))

    expected = ["start 100", "ring 101", "answer 101", "bridge 100", "ring 105", "answer 105", "bridge 101"]
    if logged.holds_transfers:
        expected.append("attended_transfer 100")
        assert only(journey, "attended_transfer")["by"] == transferer
    expected.append("bridge 100")
    assert told(journey)[: len(expected)] == expected
    assert not [step for step in journey["steps"] if (step["channel"] or "").startswith("Local/")]


def test_a_queue_tells_whom_it_rang_and_who_answered(logged: Logged) -> None:
    before = logged.last()
    logged.phone("101").answer_after = None
    call = logged.phone("103").call("800").wait_answered()
    eventually(lambda: "bridge 103" in steps_so_far(logged, before), "100 is talked to")
    call.hang_up()

    journey = logged.journey(logged.ended(after=before))

    steps = told(journey)
    assert steps[:3] == ["start 103", "pbx_answer 103", "queue 103"]
    assert {"ring 100", "ring 101", "answer 100"} < set(steps)
    assert only(journey, "queue")["extension"] == "support"
    assert only(journey, "queue_leave")["detail"] == "answered"


def test_without_events_the_records_tell(logged: Logged, apps: Callable[..., Api], tmp_path: Path) -> None:
    before = logged.last()
    call = logged.phone("100").call("101").wait_answered()
    eventually(lambda: "bridge 100" in steps_so_far(logged, before), "they talk")
    call.hang_up()
    linkedid = logged.ended(after=before)
    query = "SELECT uniqueid FROM cdr WHERE linkedid = %s"
    eventually(lambda: logged.table.run(query, linkedid), "the record is written")
    name = logged.table.place.name
    alone = logged.server.create_database(f"{name}_alone", f"CREATE TABLE cdr AS SELECT * FROM {name}.cdr")
    api = apps(logged.exchange, tmp_path / "store.db", CDR_DATABASE_URL=database_url(alone))

    journey = api.get(f"/cdr/{linkedid}/journey")

    assert (journey["linkedid"], journey["source"]) == (linkedid, "cdr")
    assert told(journey) == ["start 100", "ring 101", "answer 101", "hangup 101", "hangup 100", "end"]


def test_a_call_that_nothing_tells_of_is_not_found(logged: Logged) -> None:
    assert logged.journey("1.999", status=404)["status"] == 404


def steps_so_far(logged: Logged, before: int) -> list[str]:
    """Of the call that began after this event, while it lasts."""
    found = logged.table.run("SELECT linkedid FROM cel WHERE id > %s ORDER BY id LIMIT 1", before)
    return told(logged.journey(str(found[0]["linkedid"]))) if found else []
