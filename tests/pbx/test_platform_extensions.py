"""Extensions of a platform, whole: rows in SQLite, AstDB of the demo exchange, voicemail.conf on disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from pbxapi.ami import Client
from pbxapi.errors import Conflict, Invalid, NotFound, PbxError, Unavailable
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.change import Changes
from pbxapi.pbx.channels import AmiChannels
from pbxapi.pbx.extension_operations import Operations
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.peers import AmiPeers
from pbxapi.pbx.plan import FileChange, KeyChange
from pbxapi.pbx.platform import PlatformLook
from pbxapi.pbx.platform_extensions import VOICEMAIL, PlatformExtensions
from pbxapi.pbx.provisioning import ABANDONED, Operation, Outcome, Write
from pbxapi.pbx.row_changes import Rows
from pbxapi.pbx.step import Step
from pbxapi.pbx.voicemail_file import VoicemailFile
from pbxapi.store import Store
from pbxapi.store.migrate import migrate

OTHERS = """
INSERT INTO queues_config (extension, descr) VALUES ('400', 'Support');
INSERT INTO queues_details VALUES ('400', 'member', 'Local/200@from-queue/n,0', 0);
INSERT INTO queues_details VALUES ('400', 'member', 'Local/2001@from-queue/n,0', 1);
INSERT INTO ringgroups (grpnum, strategy, grptime, grplist, description)
    VALUES ('600', 'ringall', 20, '201-200', 'All');
INSERT INTO featurecodes (modulename, featurename, description, defaultcode, enabled)
    VALUES ('x', 'y', 'Echo', '43', 1);
"""
CONF = "[general]\nformat=wav ; by hand\n\n[default]\n201 => 1111,Bob,,,attach=yes\n"


class FailingAstDb(AstDb):
    """AstDB over a line that is cut at a write of the test's choice, or before it, or for good."""

    def __init__(self, ami: Client) -> None:
        super().__init__(ami)
        self.fails = ""

    def ping(self) -> None:
        self._fail("ping")
        super().ping()

    def write(self, changes: Any, sent: list[KeyChange] | None = None) -> None:
        some = list(changes)
        if self.fails == "half":
            super().write(some[: len(some) // 2], sent)
            self.fails = ""
            raise Unavailable("the line was cut in the midst", part="ami")
        self._fail("write")
        super().write(some, sent)

    def _fail(self, what: str) -> None:
        if self.fails == what:
            raise Unavailable("the line was cut", part="ami")


class FailingFile(VoicemailFile):
    """A voicemail.conf that cannot be written when the test says so."""

    fails = False

    def step(self, changes: Any) -> Step:
        step = super().step(changes)

        def do() -> None:
            if self.fails:
                raise Unavailable("the disk is full", part="voicemail")
            step.do()

        return Step(step.what, do, step.undo)


class World:
    """One exchange with its service, and ways to look behind it."""

    def __init__(self, tables: Engine, ami: Client, folder: Path) -> None:
        self.engine = tables
        self.conf = folder / "voicemail.conf"
        self.conf.write_text(CONF)
        (folder / "spool/default/200/INBOX").mkdir(parents=True)
        self.spool = folder / "spool"
        self.astdb = FailingAstDb(ami)
        self.voicemail = FailingFile(str(self.conf), str(self.spool), ami)
        self.store = Store(f"sqlite:///{folder}/store.db")
        migrate(self.store)
        self.look = PlatformLook(tables, "freepbx", ttl=0)
        self.lock = HostLock(folder / "lock", "The configuration")
        self.changes = Changes(
            self.lock, self.store.changes, self.astdb, rows=Rows(tables, lambda table: True),
            files={VOICEMAIL: self.voicemail},
        )  # fmt: skip
        operations = Operations(self.astdb, self.voicemail, ["from-internal"], lambda: {"0.0.0.0-udp"}, "pjsip")
        channels = AmiChannels(ami, contexts=frozenset(), ttl=0)
        self.extensions = PlatformExtensions(
            engine=tables, look=self.look, astdb=self.astdb, changes=self.changes, operations=operations,
            voicemail=self.voicemail, journal=self.store.changes, peers=AmiPeers(ami, channels, ttl=0), sections=dict,
        )  # fmt: skip
        with tables.begin() as connection:
            connection.execute(text("DELETE FROM users"))
            for statement in filter(str.strip, OTHERS.split(";")):
                connection.execute(text(statement))

    def create(self, number: str = "200", name: str = "Alice", **values: Any) -> Outcome:
        return self.write("create", number, extension=number, name=name, **values)

    def write(self, op: str, number: str, how: Write | None = None, /, **values: Any) -> Outcome:
        return self.extensions.write([Operation(op, number, values)], how or Write())

    def mappings(self) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text("SELECT * FROM kvstore_FreePBX_modules_Voicemail")))

    def dump(self) -> tuple[object, ...]:
        """Everything that a write may touch."""
        with self.engine.connect() as connection:
            rows = [
                sorted(map(repr, connection.execute(text(f"SELECT * FROM {name}"))))
                for name in ("users", "devices", "sip", "admin", "queues_details", "findmefollow", "ringgroups")
            ]
        trees = [self.astdb.tree(family) for family in ("AMPUSER", "DEVICE", "CW", "CF", "DND", "CustomDevstate")]
        return rows, trees, self.conf.read_text()


@pytest.fixture
def world(tables: Engine, demo_ami: Client, tmp_path: Path) -> Iterator[World]:
    made = World(tables, demo_ami, tmp_path)
    yield made
    made.store.close()


def test_an_extension_needs_a_number_and_a_name_only(world: World) -> None:
    made = world.create().results[0].extension
    assert made is not None
    assert (made.extension, made.name, made.technology, made.context) == ("200", "Alice", "pjsip", "from-internal")
    assert made.secret is not None
    assert len(made.secret) == 32
    assert world.extensions.get("200") == made
    assert world.extensions.all() == (made,)


def test_two_extensions_are_not_given_one_secret(world: World) -> None:
    first, second = (world.create(number).results[0].extension for number in ("200", "201"))
    assert first and second and first.secret != second.secret


def test_a_change_asks_for_a_reload(world: World) -> None:
    world.create()
    with world.engine.connect() as connection:
        assert connection.execute(text("SELECT value FROM admin WHERE variable = 'need_reload'")).scalar() == "true"


def test_a_dry_run_tells_all_and_writes_nothing(world: World) -> None:
    before = world.dump()
    outcome = world.write("create", "200", Write(dry_run=True), extension="200", name="Alice", voicemail={})
    assert world.dump() == before
    assert {row.table for row in outcome.plan.rows} >= {"users", "devices", "sip", "admin"}
    assert KeyChange("AMPUSER", "200/cidname", None, "Alice") in outcome.plan.keys
    assert [change.file for change in outcome.plan.files] == [VOICEMAIL]
    assert outcome.plan.reload
    assert world.store.changes.open() == []


@pytest.mark.parametrize(
    ("number", "who"), [("400", "Support"), ("600", "All"), ("43", "Echo")], ids=["queue", "ring group", "feature code"]
)
def test_a_number_that_is_taken_is_a_conflict_that_says_by_whom(world: World, number: str, who: str) -> None:
    before = world.dump()
    with pytest.raises(Conflict, match=who):
        world.create(number)
    assert world.dump() == before


def test_a_number_is_not_given_twice(world: World) -> None:
    world.create()
    with pytest.raises(Conflict, match="200 exists"):
        world.create()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret", "a;b-cdefgh"), ("secret", ""), ("secret", "200200"), ("name", "A;B"), ("name", "x\ny"),
        ("name", "x" * 51), ("context", "default"), ("codecs", ["ulaw", "mp3"]), ("transport", "no-such"),
        ("technology", "iax2"), ("options", {"nope": "1"}), ("permit", "10.0.0.0/8"), ("caller_id", "x" * 51),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_or_used_is_refused_by_its_field_and_nothing_is_written(
    world: World, field: str, value: object
) -> None:
    before = world.dump()
    with pytest.raises(Invalid) as caught:
        world.write("create", "200", **{"extension": "200", "name": "Alice", field: value})
    assert list(caught.value.fields) == [field]
    assert world.dump() == before


def test_an_update_touches_what_was_sent_and_nothing_else(world: World) -> None:
    world.create(caller_id='"A" <555>', ring_time=20)
    before = world.extensions.get("200")
    world.write("update", "200", name="Alicia")
    assert world.extensions.get("200") == replace(before, name="Alicia")


def test_a_replacement_sets_what_was_not_sent_to_its_default_but_for_the_secret(world: World) -> None:
    world.create(caller_id='"A" <555>', ring_time=20, codecs=["alaw"])
    before = world.extensions.get("200")
    world.write("replace", "200", name="Alicia")
    after = world.extensions.get("200")
    assert after == replace(before, name="Alicia", caller_id=None, ring_time=0, codecs=())
    assert after.secret == before.secret


def test_an_update_that_changes_nothing_writes_nothing(world: World) -> None:
    world.create()
    outcome = world.write("update", "200", name="Alice")
    assert outcome.plan.empty
    assert not outcome.results[0].changed


@pytest.mark.parametrize("op", ["update", "replace", "delete"])
def test_what_is_not_there_cannot_be_changed(world: World, op: str) -> None:
    with pytest.raises(NotFound):
        world.write(op, "299")


def test_a_mailbox_comes_with_its_extension_and_the_rest_of_the_file_stays(world: World) -> None:
    world.create(voicemail={"password": "4321", "email": "a@example.com"})
    assert world.conf.read_text().startswith(CONF.rstrip("\n"))
    assert "200 => 4321,Alice,a@example.com,," in world.conf.read_text()
    box = world.extensions.get("200").voicemail
    assert box is not None
    assert (box.password, box.email) == ("4321", "a@example.com")
    assert world.astdb.get("AMPUSER", "200/voicemail") == "default"


def test_a_mailbox_goes_and_its_messages_stay_unless_told(world: World) -> None:
    world.create(voicemail={"password": "4321"})
    world.write("update", "200", voicemail=None)
    assert world.conf.read_text() == CONF
    assert world.astdb.get("AMPUSER", "200/voicemail") == "novm"
    assert (world.spool / "default/200").is_dir()


def test_a_mailbox_is_merged_by_an_update_and_whole_after_a_replacement(world: World) -> None:
    world.create(voicemail={"password": "4321", "email": "a@example.com", "options": {"tz": "central"}})
    world.write("update", "200", voicemail={"attach": True, "options": {"nextaftercmd": "yes"}})
    box = world.extensions.get("200").voicemail
    assert box is not None
    assert (box.password, box.email, box.attach) == ("4321", "a@example.com", True)
    assert dict(box.options) == {"tz": "central", "nextaftercmd": "yes"}
    world.write("update", "200", voicemail={"email": None, "options": {"tz": None}})
    box = world.extensions.get("200").voicemail
    assert box is not None
    assert (box.email, dict(box.options)) == (None, {"nextaftercmd": "yes"})
    world.write("replace", "200", name="Alice", voicemail={"email": "b@example.com"})
    box = world.extensions.get("200").voicemail
    assert box is not None
    assert (box.password, box.email, box.attach, dict(box.options)) == ("4321", "b@example.com", False, {})


@pytest.mark.parametrize("op", ["update", "replace"])
def test_a_mailbox_keeps_its_pin_when_null_is_sent(world: World, op: str) -> None:
    world.create(voicemail={"password": "4321"})
    world.write(op, "200", voicemail={"password": None, "email": "a@example.com"})
    box = world.extensions.get("200").voicemail
    assert box is not None
    assert (box.password, box.email) == ("4321", "a@example.com")


def test_a_mailbox_that_goes_takes_its_mapping_along(world: World) -> None:
    nothing = world.mappings()
    world.create(voicemail={"password": "4321"})
    assert len(world.mappings()) == len(nothing) + 1
    world.write("update", "200", voicemail=None)
    assert world.mappings() == nothing


@pytest.mark.parametrize("erase", [False, True])
def test_messages_go_with_the_extension_only_when_told(world: World, erase: bool) -> None:
    world.create(voicemail={"password": "4321"})
    outcome = world.write("delete", "200", Write(force=True, erase_messages=erase))
    assert (world.spool / "default/200").is_dir() is not erase
    assert bool(outcome.results[0].warnings) is not erase


def test_a_new_name_reaches_the_mailbox(world: World) -> None:
    world.create(voicemail={"password": "4321"})
    world.write("update", "200", name="Alicia")
    assert "200 => 4321,Alicia," in world.conf.read_text()


def test_a_delete_that_others_mention_is_a_conflict_that_lists_them(world: World) -> None:
    world.create()
    before = world.dump()
    with pytest.raises(Conflict, match=r"ring group 600 \(All\)"):
        world.write("delete", "200")
    assert world.dump() == before


def test_a_forced_delete_takes_all_that_is_its_own_and_nothing_of_others(world: World) -> None:
    nothing = world.dump()
    world.create(voicemail={"password": "4321"})
    with world.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO findmefollow (grpnum, strategy, grptime, grplist) VALUES ('200', 'hunt', 20, '200')")
        )
    for family, key in (("CF", "200"), ("DND", "200"), ("CF", "2001"), ("AMPUSER", "200/followme/ddial")):
        world.astdb.write([KeyChange(family, key, None, "YES")])
    world.write("delete", "200", Write(force=True))
    rows, trees, conf = world.dump()
    before, trees_before, conf_before = nothing
    members = [row for row in before[4] if "Local/200@" not in row]  # type: ignore[index]
    assert rows[4] == members  # type: ignore[index]
    assert [rows[place] for place in (0, 1, 2, 5, 6)] == [before[place] for place in (0, 1, 2, 5, 6)]  # type: ignore[index]
    assert trees[3] == {"2001": "YES"}  # type: ignore[index]
    assert (trees[0], trees[4], conf) == (trees_before[0], {}, conf_before)  # type: ignore[index]


def test_a_new_extension_is_rid_of_what_an_earlier_owner_left_but_keeps_its_seats_in_queues(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO findmefollow (grpnum, strategy, grptime, grplist) VALUES ('200', 'hunt', 20, '200')")
        )
    left = (("CF", "200"), ("DND", "200"), ("AMPUSER", "200/followme/ddial"), ("registrar", "contact/200;@1f"))
    for family, key in (*left, ("CF", "2001"), ("QPENALTY", "400/agents/200")):
        world.astdb.write([KeyChange(family, key, None, "YES")])
    before, _, _ = world.dump()
    shown = world.write("create", "200", Write(dry_run=True), extension="200", name="Alice").plan
    assert KeyChange("CF", "200", "YES", None) in shown.keys
    world.create()
    rows, _, _ = world.dump()
    assert [world.astdb.get(family, key) for family, key in left] == [None] * 4
    assert (world.astdb.get("CF", "2001"), world.astdb.get("QPENALTY", "400/agents/200")) == ("YES", "YES")
    assert (rows[4], rows[5]) == (before[4], [])  # type: ignore[index]


def test_a_batch_is_all_or_nothing_and_says_which_operation_was_at_fault(world: World) -> None:
    world.create("201", "Bob")
    before = world.dump()
    good = Operation("create", "202", {"extension": "202", "name": "Carol"})
    for bad in (
        Operation("create", "203", {"extension": "203", "name": "x\x00y"}),
        Operation("update", "201", {"secret": "a;b-cdefgh"}),
    ):
        with pytest.raises(Invalid) as caught:
            world.extensions.write([good, bad], Write())
        assert all(field.startswith("operations.1.") for field in caught.value.fields)
    with pytest.raises(Conflict):
        world.extensions.write([good, Operation("create", "400", {"extension": "400", "name": "D"})], Write())
    with pytest.raises(NotFound):
        world.extensions.write([good, Operation("delete", "299")], Write())
    assert world.dump() == before


def test_a_batch_creates_changes_and_deletes_in_one_change(world: World) -> None:
    world.create("201", "Bob")
    world.create("203", "Dave")
    outcome = world.extensions.write(
        [
            Operation("create", "202", {"extension": "202", "name": "Carol"}),
            Operation("update", "201", {"name": "Robert"}),
            Operation("delete", "203"),
        ],
        Write(force=True),
    )
    assert [(each.extension, each.name) for each in world.extensions.all()] == [("201", "Robert"), ("202", "Carol")]
    assert [(result.op, result.number) for result in outcome.results] == [
        ("create", "202"), ("update", "201"), ("delete", "203"),
    ]  # fmt: skip


def test_a_number_is_changed_once_in_a_batch(world: World) -> None:
    with pytest.raises(Invalid, match="only once"):
        world.extensions.write([Operation("create", "202", {"name": "A"}), Operation("delete", "202")], Write())


@pytest.mark.parametrize("op", ["create", "update", "replace", "delete"])
@pytest.mark.parametrize("fails", ["ping", "write", "half", "file"])
def test_whichever_step_fails_nothing_is_left(world: World, op: str, fails: str) -> None:
    if op != "create":
        world.create(voicemail={"password": "4321"})
    before = world.dump()
    world.astdb.fails = fails
    world.voicemail.fails = fails == "file"
    box = {"password": "9876"}
    values = {"create": {"name": "A", "voicemail": box}, "delete": {}}.get(op, {"name": "B", "voicemail": box})
    with pytest.raises(Unavailable):
        world.write(op, "200", Write(force=True), **values)
    world.astdb.fails = ""
    assert world.dump() == before
    assert [change.state for change in world.store.changes.open()] == []


def test_an_undo_that_fails_is_told_and_kept_in_the_journal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.voicemail.fails = True

    def lost(changes: object) -> None:
        raise Unavailable("gone", part="ami")

    monkeypatch.setattr(world.astdb, "put_back", lost)
    with pytest.raises(PbxError) as caught:
        world.create(voicemail={"password": "4321"})
    assert getattr(caught.value, "steps", None) == ["AstDB keys of AMPUSER, CW, DEVICE"]
    [left] = world.store.changes.open()
    assert (left.state, left.numbers) == (ABANDONED, ("200",))


def test_who_died_in_the_midst_is_named_by_the_next_writer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.store.changes.begin(["200"])
    world.create("201", "Bob")
    assert "a change of 200 was left half done" in caplog.text
    assert [change.state for change in world.store.changes.open()] == [ABANDONED]


def test_who_died_is_named_once_also_when_the_store_takes_no_writes(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.store.changes.begin(["200"])
    with world.store.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER t BEFORE UPDATE ON changes BEGIN SELECT RAISE(FAIL, 'full'); END")
    for _ in range(2):
        with pytest.raises(Unavailable):
            world.create("201", "Bob")
    with world.store.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER t")
    world.create("201", "Bob")
    assert caplog.text.count("a change of 200 was left half done") == 1


def test_what_a_screen_changed_meanwhile_is_not_lost(world: World) -> None:
    world.create()
    plan = world.write("update", "200", Write(dry_run=True), name="Alicia").plan
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE users SET name = 'By the screen' WHERE extension = '200'"))
    with world.changes.locked(), pytest.raises(Conflict, match="users 200"):
        world.changes.carry_out(["200"], plan)
    assert world.astdb.get("AMPUSER", "200/cidname") == "Alice"


def test_ten_writers_of_one_number_make_one_extension(world: World) -> None:
    outcomes: list[str] = []

    def create() -> None:
        try:
            world.create()
            outcomes.append("created")
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=create) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 9 + ["created"]
    with world.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM users WHERE extension = '200'")).scalar() == 1


def test_drift_names_what_differs_and_repair_puts_it_right(world: World) -> None:
    world.create(context="from-internal")
    world.astdb.write([
        KeyChange("AMPUSER", "200/cidname", "Alice", "Mallory"),
        KeyChange("AMPUSER", "200/device", "200", None),
        KeyChange("DEVICE", "200/dial", "PJSIP/200", "PJSIP/299"),
    ])  # fmt: skip
    with world.engine.begin() as connection:
        connection.execute(text("DELETE FROM sip WHERE id = '200' AND keyword = 'account'"))
    found = {each.place: (each.expected, each.found) for each in world.extensions.drift("200")}
    assert found.pop("asterisk") == ("an endpoint", None)
    assert found == {
        "astdb AMPUSER/200/cidname": ("Alice", "Mallory"),
        "astdb AMPUSER/200/device": ("200", None),
        "astdb DEVICE/200/dial": ("PJSIP/200", "PJSIP/299"),
        "sip account": ("200", None),
    }
    world.extensions.repair("200", Write())
    assert [each.place for each in world.extensions.drift("200")] == ["asterisk"]


def test_an_extension_that_was_just_made_does_not_drift(world: World) -> None:
    world.create(voicemail={"password": "4321"}, technology="sip", caller_id="<555>", emergency_caller_id="911")
    assert {each.place for each in world.extensions.drift("200")} <= {"asterisk"}


def test_an_exchange_with_devices_and_users_apart_is_only_read(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO freepbx_settings (keyword, value) VALUES ('AMPEXTENSIONS', 'deviceanduser')")
        )
    with pytest.raises(PbxError, match="deviceanduser"):
        world.create()


def test_a_plan_that_holds_a_pin_shows_it_nowhere(world: World) -> None:
    outcome = world.write(
        "create", "200", Write(dry_run=True), extension="200", name="A", voicemail={"password": "48151623"}
    )
    assert any(isinstance(change, FileChange) for change in outcome.plan.files)
    assert "48151623" not in repr(outcome)


def test_the_technology_that_an_extension_has_may_be_sent_along(world: World) -> None:
    world.create()
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE devices SET tech = 'iax2' WHERE id = '200'"))
    for op in ("update", "replace"):
        assert world.write(op, "200", technology="iax2", name="Bob").results[0].op == op
    with pytest.raises(Invalid) as refused:
        world.create("201", technology="iax2")
    assert list(refused.value.fields) == ["technology"]


def test_a_transport_is_looked_at_by_the_technology_that_is_to_be(world: World) -> None:
    world.create("200", technology="sip", transport="udp,tcp,tls")
    assert world.write("replace", "200", transport="udp,tcp,tls").plan.empty
    for values in ({"transport": "udp,carrier-pigeon"}, {"technology": "pjsip", "transport": "udp,tcp,tls"}):
        with pytest.raises(Invalid) as refused:
            world.write("update", "200", **values)
        assert list(refused.value.fields) == ["transport"]


def test_what_has_no_phone_gets_no_secret(world: World) -> None:
    world.create()
    with world.engine.begin() as connection:
        connection.execute(text("DELETE FROM devices"))
        connection.execute(text("DELETE FROM sip"))
    with pytest.raises(Invalid) as refused:
        world.write("update", "200", secret="Kq7-wie4zo")
    assert list(refused.value.fields) == ["secret"]
    assert world.write("update", "200", secret=None).plan.empty
