"""Messages that a real call leaves: found, played, marked, moved and deleted, with the lamp of a real phone."""

from __future__ import annotations

import io
import os
import re
import shutil
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pbxapi.pbx.voicemail_lock import locked
from tests.real.api import Api
from tests.real.deadline import eventually
from tests.real.exchange import REAL, Exchange
from tests.real.sip_call import Call

pytestmark = pytest.mark.parametrize("_exchange", REAL, indirect=True, scope="session")

MESSAGES = "/voicemail/100/messages"
BUFFER = 32_768
"""Bytes that Asterisk keeps of a sound before it writes: two seconds of wav."""


@dataclass
class Voicemail:
    """The box of 100, seen from the API, from its phone, from Asterisk, and from its folder."""

    api: Api
    exchange: Exchange
    folder: Path

    def leave(self, *, talk: int = 0) -> None:
        """Let 101 leave a message, of so many bytes at least."""
        call = self.begin()
        eventually(lambda: [each for each in self.recording() if each.stat().st_size >= talk], "it is recorded")
        before = self.counts()[0]
        call.hang_up()
        call.wait_ended()
        eventually(lambda: self.counts()[0] == before + 1, "Asterisk counts the new message")

    def begin(self) -> Call:
        return self.exchange.phones["101"].call("**100").wait_answered()

    def recording(self) -> list[Path]:
        return list((self.folder / "tmp").glob("*.wav"))

    def counts(self) -> tuple[int, int]:
        """New and old messages, as Asterisk counts them."""
        with self.exchange.manager() as manager:
            answer = manager.ask("MailboxCount", Mailbox="100@default")[0]
        return int(answer["NewMessages"]) + int(answer["UrgMessages"]), int(answer["OldMessages"])

    def lamp(self) -> str:
        """What the phone was told last: whether it shines, and new and old messages."""
        told = [each.body for each in self.exchange.phones["100"].notifications if "Voice-Message" in each.body]
        found = re.search(r"Waiting: (\w+)\s+Voice-Message: (\d+/\d+)", told[-1]) if told else None
        return " ".join(found.groups()) if found else ""

    def shines(self, lamp: str) -> None:
        """The lamp, what Asterisk counts and what the API says agree."""
        eventually(lambda: self.lamp() == lamp, f"the lamp says {lamp}")
        new, old = (int(each) for each in lamp.split()[1].split("/"))
        box = self.api.get("/voicemail/100")
        assert (box["new"], box["old"]) == (new, old) == self.counts()

    def change(self, message: dict[str, Any], **body: object) -> Any:
        return self.api.send("PATCH", f"{MESSAGES}/{message['id']}", json=body).get_json()

    def files(self) -> dict[str, os.stat_result]:
        return {
            str(each.relative_to(self.folder)): each.lstat() for each in self.folder.rglob("*") if not each.is_dir()
        }


@pytest.fixture
def voicemail(exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]) -> Iterator[Voicemail]:
    assert exchange.asterisk is not None
    spool = exchange.asterisk.folder / "spool/voicemail"
    more = {"VOICEMAIL_PATH": str(spool), "AMI_USERNAME": "least", "AMI_SECRET": "least-secret"}
    yield Voicemail(apps(exchange, tmp_path / "store.db", **more), exchange, spool / "default/100")
    shutil.rmtree(spool, ignore_errors=True)
    with exchange.manager() as manager:
        manager.ask("VoicemailRefresh")


def test_a_message_is_heard_marked_moved_and_deleted_and_the_lamp_follows(voicemail: Voicemail) -> None:
    api = voicemail.api
    started = int(time.time())
    voicemail.leave(talk=BUFFER)
    [message] = api.items(MESSAGES)
    assert message["caller"] == {"number": "101", "name": "Bruno"}
    assert (message["folder"], message["read"], message["urgent"]) == ("INBOX", False, False)
    assert (message["called_extension"], message["called_context"]) == ("**100", "from-internal")
    voicemail.shines("yes 1/0")

    audio = f"{MESSAGES}/{message['id']}/audio"
    sound = api.send("GET", audio, buffered=True)
    assert (sound.mimetype, len(sound.data)) == ("audio/wav", message["size"])
    with wave.open(io.BytesIO(sound.data)) as file:
        seconds = file.getnframes() / file.getframerate()
    assert seconds - 1 <= message["duration"] <= seconds
    part = api.send("GET", audio, status=206, headers={"Range": "bytes=100-199"}, buffered=True)
    assert part.data == sound.data[100:200]
    received = api.get("/voicemail/100/messages?folder=INBOX")["items"][0]["received_at"]
    assert started - 1 <= datetime.fromisoformat(received).timestamp() <= time.time()

    before = voicemail.files()
    assert set(before) == {"INBOX/msg0000.txt", "INBOX/msg0000.wav", "INBOX/msg0000.gsm"}
    heard = voicemail.change(message, read=True)
    assert heard == {**message, "folder": "Old", "read": True}
    voicemail.shines("no 0/1")
    after = voicemail.files()
    assert set(after) == {name.replace("INBOX", "Old") for name in before}
    assert [_kept(after[name.replace("INBOX", "Old")]) for name in before] == [_kept(each) for each in before.values()]
    inbox, old = ((voicemail.folder / name).stat() for name in ("INBOX", "Old"))
    assert (inbox.st_mode, inbox.st_uid, inbox.st_gid) == (old.st_mode, old.st_uid, old.st_gid)

    assert voicemail.change(message, read=False) == message
    voicemail.shines("yes 1/0")
    assert voicemail.change(message, folder="Work")["read"] is True
    voicemail.shines("no 0/0")
    voicemail.change(message, folder="Urgent")
    voicemail.shines("yes 1/0")
    api.delete(f"{MESSAGES}/{message['id']}")
    voicemail.shines("no 0/0")
    assert voicemail.files() == {}
    api.get(f"{MESSAGES}/{message['id']}", status=404)


def _kept(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_mtime_ns


def test_what_is_left_is_numbered_anew_but_not_while_somebody_listens(voicemail: Voicemail) -> None:
    api = voicemail.api
    for _ in range(3):
        voicemail.leave()
    first, second, third = _numbered(voicemail).values()
    assert {each["id"] for each in api.items(MESSAGES)} == {first, second, third}
    api.delete(f"{MESSAGES}/{second}")
    assert _numbered(voicemail) == {"msg0000": first, "msg0001": third}

    listening = voicemail.exchange.phones["100"].call("***100").wait_answered()
    eventually(lambda: _listens(voicemail), "Asterisk has opened the box")
    api.delete(f"{MESSAGES}/{first}")
    assert _numbered(voicemail) == {"msg0001": third}
    listening.hang_up()
    listening.wait_ended()
    voicemail.shines("yes 1/0")

    voicemail.leave()
    assert next(iter(_numbered(voicemail).values())) == third
    voicemail.shines("yes 2/0")


def _numbered(voicemail: Voicemail) -> dict[str, str]:
    """The messages of INBOX, by their files."""
    texts = sorted((voicemail.folder / "INBOX").glob("*.txt"))
    return {each.stem: re.findall(r"(?m)^msg_id=(.*)$", each.read_text())[0] for each in texts}


def _listens(voicemail: Voicemail) -> bool:
    with voicemail.exchange.manager() as manager:
        return any(each.get("Application") == "VoiceMailMain" for each in manager.ask("CoreShowChannels"))


def test_asterisk_waits_for_our_lock_and_the_message_arrives(voicemail: Voicemail) -> None:
    voicemail.leave()
    inbox = voicemail.folder / "INBOX"
    call = voicemail.begin()
    eventually(voicemail.recording, "it is recorded")
    folder = os.open(inbox, os.O_RDONLY)
    with locked(folder, time.monotonic() + 5):
        call.hang_up()
        call.wait_ended()
        eventually(lambda: list(inbox.glob(".lock-*")), "Asterisk waits")
        assert voicemail.counts()[0] == 1
    os.close(folder)
    eventually(lambda: voicemail.counts()[0] == 2, "the message is there")
    assert len(voicemail.api.items(MESSAGES)) == 2
