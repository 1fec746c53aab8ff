from __future__ import annotations

import errno
import os
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pbxapi.ami import Client
from pbxapi.errors import Conflict, Inconsistent, NotFound, NotSupported, Unavailable, VoicemailNotPermitted
from pbxapi.pbx import voicemail_lock
from pbxapi.pbx import voicemail_moves as moves
from pbxapi.pbx.spool_voicemail import SpoolVoicemail
from pbxapi.pbx.voicemail import VoicemailMessage
from pbxapi.pbx.voicemail_spool import Box, Found
from tests.things_recordings import SOUND
from tests.things_voicemail import RECEIVED, VoicemailManager, put_message, text


@dataclass
class Exchange:
    manager: VoicemailManager
    client: Client
    voicemail: SpoolVoicemail
    box: Path

    def put(self, number: int, folder: str = "INBOX", **how: object) -> str:
        return put_message(self.box / folder, number, **how)  # type: ignore[arg-type]

    def files(self) -> list[str]:
        return sorted(str(each.relative_to(self.box)) for each in self.box.rglob("*") if not each.is_dir())

    def where(self) -> dict[str, str]:
        return {each.id: each.folder for each in self.voicemail.messages("100")}


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    spool = tmp_path / "voicemail"
    with VoicemailManager(spool) as manager:
        client = manager.client()
        yield Exchange(manager, client, SpoolVoicemail(str(spool), client, UTC, 0), spool / "default/100")
        client.close()


def agreed(_: VoicemailMessage) -> None:
    """Whatever the message is."""


# -- reading ---------------------------------------------------------------------------------------------------------


def test_a_box_is_told_with_what_each_folder_holds(exchange: Exchange) -> None:
    exchange.put(0)
    exchange.put(1, "Urgent", flag="Urgent")
    exchange.put(2, "Old")
    exchange.put(3, "Work")
    (exchange.box / "Deleted").mkdir()
    found = exchange.voicemail.get("100")
    assert (found.mailbox, found.context, found.name) == ("100", "default", "Ana")
    assert found.email == "ana@example.com,a@example.org"
    assert (found.new, found.old, found.urgent) == (2, 1, 1)
    assert found.folders == {"INBOX": 1, "Old": 1, "Work": 1, "Urgent": 1}
    assert exchange.voicemail.all().value[0] == found


def test_all_boxes_cost_one_question(exchange: Exchange) -> None:
    every = exchange.voicemail.all().value
    assert [(each.context, each.mailbox) for each in every] == [("default", "100"), ("sales", "100")]
    assert [action.name for action in exchange.manager.actions] == ["VoicemailUsersList"]


def test_a_box_without_messages_and_one_of_another_context(exchange: Exchange) -> None:
    put_message(exchange.manager.spool / "sales/100/INBOX", 7)
    assert exchange.voicemail.messages("100") == ()
    [message] = exchange.voicemail.messages("100@sales")
    assert (message.mailbox, message.context) == ("100", "sales")
    assert exchange.voicemail.get("100").folders == {}


def test_a_message_tells_what_asterisk_wrote(exchange: Exchange) -> None:
    name = exchange.put(0)
    exchange.put(1, "Urgent")
    newest, message = exchange.voicemail.messages("100")
    assert message.id == name
    assert (message.caller.number, message.caller.name) == ("101", "Bruno")
    assert message.received_at == datetime.fromtimestamp(RECEIVED, UTC)
    assert (message.format, message.media_type, message.size) == ("wav", "audio/wav", len(SOUND))
    assert (message.read, message.urgent, newest.urgent, newest.read) == (False, False, True, False)
    assert exchange.voicemail.messages("100", "INBOX") == (message,)
    assert exchange.voicemail.message("100", name) == message


@pytest.mark.parametrize(
    ("endings", "form", "media_type"),
    [("gsm WAV", "wav49", "audio/wav"), ("gsm", "gsm", "audio/x-gsm"), ("mp3 WAV wav", "wav", "audio/wav"),
     ("", None, None), ("exe", None, None)],
)  # fmt: skip
def test_the_best_sound_is_the_one_to_play(
    exchange: Exchange, endings: str, form: str | None, media_type: str | None
) -> None:
    name = exchange.put(0, endings=endings)
    message = exchange.voicemail.message("100", name)
    assert (message.format, message.media_type) == (form, media_type)
    if form is None:
        with pytest.raises(NotFound, match="no sound"):
            exchange.voicemail.open("100", name)
        return
    with exchange.voicemail.open("100", name).file as file:
        assert file.read() == SOUND


def test_the_name_of_a_file_to_save_tells_box_and_time(exchange: Exchange) -> None:
    opened = exchange.voicemail.open("100", exchange.put(0))
    opened.file.close()
    assert opened.name == "voicemail-100-20261123-080033.wav"


def test_messages_kept_elsewhere_are_not_told_as_none(exchange: Exchange) -> None:
    exchange.manager.elsewhere = 3
    with pytest.raises(NotSupported, match="IMAP or ODBC"):
        exchange.voicemail.messages("100")


def test_copies_of_a_message_have_ids_of_their_own(exchange: Exchange) -> None:
    name = exchange.put(0)
    exchange.put(0, "Work")
    one, other = exchange.voicemail.messages("100")
    assert one.id != other.id
    assert one.id.startswith(name)
    exchange.voicemail.delete("100", one.id, agreed)
    assert exchange.where() == {name: other.folder}


@pytest.mark.parametrize(
    "mailbox",
    ["999", "", "..", "100@..", "../100", "100@default/..", "100@", "@default", ".", "100\n", "100@default\0",
     "default/100", "1" * 200],
)  # fmt: skip
def test_no_other_box_is_there_and_no_path_is_one(exchange: Exchange, mailbox: str) -> None:
    exchange.put(0)
    for ask in (exchange.voicemail.messages, exchange.voicemail.get):
        with pytest.raises(NotFound):
            ask(mailbox)


@pytest.mark.parametrize("linked", ["", "INBOX", "INBOX/msg0000.txt", "INBOX/msg0000.wav"])
def test_no_link_below_the_spool_is_followed(exchange: Exchange, tmp_path: Path, linked: str) -> None:
    name = exchange.put(0, endings="wav")
    place = exchange.box / linked if linked else exchange.box
    outside = tmp_path / "outside"
    place.rename(outside)
    place.symlink_to(outside)
    if linked.endswith(".wav"):
        assert exchange.voicemail.message("100", name).format is None
        with pytest.raises(NotFound):
            exchange.voicemail.open("100", name)
        return
    if linked.endswith(".txt"):
        assert exchange.voicemail.messages("100") == ()
    else:
        # Asterisk, which does follow it, counts a message that is not there for us.
        with pytest.raises(NotSupported):
            exchange.voicemail.messages("100")
    with pytest.raises(NotFound):
        exchange.voicemail.delete("100", name, agreed)
    assert outside.exists()


def test_what_is_no_message_is_passed_over(exchange: Exchange) -> None:
    name = exchange.put(0)
    inbox = exchange.box / "INBOX"
    (inbox / "msg0001.wav").write_bytes(SOUND)
    (inbox / "msg0002.txt").mkdir()
    os.mkfifo(inbox / "msg0003.txt")
    (inbox / "msg12.txt").write_text(text(4))
    (inbox / "greet.txt").write_text(text(5))
    assert exchange.where() == {name: "INBOX"}
    (inbox / "msg0004.txt").write_bytes(b"\xff" * 1_000_000)
    assert len(exchange.where()) == 2


# -- writing ---------------------------------------------------------------------------------------------------------


def test_marking_goes_to_old_and_back_with_every_file(exchange: Exchange) -> None:
    name = exchange.put(0, endings="wav gsm wav.bak")
    heard = exchange.voicemail.mark("100", name, read=True, check=agreed)
    assert (heard.folder, heard.read, heard.id) == ("Old", True, name)
    assert exchange.files() == [f"Old/msg0000.{each}" for each in ("gsm", "txt", "wav", "wav.bak")]
    assert exchange.voicemail.mark("100", name, read=False, check=agreed).folder == "INBOX"
    assert exchange.files() == [f"INBOX/msg0000.{each}" for each in ("gsm", "txt", "wav", "wav.bak")]


def test_an_urgent_one_goes_back_to_the_urgent_ones(exchange: Exchange) -> None:
    name = exchange.put(0, "Urgent", flag="Urgent")
    assert exchange.voicemail.mark("100", name, read=True, check=agreed).folder == "Old"
    assert exchange.voicemail.mark("100", name, read=False, check=agreed).folder == "Urgent"


@pytest.mark.parametrize(("folder", "read"), [("INBOX", False), ("Urgent", False), ("Old", True), ("Work", True)])
def test_what_is_so_already_stays(exchange: Exchange, folder: str, read: bool) -> None:
    name = exchange.put(0, folder)
    before = exchange.files()
    assert exchange.voicemail.mark("100", name, read=read, check=agreed).folder == folder
    assert exchange.files() == before
    assert exchange.manager.refreshed == []


def test_asterisk_counts_before_and_after_so_that_lamps_follow(exchange: Exchange) -> None:
    name = exchange.put(0)
    exchange.voicemail.mark("100", name, read=True, check=agreed)
    assert exchange.manager.refreshed == [(1, 0), (0, 1)]
    exchange.voicemail.move("100", name, "Work", agreed)
    exchange.manager.refreshed.clear()
    exchange.voicemail.move("100", name, "Family", agreed)
    assert exchange.manager.refreshed == []


def test_lamps_that_may_not_be_told_are_no_reason_to_fail(exchange: Exchange) -> None:
    name = exchange.put(0)
    exchange.manager.on(
        "VoicemailRefresh",
        lambda session, action: session.answer(action, "Message: Permission denied", response="Error"),
    )
    exchange.voicemail.delete("100", name, agreed)
    assert exchange.files() == []


def test_a_message_keeps_its_files_and_a_new_folder_is_like_the_first(exchange: Exchange) -> None:
    name = exchange.put(0)
    (exchange.box / "INBOX").chmod(0o2770)
    before = (exchange.box / "INBOX/msg0000.wav").stat()
    exchange.voicemail.move("100", name, "Cust5", agreed)
    after = (exchange.box / "Cust5/msg0000.wav").stat()
    assert (before.st_ino, before.st_mode, before.st_mtime_ns) == (after.st_ino, after.st_mode, after.st_mtime_ns)
    made = (exchange.box / "Cust5").stat()
    assert stat.S_IMODE(made.st_mode) == 0o2770


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_folder_that_root_makes_is_asterisks(exchange: Exchange) -> None:
    name = exchange.put(0)
    os.chown(exchange.box / "INBOX", 4711, 4712)
    exchange.voicemail.move("100", name, "Old", agreed)
    made = (exchange.box / "Old").stat()
    assert (made.st_uid, made.st_gid) == (4711, 4712)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_folder_that_one_of_the_group_makes_asterisk_can_write_to(exchange: Exchange) -> None:
    exchange.put(0)
    for folder in (exchange.box, exchange.box / "INBOX"):
        os.chown(folder, 4711, 4712)
    exchange.box.chmod(0o775)
    handle = os.open(exchange.box, os.O_RDONLY)
    with warnings.catch_warnings():
        # The manager's thread, which the child has not, holds nothing that it needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        try:
            os.setgroups([4712])
            os.setgid(4713)
            os.setuid(4714)
            with moves.holding(Box(handle), {"Old"}):
                os._exit(0)
        finally:
            os._exit(1)
    os.close(handle)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    made = (exchange.box / "Old").stat()
    assert (made.st_uid, made.st_gid, stat.S_IMODE(made.st_mode)) == (4714, 4712, 0o775)


def test_nothing_that_lies_there_is_overwritten(exchange: Exchange) -> None:
    name = exchange.put(0)
    exchange.put(1, "Old", name=0)
    (exchange.box / "Old/msg0001.wav").write_bytes(b"a sound without a text")
    exchange.voicemail.move("100", name, "Old", agreed)
    assert "Old/msg0002.txt" in exchange.files()
    assert (exchange.box / "Old/msg0001.wav").read_bytes() == b"a sound without a text"


def test_a_folder_holds_no_more_than_asterisk_reads(exchange: Exchange) -> None:
    exchange.manager.most = 2
    name = exchange.put(0)
    exchange.put(1, "Old", name=1)
    assert exchange.voicemail.move("100", name, "Old", agreed).folder == "Old"
    assert "Old/msg0000.txt" in exchange.files(), "the gap is used, since the highest number is taken"
    left = exchange.put(2)
    with pytest.raises(Conflict, match="full"):
        exchange.voicemail.move("100", left, "Old", agreed)
    assert exchange.where()[left] == "INBOX"


def test_what_is_left_is_numbered_anew(exchange: Exchange) -> None:
    first, second, third = (exchange.put(number) for number in range(3))
    exchange.voicemail.delete("100", first, agreed)
    assert [each for each in exchange.files() if each.endswith("txt")] == ["INBOX/msg0000.txt", "INBOX/msg0001.txt"]
    assert set(exchange.where()) == {second, third}
    exchange.voicemail.move("100", second, "Old", agreed)
    assert [each for each in exchange.files() if each.endswith("txt")] == ["INBOX/msg0000.txt", "Old/msg0000.txt"]


@pytest.mark.parametrize(
    ("application", "data", "waits"),
    [
        ("VoiceMailMain", "100@default,s", True),
        ("VoiceMailMain", "", True),
        ("VoiceMailMain", "@default", True),
        ("VoiceMail", "u100@default", True),
        ("VoiceMail", "200@default&100@default,us", True),
        ("VoiceMailMain", "200@default", False),
        ("Dial", "PJSIP/100", False),
    ],
)
def test_numbers_stay_while_somebody_may_be_in_the_box(
    exchange: Exchange, application: str, data: str, waits: bool
) -> None:
    """What he deletes is deleted by its number when he hangs up."""
    exchange.manager.channels.append((application, data))
    first = exchange.put(0)
    exchange.put(1)
    exchange.voicemail.delete("100", first, agreed)
    assert exchange.files()[-1] == f"INBOX/msg000{1 if waits else 0}.wav"


def test_who_objects_keeps_the_message_where_it_is(exchange: Exchange) -> None:
    name = exchange.put(0)

    def object_to(message: VoicemailMessage) -> None:
        raise Conflict(message.folder)

    before = exchange.files()
    for write in (
        lambda: exchange.voicemail.mark("100", name, read=True, check=object_to),
        lambda: exchange.voicemail.move("100", name, "Work", object_to),
        lambda: exchange.voicemail.delete("100", name, object_to),
    ):
        with pytest.raises(Conflict, match="INBOX"):
            write()
    assert exchange.files() == before


def test_a_message_that_was_moved_meanwhile_is_found_again(exchange: Exchange) -> None:
    first, second = exchange.put(0), exchange.put(1)
    once = iter([True])

    def moved(_: VoicemailMessage) -> None:
        if next(once, False):
            exchange.voicemail.delete("100", first, agreed)

    exchange.voicemail.mark("100", second, read=True, check=moved)
    assert exchange.where() == {second: "Old"}


def test_a_message_that_nobody_saw_on_its_way_is_found(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    name = exchange.put(0)
    usual, seen = Box.messages, [list[Found](), list[Found]()]
    monkeypatch.setattr(Box, "messages", lambda box: seen.pop() if seen else usual(box))
    assert exchange.voicemail.message("100", name).folder == "INBOX"


def test_many_at_once_lose_nothing(exchange: Exchange) -> None:
    ids = [exchange.put(number) for number in range(12)]
    errors: list[Exception] = []

    def work(mine: list[str]) -> None:
        try:
            for name in mine:
                exchange.voicemail.mark("100", name, read=True, check=agreed)
                exchange.voicemail.move("100", name, "Work", agreed)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(ids[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [error for error in errors if not isinstance(error, Conflict)] == []
    assert set(exchange.where()) == set(ids)
    assert not [each for each in exchange.files() if "lock" in each]


def test_while_asterisk_has_the_folder_nothing_is_written(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voicemail_lock, "PATIENCE", 0.05)
    name = exchange.put(0)
    (exchange.box / "INBOX/.lock").touch()
    before = exchange.files()
    with pytest.raises(Unavailable) as caught:
        exchange.voicemail.delete("100", name, agreed)
    assert caught.value.part == "voicemail"
    assert exchange.files() == before


# -- faults ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the system refuse a call from the so-manieth time on, so many times."""

    def fail(name: str, after: int, times: int = 1, code: int = errno.EIO) -> None:
        real, done = getattr(os, name), [0]

        def refusing(path: str, *more: object, **how: object) -> object:
            if str(path).startswith("msg"):
                done[0] += 1
                if after < done[0] <= after + times:
                    raise OSError(code, "refused")
            return real(path, *more, **how)

        monkeypatch.setattr(os, name, refusing)

    return fail


def test_a_move_that_fails_is_undone(exchange: Exchange, failing: Callable[..., None]) -> None:
    name = exchange.put(0)
    before = exchange.files()
    failing("rename", 2)
    with pytest.raises(Unavailable):
        exchange.voicemail.move("100", name, "Old", agreed)
    assert exchange.files() == before


def test_a_move_that_cannot_be_undone_says_so(exchange: Exchange, failing: Callable[..., None]) -> None:
    name = exchange.put(0)
    failing("rename", 2, times=2)
    with pytest.raises(Inconsistent) as caught:
        exchange.voicemail.move("100", name, "Old", agreed)
    assert caught.value.steps == ["moved: gsm", "moved: wav"]
    assert len([each for each in exchange.files() if "msg" in each]) == 3, "no file is lost"


def test_a_message_that_is_deleted_in_part_says_so_and_can_be_deleted_again(
    exchange: Exchange, failing: Callable[..., None]
) -> None:
    name = exchange.put(0)
    failing("unlink", 1)
    with pytest.raises(Inconsistent):
        exchange.voicemail.delete("100", name, agreed)
    assert exchange.where() == {name: "INBOX"}
    exchange.voicemail.delete("100", name, agreed)
    assert exchange.files() == []


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_files_that_are_not_ours_to_write_say_so(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    name = exchange.put(0)
    real = os.open

    def refusing(path: str, flags: int, *more: object, **how: object) -> int:
        if flags & os.O_CREAT:
            raise OSError(code, "refused")
        return real(path, flags, *more, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(VoicemailNotPermitted, match="group"):
        exchange.voicemail.delete("100", name, agreed)
    assert len(exchange.files()) == 3


def test_folders_that_cannot_be_read_leave_the_counts(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange.put(0)

    def refusing(_: object) -> list[str]:
        raise PermissionError(errno.EACCES, "refused")

    monkeypatch.setattr(os, "listdir", refusing)
    found = exchange.voicemail.all().value[0]
    assert (found.new, found.urgent, found.folders) == (1, None, None)
    with pytest.raises(VoicemailNotPermitted):
        exchange.voicemail.messages("100")


def test_an_asterisk_without_voicemail_has_none(exchange: Exchange) -> None:
    exchange.manager.on(
        "VoicemailUsersList",
        lambda session, action: session.answer(
            action, "Message: Invalid/unknown command: VoicemailUsersList. Use Action: ListCommands to show.",
            response="Error",
        ),
    )  # fmt: skip
    with pytest.raises(NotSupported, match="app_voicemail"):
        exchange.voicemail.all()
