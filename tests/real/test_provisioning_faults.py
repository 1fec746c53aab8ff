"""A write to an extension that fails or dies anywhere, on InnoDB and MyISAM, with a real Asterisk's AstDB.

What is there afterwards is compared whole: every row, every entry of AstDB, every byte of voicemail.conf.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from pbxapi.ami import AmiDenied, AmiError, AmiRefused
from pbxapi.errors import Conflict, Inconsistent, Invalid, NotFound, Unavailable
from pbxapi.pbx.plan import KeyChange
from pbxapi.pbx.provisioning import ABANDONED, Write
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from tests.real import required
from tests.real.asterisk import Asterisk
from tests.real.deadline import eventually
from tests.real.faulty_platform import FAMILIES, FaultyPlatform, Place, write_and_die, write_many
from tests.real.mariadb import MariaDB
from tests.real.platforms import platform_database

CONF = "[general]\nformat=wav ; by hand\n\n[default]\n201 => 1111,Bob,,,attach=yes\n"
ALICE: dict[str, Any] = {"name": "Alice", "secret": "a-secret-of-alice", "voicemail": {"password": "4321"}}
NEW: dict[str, Any] = {
    "name": "Alicia",
    "secret": "another-secret",
    "voicemail": {"password": "9876"},
    "ring_time": 30,
}
WRITES: dict[str, dict[str, Any]] = {"create": ALICE, "update": NEW, "delete": {}}
OPS = pytest.mark.parametrize("op", WRITES)
QUEUE = "INSERT INTO queues_details (id, keyword, data, flags) VALUES ('400', 'member', 'Local/200@from-queue/n,0', 0)"

BAD = (
    ("name", "x" * 51), ("name", "a;b"), ("name", "a\nb"), ("caller_id", "1" * 51), ("secret", "abc;defghij"),
    ("secret", "[abcdefghi"), ("secret", "   "), ("secret", "x" * 256),
)  # fmt: skip
NOT_LATIN = (("name", "\N{PILE OF POO}"), ("name", "\u4e2d\u6587"))

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.real.faulty_platform"])


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """One of our own: it is killed, and others would lose their connections."""
    if required.find_program("mariadbd") is None:
        required.missing("mariadbd", "apt install mariadb-server")
    server = MariaDB(tmp_path_factory.mktemp("mariadb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["freepbx17", "freepbx13"], ids=["InnoDB", "MyISAM"])
def _place(
    request: pytest.FixtureRequest, mariadb: MariaDB, asterisk22: Asterisk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("etc", "spool"):
        (folder / name).mkdir()
    place = Place(platform_database(mariadb, request.param), asterisk22.ports.ami, folder)
    store = Store(f"sqlite:///{folder}/store.db")
    migrate(store)
    store.close()
    yield place
    mariadb.run(f"DROP DATABASE {place.database.name}")


@pytest.fixture
def world(_place: Place, mariadb: MariaDB, asterisk22: Asterisk) -> Iterator[FaultyPlatform]:
    """An exchange without extensions; nobody waits for a reload."""
    if not mariadb.running:
        mariadb.start()
    asterisk22.ensure_running()
    # A commit outlives the server, as it does where nobody has set it otherwise; so do those of this preparation.
    mariadb.run("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
    made = FaultyPlatform(_place)
    empty(made)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _put_right(mariadb: MariaDB, asterisk22: Asterisk) -> Iterator[None]:
    yield
    if not mariadb.running:
        mariadb.start()
    asterisk22.ensure_running()


def empty(world: FaultyPlatform) -> None:
    """No extensions, nothing in AstDB, nothing that waits; a queue that mentions 200."""
    for table in world.tables - {"admin"}:
        world.sql(f"DELETE FROM {table}")
    world.sql(QUEUE)
    forget_reload(world)
    for family in FAMILIES:
        with suppress(AmiRefused):
            world.ami.request("DBDelTree", [("Family", family)])
    for change in world.journal.open():
        world.journal.forget(change.id)
    world.conf.write_text(CONF)


def forget_reload(world: FaultyPlatform) -> None:
    world.sql("UPDATE admin SET value = 'false' WHERE variable = 'need_reload'")


def begun(world: FaultyPlatform, op: str) -> Any:
    """The exchange before this write; gives the dump of it."""
    if op == "create":
        world.sql("DELETE FROM queues_details")
    else:
        world.write("create", **ALICE)
        for change in world.journal.open():
            world.journal.forget(change.id)
        forget_reload(world)
    world.point.passed = 0
    return world.dump()


def without_flag(dump: Any) -> Any:
    """But for need_reload, which is never taken back in a table without transactions."""
    rows, *rest = dump
    return {name: found for name, found in rows.items() if name != "admin"}, *rest


def same(world: FaultyPlatform, before: Any) -> None:
    after = world.dump()
    if myisam(world):
        after, before = without_flag(after), without_flag(before)
    assert after == before


def myisam(world: FaultyPlatform) -> bool:
    return world.place.database.name.startswith("freepbx13")


def states(world: FaultyPlatform) -> list[str]:
    return [change.state for change in world.journal.open()]


class CutError(Unavailable):
    """What a test lets happen at a place."""

    def __init__(self) -> None:
        super().__init__("cut", part="test")


def fail_at(world: FaultyPlatform, number: int, what: Callable[[], object]) -> None:
    def reached(passed: int) -> None:
        if passed == number:
            world.point.reached = lambda number: None
            what()

    world.point.reached = reached


def once(do: Callable[..., None]) -> Callable[..., None]:
    """Do it the first time only."""
    todo = [do]
    return lambda *arguments: todo.pop()(*arguments) if todo else None


def cut() -> None:
    raise CutError


@OPS
def test_a_write_that_fails_at_any_place_before_its_end_leaves_nothing(world: FaultyPlatform, op: str) -> None:
    before = begun(world, op)
    for place in range(100):
        world.point.passed = 0
        fail_at(world, place, cut)
        try:
            world.write(op, **WRITES[op])
        except CutError:
            same(world, before)
            assert states(world) == []
        else:
            break
    assert place >= 8
    assert without_flag(world.dump()) != without_flag(before)


@OPS
def test_a_row_half_way_that_the_database_refuses_leaves_nothing(
    world: FaultyPlatform, mariadb: MariaDB, op: str
) -> None:
    before = begun(world, op)
    when, row = {"create": ("INSERT", "NEW"), "update": ("UPDATE", "NEW"), "delete": ("DELETE", "OLD")}[op]
    trigger = f"BEFORE {when} ON sip FOR EACH ROW IF {row}.keyword = 'secret' THEN SIGNAL SQLSTATE '45000'; END IF"
    mariadb.run(f"CREATE TRIGGER refuse {trigger}", database=world.place.database.name)
    try:
        with pytest.raises(Unavailable, match="database"):
            world.write(op, **WRITES[op])
    finally:
        mariadb.run("DROP TRIGGER refuse", database=world.place.database.name)
    same(world, before)
    assert states(world) == []


@pytest.mark.parametrize(
    ("op", "theirs"),
    [
        ("create", "INSERT INTO sip (id, keyword, data, flags) VALUES ('200', 'secret', 'theirs', 2)"),
        ("update", "UPDATE sip SET data = 'theirs' WHERE id = '200' AND keyword = 'secret'"),
        ("update", "DELETE FROM sip WHERE id = '200' AND keyword = 'secret'"),
    ],
)
def test_what_a_screen_writes_after_we_have_read_is_theirs_and_ours_is_undone(
    world: FaultyPlatform, mariadb: MariaDB, op: str, theirs: str
) -> None:
    begun(world, op)
    expected: list[Any] = []

    def save() -> None:
        mariadb.run(theirs, database=world.place.database.name)
        expected.append(world.dump())

    fail_at(world, 0, save)
    with pytest.raises(Conflict, match="Somebody else"):
        world.write(op, **WRITES[op])
    same(world, expected[0])
    assert states(world) == []


@pytest.mark.parametrize("_place", ["freepbx13"], indirect=True, ids=["MyISAM"], scope="module")
def test_a_number_that_a_screen_takes_after_we_have_read_is_theirs_where_no_row_can_be_rolled_back(
    world: FaultyPlatform, mariadb: MariaDB
) -> None:
    begun(world, "create")
    take = "INSERT INTO users (extension, name) VALUES ('200', 'Theirs')"
    fail_at(world, 0, lambda: mariadb.run(take, database=world.place.database.name))
    with pytest.raises(Conflict, match="users 200"):
        world.write("create", **ALICE)
    assert len(world.dump()[0]["users"]) == 1
    assert world.dump()[0]["sip"] == []


def test_without_asterisk_nothing_is_written(world: FaultyPlatform, asterisk22: Asterisk) -> None:
    before = begun(world, "update")
    on_disk(world, asterisk22)
    # The last moment: read, decided, and not yet begun.
    fail_at(world, 0, asterisk22.kill)
    with pytest.raises((AmiError, Inconsistent)) as caught:
        world.write("update", **NEW)
    asterisk22.start()
    eventually(lambda: answers(world), "the manager answers again")
    if isinstance(caught.value, Inconsistent):
        assert states(world) == [ABANDONED]
    same(world, before)


@pytest.mark.parametrize("op", ["create", "update"])
def test_an_asterisk_that_is_gone_half_way_is_told_with_what_was_left_and_repair_puts_it_right(
    world: FaultyPlatform, asterisk22: Asterisk, op: str
) -> None:
    before = begun(world, op)
    on_disk(world, asterisk22)
    killed_in_astdb(world, asterisk22)
    with pytest.raises(Inconsistent) as caught:
        world.write(op, **WRITES[op])
    [step] = caught.value.steps
    assert step.startswith("AstDB keys of AMPUSER")
    assert states(world) == [ABANDONED]
    asterisk22.start()
    eventually(lambda: answers(world), "the manager answers again")
    rows, _, conf = world.dump()
    assert (without_flag((rows,)), conf) == (without_flag((before[0],)), before[2])
    assert world.extensions.drift("200")[0].place == "journal"
    world.extensions.repair("200", Write())
    if op == "create":  # there is no such extension: nothing is left that would come to its next owner
        assert list(world.astdb.tree("AMPUSER")) == world.dump()[0]["queues_details"] == []
    else:
        assert without_flag(world.dump()) == without_flag(before)
    assert not lasting(world)


def killed_in_astdb(world: FaultyPlatform, asterisk: Asterisk) -> None:
    """Kill Asterisk between the two halves of what is written to AstDB."""
    writes = iter(("before", "half way"))

    def reached(point: str) -> None:
        if next(writes, None) == "half way":
            asterisk.kill()

    world.astdb.reached = reached


def test_an_asterisk_that_dies_at_the_commit_costs_no_row(world: FaultyPlatform, asterisk22: Asterisk) -> None:
    world.sql("DELETE FROM queues_details")
    world.write("create", **ALICE)
    expected = world.dump()
    world.write("delete")
    world.at_commit = once(lambda connection: asterisk22.kill())
    outcome = world.write("create", **ALICE)
    assert (outcome.applied, outcome.reason) == (False, "loading voicemail.conf failed, the change itself is written")
    asterisk22.start()
    eventually(lambda: answers(world), "the manager answers again")
    world.extensions.repair("200", Write())  # Asterisk may have lost the last second of its AstDB
    rows, trees, conf = world.dump()
    vital = {key: trees["AMPUSER"][key] for key in ("200/cidname", "200/device", "200/voicemail", "200/ringtimer")}
    assert vital == {key: expected[1]["AMPUSER"][key] for key in vital}
    assert (without_flag((rows,)), trees["DEVICE"], conf) == (
        without_flag(expected[:1]),
        expected[1]["DEVICE"],
        expected[2],
    )


@OPS
def test_a_manager_user_that_may_not_write_changes_nothing(world: FaultyPlatform, op: str) -> None:
    before = begun(world, op)
    weak = FaultyPlatform(replace(world.place, ami_user="nosystem"))
    try:
        with pytest.raises(AmiDenied):
            weak.write(op, **WRITES[op])
    finally:
        weak.close()
    same(world, before)
    assert states(world) == []


def test_a_disk_that_is_full_changes_nothing(world: FaultyPlatform) -> None:
    world.conf.write_text(f"; {'x' * 100_000}\n" * 12 + CONF)
    before = begun(world, "update")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Above what the store has, below what voicemail.conf has.
    fail_at(world, 0, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, limit[1])))
    try:
        with pytest.raises(Unavailable, match=r"voicemail\.conf"):
            world.write("update", **NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    same(world, before)
    assert states(world) == []


@pytest.mark.parametrize("op", ["create", "delete"])
def test_a_database_that_is_killed_in_the_transaction_takes_astdb_and_files_back(
    world: FaultyPlatform, mariadb: MariaDB, op: str
) -> None:
    begun(world, op)
    world.write(op, **WRITES[op])
    expected = world.dump()
    empty(world)
    before = begun(world, op)
    world.voicemail.written = once(mariadb.kill)
    with pytest.raises((Unavailable, Inconsistent)) as caught:
        world.write(op, **WRITES[op])
    mariadb.start()
    after = world.dump()
    assert after[1:] == before[1:]
    if not myisam(world):
        assert isinstance(caught.value, Unavailable)
        assert (after[0], states(world)) == (before[0], [])
        return
    assert getattr(caught.value, "steps", None) == ["rows"]
    assert states(world) == [ABANDONED]
    made_whole(world, op, expected)


@OPS
@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_whose_answer_is_lost_is_looked_up(
    world: FaultyPlatform, mariadb: MariaDB, op: str, committed: bool
) -> None:
    before = begun(world, op)
    world.sql("UPDATE admin SET value = 'true' WHERE variable = 'need_reload'")  # somebody else's: it tells nothing

    def end_session(connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        if committed:
            raw.commit()
        mariadb.run(f"KILL {raw.thread_id()}")

    world.at_commit = once(end_session)
    if committed or myisam(world):
        world.write(op, **WRITES[op])
        assert without_flag(world.dump())[0] != without_flag(before)[0]
        assert not lasting(world)
    else:
        with pytest.raises(Unavailable):
            world.write(op, **WRITES[op])
        assert without_flag(world.dump()) == without_flag(before)
    assert states(world) == []


def test_a_database_that_is_lost_at_the_commit_is_told_as_not_known(world: FaultyPlatform, mariadb: MariaDB) -> None:
    before = begun(world, "create")
    world.at_commit = once(lambda connection: mariadb.kill())
    if myisam(world):
        world.write("create", **ALICE)  # there since before the commit
        mariadb.start()
        assert not lasting(world)
        return
    with pytest.raises(Inconsistent, match="not known") as caught:
        world.write("create", **ALICE)
    assert caught.value.steps == ["whether the rows were written: the database was lost at the commit"]
    assert states(world) == [ABANDONED]
    mariadb.start()
    assert world.dump() == before


@OPS
def test_a_process_that_is_killed_anywhere_leaves_what_drift_names_and_the_same_request_mends(
    world: FaultyPlatform, caplog: pytest.LogCaptureFixture, op: str
) -> None:
    begun(world, op)
    world.write(op, **WRITES[op])
    total, expected = world.point.passed, world.dump()
    assert total >= 8
    # In a transaction one row is as another.
    for number in range(total) if myisam(world) else (0, 1, *range(total - 7, total)):
        caplog.clear()
        empty(world)
        before = begun(world, op)
        process = processes.Process(target=write_and_die, args=(world.place, number, op, WRITES[op]))
        process.start()
        process.join(30)
        assert process.exitcode == -signal.SIGKILL
        after = world.dump()
        begun_there = bool(states(world))
        assert begun_there == (number > 0)
        with world.changes.locked():  # at once: the lock went with its holder
            pass
        assert ("200 was left half done" in caplog.text) == begun_there
        if without_flag(after) not in (without_flag(before), without_flag(expected)):
            assert [each.place for each in world.extensions.drift("200")][:1] == ["journal"]
        made_whole(world, op, expected)


def made_whole(world: FaultyPlatform, op: str, expected: Any) -> None:
    """Repair leaves nothing that it could put right, and the same write again comes to what it would have at first."""
    with suppress(NotFound):  # nothing of it is there
        world.extensions.repair("200", Write())
    assert not lasting(world, repairable=True)
    try:
        world.write(op, **WRITES[op])
    except NotFound:
        assert op == "delete"
    except Conflict:
        assert op == "create"
        world.write("delete")
        world.write(op, **WRITES[op])
    assert without_flag(world.dump()) == without_flag(expected)
    assert not lasting(world)
    assert ABANDONED not in states(world)


def lasting(world: FaultyPlatform, *, repairable: bool = False) -> list[str]:
    """What drift names, or of that what it says can be repaired; Asterisk runs nothing of it here, without an apply."""
    try:
        found = world.extensions.drift("200")
    except NotFound:
        return []
    return [each.place for each in found if each.place != "asterisk" and (each.repairable or not repairable)]


def test_what_was_left_of_a_number_does_not_come_to_its_next_owner(world: FaultyPlatform) -> None:
    world.sql("DELETE FROM queues_details")
    world.write("create", **ALICE)
    expected = world.dump()
    world.write("delete")
    world.sql("INSERT INTO sip (id, keyword, data, flags) VALUES ('200', 'secret', 'x', 2), ('200', 'mine', 'y', 3)")
    world.astdb.write([KeyChange("AMPUSER", "200/followme/ddial", None, "DIRECT")])
    world.write("create", **ALICE)
    assert world.dump() == expected


def test_two_processes_make_one_extension_of_one_number(world: FaultyPlatform) -> None:
    statuses = at_once(world, [[("create", "200", ALICE)], [("create", "200", {**ALICE, "name": "Bob"})]])
    assert sorted(statuses) == [0, 3]
    [extension] = world.extensions.all()
    assert world.astdb.get("AMPUSER", "200/cidname") == extension.name
    assert not lasting(world)


def test_two_processes_that_change_one_extension_lose_neither_change(world: FaultyPlatform) -> None:
    world.write("create", **ALICE)
    writes = [[("update", "200", {"name": f"Alice {n}"}) for n in range(5)],
              [("update", "200", {"caller_id": f"{n}"}) for n in range(5)]]  # fmt: skip
    assert at_once(world, writes) == [0, 0]
    found = world.extensions.get("200")
    assert (found.name, found.caller_id) == ("Alice 4", "4")
    assert not lasting(world)


def test_ten_processes_make_ten_numbers_and_a_screen_in_the_midst_loses_no_reload(
    world: FaultyPlatform, mariadb: MariaDB
) -> None:
    numbers = [str(number) for number in range(210, 220)]
    writes = [[("create", number, {"name": f"N {number}", "voicemail": {"password": "4321"}})] for number in numbers]
    assert at_once(world, writes, between=lambda: forget_reload(world)) == [0] * 10
    assert [each.extension for each in world.extensions.all()] == numbers
    for number in numbers:
        assert f"{number} => 4321,N {number}" in world.conf.read_text()
        assert [each.place for each in world.extensions.drift(number)] == ["asterisk"]
    fail_at(world, 0, lambda: forget_reload(world))
    world.write("update", "210", name="Last")
    assert "('need_reload', 'true')" in world.dump()[0]["admin"]


def at_once(world: FaultyPlatform, writes: Sequence[Any], between: Callable[[], None] = lambda: None) -> list[int]:
    """Let a process each do these writes, beginning in the same moment; gives their exit statuses."""
    barrier = processes.Barrier(len(writes) + 1)
    started = [processes.Process(target=write_many, args=(world.place, some, barrier)) for some in writes]
    for process in started:
        process.start()
    barrier.wait(20)
    between()
    for process in started:
        process.join(30)
    return [process.exitcode if process.exitcode is not None else -1 for process in started]


@pytest.mark.parametrize("op", ["create", "update"])
def test_what_the_database_or_a_configuration_file_cannot_hold_is_refused_by_its_field(
    world: FaultyPlatform, op: str
) -> None:
    before = begun(world, op)
    for field, value in BAD + (NOT_LATIN if myisam(world) else ()):
        with pytest.raises(Invalid) as caught:
            world.write(op, **{**WRITES[op], field: value})
        assert (list(caught.value.fields), value) == ([field], value)
    assert world.dump() == before
    assert states(world) == []
    if not myisam(world):
        for field, value in NOT_LATIN:
            world.write(op, **{**WRITES[op], field: value})
            assert world.extensions.get("200").name == value
            assert world.astdb.get("AMPUSER", "200/cidname") == value
            world.write("delete")
            begun(world, op)


def on_disk(world: FaultyPlatform, asterisk: Asterisk) -> None:
    """Wait until AstDB would outlive its Asterisk: it writes a second late (main/db.c)."""
    expected = sum(len(world.astdb.tree(family)) for family in FAMILIES)

    def written() -> bool:
        with closing(sqlite3.connect(asterisk.folder / "db/astdb.sqlite3")) as database:
            count = " OR ".join(f"key LIKE '/{family}/%'" for family in FAMILIES)
            return bool(database.execute(f"SELECT count(*) = {expected} FROM astdb WHERE {count}").fetchone()[0])

    eventually(written, "AstDB is on disk")


def answers(world: FaultyPlatform) -> bool:
    try:
        world.astdb.ping()
        world.astdb.tree("CW")
    except AmiError:
        return False
    return True
