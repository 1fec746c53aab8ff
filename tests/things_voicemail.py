"""Messages in a spool as app_voicemail leaves them, and a manager that knows the boxes."""

from __future__ import annotations

from pathlib import Path

from tests.ami.scripted import Action, ScriptedManager, Session
from tests.things_recordings import SOUND

RECEIVED = 1_795_420_833
# As Asterisk 16.28 wrote it; 22 leaves macrocontext out.
TEXT = """\
;
; Message Information file
;
[message]
origmailbox=100
context=from-internal
macrocontext=
exten=9100
rdnis=unknown
priority=2
callerchan=PJSIP/101-00000000
callerid="Bruno" <101>
origdate=Mon Nov 23 08:00:33 AM UTC 2026
origtime={received}
category=
msg_id={id}
flag={flag}
duration=1
"""
# Of one box, as Asterisk 22 shows it, without what is not read.
BOX = (
    "VMContext: {context}", "VoiceMailbox: {number}", "Fullname: Ana", "Email: ana@example.com|a@example.org",
    "DeleteMessage: No", "MaxMessageCount: {most}", "NewMessageCount: {new}", "OldMessageCount: {old}",
)  # fmt: skip


def text(number: int, *, flag: str = "", received: int = RECEIVED) -> str:
    return TEXT.format(received=received + number, id=f"{received + number}-{number:08x}", flag=flag)


def put_message(folder: Path, number: int, *, name: int | None = None, flag: str = "", endings: str = "wav gsm") -> str:
    """Leave a message in a folder, as its `number`th or as `name` says; give its id."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"msg{number if name is None else name:04d}"
    (folder / f"{stem}.txt").write_text(text(number, flag=flag))
    for ending in endings.split():
        (folder / f"{stem}.{ending}").write_bytes(SOUND)
    return f"{RECEIVED + number}-{number:08x}"


class VoicemailManager(ScriptedManager):
    """Knows 100 of the contexts default and sales, counts what lies in the spool, and notes each VoicemailRefresh."""

    def __init__(self, spool: Path) -> None:
        super().__init__()
        self.spool = spool
        self.most = 100
        self.elsewhere = 0
        self.channels: list[tuple[str, str]] = []
        self.refreshed: list[tuple[int, int]] = []
        self.on("VoicemailUsersList", self._list)
        self.on("MailboxCount", self._count)
        self.on("VoicemailRefresh", self._refresh)
        self.on("CoreShowChannels", self._channels)

    def counted(self, context: str, folder: str) -> int:
        return len(list((self.spool / context / "100" / folder).glob("msg*.txt"))) + self.elsewhere

    def _list(self, session: Session, action: Action) -> None:
        session.answer(action, "EventList: start", "Message: Voicemail user list will follow")
        for context in ("sales", "default"):
            values = {
                "context": context, "number": "100", "most": self.most, "old": self.counted(context, "Old"),
                "new": self.counted(context, "INBOX") + self.counted(context, "Urgent"),
            }  # fmt: skip
            session.event("VoicemailUserEntry", *(line.format(**values) for line in BOX), action=action)
        session.event("VoicemailUserEntryComplete", "EventList: Complete", "ListItems: 2", action=action)

    def _count(self, session: Session, action: Action) -> None:
        context = action.headers["Mailbox"].partition("@")[2]
        kinds = {"Urg": "Urgent", "New": "INBOX", "Old": "Old"}
        lines = [f"{kind}Messages: {self.counted(context, folder)}" for kind, folder in kinds.items()]
        session.answer(action, "Message: Mailbox Message Count", f"Mailbox: {action.headers['Mailbox']}", *lines)

    def _refresh(self, session: Session, action: Action) -> None:
        assert action.headers["Mailbox"] == "100"
        self.refreshed.append((self.counted("default", "INBOX"), self.counted("default", "Old")))
        session.answer(action, "Message: Refresh sent")

    def _channels(self, session: Session, action: Action) -> None:
        session.answer(action, "EventList: start", "Message: Channels will follow")
        for application, data in self.channels:
            lines = ("Channel: PJSIP/100-00000001", f"Application: {application}", f"ApplicationData: {data}")
            session.event("CoreShowChannel", *lines, action=action)
        session.event("CoreShowChannelsComplete", "EventList: Complete", "ListItems: 0", action=action)
