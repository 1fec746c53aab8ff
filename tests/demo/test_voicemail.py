"""Voicemail of the demo: messages as files, and what the manager says of them."""

from __future__ import annotations

import wave
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pbxapi.demo.exchange import DemoExchange
from pbxapi.demo.history import make_history
from pbxapi.demo.platform import DemoPlatform
from pbxapi.demo.voicemail_spool import Left, keep
from tests.demo.manager import Manager

LEFT = Left(1795377006, 4, "01632960001", "Zoe Fox", "PJSIP/trunk-00000001")


@pytest.fixture
def platform(exchange: DemoExchange, tmp_path: Path) -> DemoPlatform:
    return exchange.provide(tmp_path)


def counts(manager: Manager, mailbox: str) -> list[str]:
    answer = manager.ask("MailboxCount", Mailbox=mailbox)[0]
    return [answer.get(name) for name in ("UrgMessages", "NewMessages", "OldMessages")]


def test_a_message_is_a_text_and_a_sound_behind_those_that_are_there(tmp_path: Path) -> None:
    for number in range(2):
        keep(tmp_path, "100", LEFT, number)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "msg0000.txt", "msg0000.wav", "msg0001.txt", "msg0001.wav",
    ]  # fmt: skip
    with wave.open(str(tmp_path / "msg0001.wav"), "rb") as sound:
        assert sound.getnframes() / sound.getframerate() == 4
    lines = (tmp_path / "msg0001.txt").read_text().splitlines()
    assert lines[3] == "[message]"
    assert {"origmailbox=100", 'callerid="Zoe Fox" <01632960001>', "origtime=1795377006", "duration=4"} <= set(lines)
    assert "origdate=Sun Nov 22 07:50:06 PM UTC 2026" in lines
    assert "msg_id=1795377006-00000001" in lines


def test_messages_are_counted_by_folder_and_found_by_the_name_that_phones_use(
    platform: DemoPlatform, manager: Manager
) -> None:
    box = platform.voicemail / "default/100"
    for folder, many in (("INBOX", 2), ("Old", 1)):
        for number in range(many):
            keep(box / folder, "100", LEFT, number)
    assert counts(manager, "100@default") == counts(manager, "100@device") == ["0", "2", "1"]
    users = {one.get("VoiceMailbox"): one for one in manager.ask("VoicemailUsersList")[1:-1]}
    assert [users["100"].get(name) for name in ("Fullname", "Email", "NewMessageCount", "OldMessageCount")] == [
        "Ana", "100@example.com", "2", "1",
    ]  # fmt: skip
    (detail,) = manager.ask("VoicemailUserStatus", Context="default", Mailbox="108")[1:-1]
    assert (detail.get("VoiceMailbox"), detail.get("NewMessageCount")) == ("108", "0")
    assert manager.ask("MailboxStatus", Mailbox="100@default")[0].get("Waiting") == "1"
    assert manager.ask("MailboxStatus", Mailbox="108@default")[0].get("Waiting") == "0"
    details = manager.ask("VoicemailBoxSummary", Context="default", Mailbox="100")[1:-1]
    assert [one.get("Folder") for one in details] == ["INBOX", "INBOX", "Old"]


@pytest.mark.parametrize("mailbox", ["../../100", "100@..", "..@default", "@"])
def test_a_mailbox_is_no_way_out_of_the_spool(platform: DemoPlatform, manager: Manager, mailbox: str) -> None:
    keep(platform.voicemail.parent / "INBOX", "100", LEFT, 0)
    keep(platform.voicemail.parent / "100/INBOX", "100", LEFT, 0)
    assert counts(manager, mailbox) == ["0", "0", "0"]


def test_whoever_speaks_for_a_second_leaves_a_message(platform: DemoPlatform, listener: Manager) -> None:
    listener.originate("PJSIP/105", "108", ChannelId="caller")
    listener.until_event("Newexten", Application="VoiceMail")
    listener.ask("Originate", Channel="PJSIP/107", Application="Wait", Data="1.1", ChannelId="clock", Async="true")
    listener.until_event("Hangup", Uniqueid="clock")
    listener.ask("Hangup", Channel="caller")
    told = listener.until_event("MessageWaiting")[-1]
    assert [told.get(name) for name in ("Mailbox", "Waiting", "New", "Old")] == ["108@default", "1", "1", "0"]
    text = (platform.voicemail / "default/108/INBOX/msg0000.txt").read_text()
    assert 'callerid="José" <105>' in text
    assert counts(listener, "108") == ["0", "1", "0"]


def test_the_past_left_messages_too(tmp_path: Path) -> None:
    until = datetime(2026, 6, 17, 15, 0, tzinfo=UTC)
    make_history(tmp_path, seed=1, until=until, zone=UTC, days=20)
    found = {str(path.relative_to(tmp_path / "voicemail").parent) for path in tmp_path.glob("voicemail/**/*.wav")}
    assert {"default/100/INBOX", "default/100/Old", "default/108/INBOX"} <= found
