from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pbxapi.ami import Client, ClientConfig
from pbxapi.errors import Conflict, Inconsistent, Invalid, NotSupported
from pbxapi.pbx.plan import FileChange
from pbxapi.pbx.provisioning import Mailbox
from pbxapi.pbx.step import Step, run
from pbxapi.pbx.voicemail_file import VoicemailFile

CONF = """\
[general]
#include vm_general.inc
aliasescontext=pbxaliases

[default]
201=4321,Bob,bob@example.com,,attach=no|saycid=no|envelope=no|delete=no

[pbxaliases]
201@device=201@default
"""
BOX = Mailbox(password="8765", email="eve@example.com")


class Files:
    def __init__(self, folder: Path) -> None:
        self.conf = folder / "voicemail.conf"
        self.spool = folder / "spool"
        self.conf.write_text(CONF)
        (self.spool / "default/201/INBOX").mkdir(parents=True)
        # Nothing is connected: only `load` would.
        self.voicemail = VoicemailFile(str(self.conf), str(self.spool), Client(ClientConfig("127.0.0.1", 9, "", "")))

    def put(self, number: str, after: Mailbox | None, name: str = "Eve") -> tuple[FileChange, ...]:
        before = self.voicemail.mailboxes().get(("default", number))
        return self.voicemail.plan_put(number, before, after, name)

    def step(self, number: str, after: Mailbox | None, name: str = "Eve") -> Step:
        return self.voicemail.step(self.put(number, after, name))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def foreign(files: Files, text: str, *, anew: bool = False) -> Callable[[int], None]:
    """What somebody else does in the moment between our reading and our writing: the temporary file is being synced.

    They write into the file, or put a new one in its place.
    """
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        synced(descriptor)
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and text not in files.conf.read_text():
            there = files.conf.read_text()
            if anew:
                files.conf.rename(files.spool / "old.conf")
            files.conf.write_text(there + text)

    return fsync


def test_a_box_comes_with_its_alias_and_goes_with_it(files: Files) -> None:
    coming = files.put("202", BOX)
    assert [change.section for change in coming] == ["default", "pbxaliases"]
    files.voicemail.step(coming).do()
    assert files.voicemail.mailboxes()["default", "202"] == BOX
    assert files.conf.read_text().endswith("201@device=201@default\n202@device=202@default\n")
    files.step("202", None).do()
    assert files.conf.read_text() == CONF


def test_a_plan_says_only_what_changes(files: Files) -> None:
    old = files.voicemail.mailboxes()["default", "201"]
    assert files.put("201", old, "Bob") == ()
    [change] = files.put("201", old, "Robert")
    assert change.before[0].replace("Bob,", "Robert,") == change.after[0]
    assert "4321" not in repr(change)


def test_a_box_moves_to_another_context(files: Files) -> None:
    old = files.voicemail.mailboxes()["default", "201"]
    files.step("201", Mailbox(context="sales", password=old.password), "Bob").do()
    assert set(files.voicemail.mailboxes()) == {("sales", "201")}
    assert "201@device=201@sales\n" in files.conf.read_text()


def test_an_alias_that_is_right_or_of_another_box_stays(files: Files) -> None:
    files.conf.write_text(CONF.replace("201@device=201@default", "201@device => 201@default\n203@device=9203@default"))
    old = files.voicemail.mailboxes()["default", "201"]
    assert [change.section for change in files.put("201", old, "Robert")] == ["default"]
    files.step("203", BOX).do()
    assert "\n203@device=203@default\n" in files.conf.read_text()
    files.conf.write_text(files.conf.read_text().replace("=203@default", "=9203@default"))
    assert [change.section for change in files.put("203", None)] == ["default"]


def test_a_box_that_nobody_has_is_taken_over(files: Files) -> None:
    [change] = files.voicemail.plan_put("201", None, BOX, "Eve")
    files.voicemail.step([change]).do()
    assert files.voicemail.mailboxes() == {("default", "201"): BOX}


def test_a_box_that_was_changed_meanwhile_is_a_conflict(files: Files) -> None:
    old = files.voicemail.mailboxes()["default", "201"]
    step = files.step("201", None)
    files.conf.write_text(CONF.replace("4321", "9999"))
    with pytest.raises(Conflict):
        step.do()
    with pytest.raises(Conflict):
        files.voicemail.plan_put("201", old, None, "Bob")
    assert files.conf.read_text() == CONF.replace("4321", "9999")


@pytest.mark.parametrize("context", ["general", "zonemessages", "pbxaliases", "device", "..", "a/b", "a]", ""])
def test_a_context_that_can_hold_no_boxes_is_refused(files: Files, context: str) -> None:
    with pytest.raises(Invalid):
        files.put("202", Mailbox(context=context, password="1"))
    with pytest.raises(Invalid):
        files.voicemail.erase("201", context)


def test_what_is_undone_is_byte_for_byte_what_it_was(files: Files) -> None:
    before = CONF.replace("[default]\n", "[default]\n; ours\n100 => 1,First\n", 1)
    files.conf.write_text(before)
    step = files.step("100", None)
    step.do()
    assert "100" not in files.conf.read_text()
    step.undo()
    assert files.conf.read_text() == before


def test_undoing_keeps_what_others_have_written_since(files: Files) -> None:
    step = files.step("201", Mailbox(password="1"))
    step.do()
    files.conf.write_text(files.conf.read_text().replace("[pbx", "203=7,Zoe\n[pbx"))
    step.undo()
    assert files.conf.read_text() == CONF.replace("[pbx", "203=7,Zoe\n[pbx")


def test_undoing_what_was_not_done_changes_nothing(files: Files) -> None:
    files.step("201", None).undo()
    assert files.conf.read_text() == CONF


def test_a_box_that_others_removed_first_does_not_come_back(files: Files) -> None:
    step = files.step("201", None)
    theirs = "[general]\n[default]\n"
    files.conf.write_text(theirs)
    with pytest.raises(Conflict):
        run([step])
    assert files.conf.read_text() == theirs


def test_a_line_that_others_wrote_first_is_a_conflict_and_not_half_done(files: Files) -> None:
    step = files.step("201", BOX)
    theirs = files.conf.read_text().replace("\n201=", "\n201 = ")
    assert theirs != CONF
    files.conf.write_text(theirs)
    with pytest.raises(Conflict):
        run([step])
    assert files.conf.read_text() == theirs


def test_what_cannot_be_undone_is_told(files: Files) -> None:
    def fail() -> None:
        files.conf.write_text(files.conf.read_text().replace("8765", "1"))
        raise Conflict("another step")

    with pytest.raises(Inconsistent) as left:
        run([files.step("201", BOX), Step("fails", fail, lambda: None)])
    assert left.value.steps == ["voicemail.conf"]


def test_owner_group_and_mode_stay(files: Files) -> None:
    files.conf.chmod(0o664)
    if os.geteuid() == 0:
        os.chown(files.conf, 1234, 4321)
    before = files.conf.stat()
    files.step("202", BOX).do()
    after = files.conf.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert after.st_ino != before.st_ino


def test_a_link_stays_and_what_it_points_to_is_written(files: Files) -> None:
    target = files.conf.with_name("elsewhere") / "vm.conf"
    target.parent.mkdir()
    files.conf.rename(target)
    files.conf.symlink_to("elsewhere/vm.conf")
    files.step("202", BOX).do()
    assert files.conf.is_symlink()
    assert "202=8765" in target.read_text()
    assert [path.name for path in target.parent.iterdir()] == ["vm.conf"]


@pytest.mark.parametrize("anew", [False, True])
def test_what_others_write_meanwhile_is_kept(files: Files, monkeypatch: pytest.MonkeyPatch, *, anew: bool) -> None:
    monkeypatch.setattr(os, "fsync", foreign(files, "; theirs\n", anew=anew))
    files.step("202", BOX).do()
    assert "; theirs\n" in files.conf.read_text()
    assert "202=8765" in files.conf.read_text()
    assert sorted(path.name for path in files.conf.parent.iterdir()) == ["spool", "voicemail.conf"]


def test_what_others_write_into_the_old_file_while_it_is_replaced_is_kept(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They opened it before, and write after our last look."""
    renamed, theirs = Path.rename, files.conf.open("a")

    def rename(path: Path, target: Path) -> Path:
        if not theirs.closed:
            theirs.write("; theirs\n")
            theirs.close()
        return renamed(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    files.step("202", BOX).do()
    assert "; theirs\n" in files.conf.read_text()
    assert "202=8765" in files.conf.read_text()


def test_a_box_that_others_write_meanwhile_is_a_conflict(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.conf.write_text("[default]\n")
    step, before = files.step("202", BOX), files.conf.stat().st_ino
    monkeypatch.setattr(os, "fsync", foreign(files, "202=1,Mallory\n"))
    with pytest.raises(Conflict):
        step.do()
    assert files.conf.read_text() == "[default]\n202=1,Mallory\n"
    assert files.conf.stat().st_ino == before, "theirs was replaced for a while"


def test_nothing_is_left_of_a_write_that_fails(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    step = files.step("202", BOX)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="cannot be read or written now"):
        step.do()
    assert files.conf.read_text() == CONF
    assert sorted(path.name for path in files.conf.parent.iterdir()) == ["spool", "voicemail.conf"]


def test_without_a_file_there_is_a_reason(files: Files) -> None:
    assert files.voicemail.why_not() is None
    files.conf.unlink()
    assert files.voicemail.why_not() == "There is no voicemail.conf where it is looked for."
    with pytest.raises(NotSupported):
        files.voicemail.mailboxes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("folder", "file", "reason"),
    [(0o755, 0o666, "folder"), (0o777, 0o600, "may not read"), (0o777, 0o644, "its owner")],
)
def test_who_may_not_write_is_told_so(folder: int, file: int, reason: str) -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        files = Files(Path(open_to_all))
        files.conf.parent.chmod(folder)
        files.conf.chmod(file)
        os.seteuid(65534)
        try:
            assert reason in str(files.voicemail.why_not())
        finally:
            os.seteuid(0)


def test_messages_go_for_good_and_only_these(files: Files) -> None:
    (files.spool / "default/201/INBOX/msg0000.wav").write_bytes(b"x")
    (files.spool / "default/202").mkdir()
    files.voicemail.erase("201", "default")
    files.voicemail.erase("201", "default")
    files.voicemail.erase("201", "sales")
    assert [path.name for path in (files.spool / "default").iterdir()] == ["202"]


def test_messages_behind_a_link_stay(files: Files, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "202").mkdir(parents=True)
    (files.spool / "default/202").symlink_to(elsewhere / "202")
    (files.spool / "sales").symlink_to(elsewhere)
    for context in ("default", "sales"):
        with pytest.raises(OSError):
            files.voicemail.erase("202", context)
    (files.spool / "default/201/INBOX/old").symlink_to(elsewhere)
    files.voicemail.erase("201", "default")
    assert (elsewhere / "202").is_dir()


def test_a_device_has_its_box_by_a_link(files: Files) -> None:
    link = files.spool / "device/201"
    for _ in range(2):
        files.voicemail.link("201", "default")
        assert link.readlink() == Path("../default/201")
        assert (link / "INBOX").is_dir()
    for _ in range(2):
        files.voicemail.unlink("201")
        assert not link.is_symlink()
    link.mkdir()
    files.voicemail.unlink("201")
    assert link.is_dir()


def test_new_pins_are_digits_and_differ(files: Files) -> None:
    pins = {files.voicemail.new_password() for _ in range(20)}
    assert len(pins) > 1
    assert all(len(pin) == 6 and pin.isdigit() for pin in pins)
