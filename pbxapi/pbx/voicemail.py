"""Voicemail: boxes, how many messages each holds, and the messages. Protocols and frozen results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pbxapi.pbx.interfaces import Party

if TYPE_CHECKING:
    from pbxapi.pbx.history import OpenRecording
    from pbxapi.pbx.live import Snapshot

INBOX, OLD, URGENT = "INBOX", "Old", "Urgent"
FOLDERS = (
    INBOX, OLD, "Work", "Family", "Friends", "Cust1", "Cust2", "Cust3", "Cust4", "Cust5", URGENT,
)  # fmt: skip
"""mailbox_folders of apps/app_voicemail.c, in its order; `Deleted`, which no phone can open, is left out."""
UNREAD = frozenset({INBOX, URGENT})
"""The folders of messages that nobody has heard: those that light a lamp."""


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """A box. `new` are the messages that nobody has heard, those that are urgent among them.

    `folders` says how many each folder holds, of those that there are; it and `urgent` are None where the spool cannot
    be read.
    """

    mailbox: str
    context: str
    name: str | None
    email: str | None
    new: int
    old: int
    urgent: int | None
    folders: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class VoicemailMessage:
    """A message. `id` stays the same in whichever folder it is; `duration` is in seconds, `size` in bytes.

    `format`, `media_type` and `size` are those of its sound, None when there is none. `called_extension` is where the
    call was in the dialplan: not the number that was dialled on a platform that goes through macros.
    """

    id: str
    mailbox: str
    context: str
    folder: str
    caller: Party
    received_at: datetime
    duration: int | None
    format: str | None
    media_type: str | None
    size: int | None
    urgent: bool
    read: bool
    called_extension: str | None
    called_context: str | None


Check = Callable[[VoicemailMessage], None]


class Voicemail(Protocol):
    """Boxes of Asterisk and the messages in its spool. A `mailbox` is `200`, of the context default, or `200@sales`.

    NotFound for a box, message or sound that is not there; NotSupported where the files are not ours to read or write,
    or messages are kept elsewhere (IMAP, ODBC); Conflict for a folder that is full; Unavailable while Asterisk has a
    folder locked, or does not answer. `check` is given the message as it is, and may raise, before it is written to.
    """

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[MailboxStatus, ...]]: ...
    def get(self, mailbox: str) -> MailboxStatus: ...
    def messages(self, mailbox: str, folder: str | None = None) -> tuple[VoicemailMessage, ...]: ...
    def message(self, mailbox: str, message_id: str) -> VoicemailMessage: ...
    def open(self, mailbox: str, message_id: str) -> OpenRecording: ...
    def mark(self, mailbox: str, message_id: str, *, read: bool, check: Check) -> VoicemailMessage: ...
    def move(self, mailbox: str, message_id: str, folder: str, check: Check) -> VoicemailMessage: ...
    def delete(self, mailbox: str, message_id: str, check: Check) -> None: ...
