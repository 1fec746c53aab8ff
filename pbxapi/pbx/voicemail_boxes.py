"""The boxes that Asterisk runs, over the manager interface, and the lamps of their phones.

VoicemailUsersList and MailboxCount need the class call or reporting, VoicemailRefresh the class user.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pbxapi.ami import AmiError, AmiUnknownAction, Client
from pbxapi.errors import NotSupported
from pbxapi.pbx.channels import known
from pbxapi.pbx.voicemail_conf import NO_CONTEXTS

log = logging.getLogger("pbxapi.voicemail")

NO_VOICEMAIL = "This exchange has no voicemail: app_voicemail is not loaded"
MOST = 9_999
"""MAXMSGLIMIT of apps/app_voicemail.c."""
APPLICATIONS = frozenset({"voicemail", "voicemailmain"})

_NAMED = re.compile(r"[bsu]*([^@,&|]*)")


@dataclass(frozen=True, slots=True)
class RunningBox:
    """A box as Asterisk has it. `new` are the messages not heard, urgent ones among them; a folder holds `most`."""

    mailbox: str
    context: str
    name: str | None
    email: str | None
    new: int
    old: int
    most: int


class Boxes:
    """Asterisk's own view."""

    def __init__(self, ami: Client) -> None:
        self._ami = ami

    def all(self) -> list[RunningBox]:
        """Every box with its counts, by one action. Raises NotSupported and AmiError."""
        try:
            reply = self._ami.request("VoicemailUsersList", until="VoicemailUserEntryComplete")
        except AmiUnknownAction as error:
            raise NotSupported(NO_VOICEMAIL) from error
        boxes = [
            RunningBox(
                mailbox=event["VoiceMailbox"],
                context=event["VMContext"],
                name=known(event.get("Fullname")),
                email=known(event.get("Email").replace("|", ",")),
                new=_number(event.get("NewMessageCount"), 0),
                old=_number(event.get("OldMessageCount"), 0),
                most=min(_number(event.get("MaxMessageCount"), 0) or MOST, MOST),
            )
            for event in reply.events
        ]
        return [box for box in boxes if box.context.lower() not in NO_CONTEXTS]

    def count(self, mailbox: str, context: str) -> tuple[int, int, int]:
        """How many messages are new (urgent ones among them), old and urgent. Raises AmiError."""
        answer = self._ami.request("MailboxCount", [("Mailbox", f"{mailbox}@{context}")]).response
        urgent, new, old = (_number(answer.get(f"{kind}Messages"), 0) for kind in ("Urg", "New", "Old"))
        return new + urgent, old, urgent

    def refresh(self, mailbox: str) -> bool:
        """Let Asterisk count again and tell the phones (MWI) what is different; whether it was asked.

        In every context, since the phones of FreePBX go by `200@device`. Asterisk 16 compares with what it counted at
        the last refresh, so that it must be asked before a change as well; and it does nothing at all there unless
        voicemail.conf has `pollmailboxes = yes` (seen on 16.28; 22 does without).
        """
        try:
            self._ami.request("VoicemailRefresh", [("Mailbox", mailbox)])
        except AmiError as error:
            log.warning("the lamps of mailbox %s were not told: %s", mailbox, error)
            return False
        return True

    def in_use(self, mailbox: str) -> bool:
        """Whether somebody may be listening to this box, or leaving a message in it; also where that is not known."""
        try:
            reply = self._ami.request("CoreShowChannels", until="CoreShowChannelsComplete")
        except AmiError:
            return True
        return any(
            each.get("Application").lower() in APPLICATIONS and mailbox in _named(each.get("ApplicationData"), mailbox)
            for each in reply.events
        )


def _named(data: str, otherwise: str) -> Iterable[str]:
    """The boxes that VoiceMail or VoiceMailMain was started with; one that is asked for on the phone may be any."""
    first = data.partition(",")[0]
    return [_NAMED.match(each)[1] or otherwise for each in first.split("&")]  # type: ignore[index]


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else otherwise
