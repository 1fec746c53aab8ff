"""A box written to voicemail.conf, as Asterisk itself sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pbxapi.ami import Client, ClientConfig
from pbxapi.pbx.provisioning import Mailbox
from pbxapi.pbx.voicemail_file import VoicemailFile
from tests.real.asterisk import Asterisk
from tests.real.deadline import eventually
from tests.real.raw_manager import RawManager

BOX = Mailbox(password="4711", email="eve@example.com,eve@example.org", delete=True, options={"tz": "eastern"})


@pytest.fixture
def ami(asterisk: Asterisk) -> Iterator[Client]:
    """As the user with the rights that the documentation asks for, and no others."""
    client = Client(ClientConfig(port=asterisk.ports.ami, username="least", secret="least-secret"))
    yield client
    client.close()


@pytest.fixture
def voicemail(asterisk: Asterisk, ami: Client) -> Iterator[VoicemailFile]:
    conf = asterisk.folder / "etc/voicemail.conf"
    before = conf.read_bytes()
    conf.write_bytes(before.replace(b"[default]", b"aliasescontext = pbxaliases\n\n[pbxaliases]\n\n[default]"))
    file = VoicemailFile(str(conf), str(asterisk.folder / "spool/voicemail"), ami)
    yield file
    conf.write_bytes(before)
    file.load()


@pytest.fixture
def boxes(asterisk: Asterisk) -> Iterator[Callable[[], dict[str, dict[str, str]]]]:
    """What Asterisk knows of each box, by `number@context`."""
    with RawManager(asterisk.ports.ami) as manager:

        def ask() -> dict[str, dict[str, str]]:
            rows = manager.ask("VoicemailUsersList")
            return {f"{row['VoiceMailbox']}@{row['VMContext']}": row for row in rows if "VoiceMailbox" in row}

        yield ask


def test_a_box_is_there_after_a_reload_changes_and_goes(
    voicemail: VoicemailFile, boxes: Callable[[], dict[str, dict[str, str]]], asterisk: Asterisk
) -> None:
    voicemail.step(voicemail.plan_put("201", None, BOX, "Eve B.")).do()
    assert "201@default" not in boxes()
    voicemail.load()
    box = eventually(lambda: boxes().get("201@default", {}), "the new box")
    assert {name: box[name] for name in ("Fullname", "TimeZone", "DeleteMessage", "AttachMessage")} == {
        "Fullname": "Eve B.", "TimeZone": "eastern", "DeleteMessage": "Yes", "AttachMessage": "No",
    }  # fmt: skip
    assert box["Email"] == "eve@example.com|eve@example.org"

    voicemail.step(voicemail.plan_put("201", BOX, None, "Eve B.")).do()
    voicemail.load()
    eventually(lambda: "201@default" not in boxes(), "the box is gone")
    assert "100@default" in boxes()


def test_the_alias_counts_the_messages_of_the_box(voicemail: VoicemailFile, asterisk: Asterisk, ami: Client) -> None:
    voicemail.step(voicemail.plan_put("201", None, BOX, "Eve")).do()
    voicemail.load()
    _leave_message(asterisk.folder / "spool/voicemail/default/201")
    with RawManager(asterisk.ports.ami) as manager:

        def count() -> str:
            return manager.ask("MailboxCount", Mailbox="201@device")[0]["NewMessages"]

        assert eventually(lambda: count() == "1", "one message for the device")
        voicemail.erase("201", "default")
        assert count() == "0"


def test_the_link_counts_the_messages_of_the_box(voicemail: VoicemailFile, asterisk: Asterisk) -> None:
    """An Asterisk that has no aliases, or a file without them, goes by the folders alone."""
    _leave_message(asterisk.folder / "spool/voicemail/default/202")
    with RawManager(asterisk.ports.ami) as manager:
        assert manager.ask("MailboxCount", Mailbox="202@device")[0]["NewMessages"] == "0"
        voicemail.link("202", "default")
        assert manager.ask("MailboxCount", Mailbox="202@device")[0]["NewMessages"] == "1"
    voicemail.unlink("202")
    voicemail.erase("202", "default")


def _leave_message(folder: Path) -> None:
    (folder / "INBOX").mkdir(parents=True)
    (folder / "INBOX/msg0000.txt").write_text("")
    (folder / "INBOX/msg0000.wav").write_bytes(b"")
