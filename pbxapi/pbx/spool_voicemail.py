"""Voicemail of Asterisk with its messages in files: its own view of the boxes joined with what lies in the spool."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from pbxapi.errors import Conflict, NotFound, NotSupported, PbxError
from pbxapi.pbx import voicemail_moves as moves
from pbxapi.pbx.history import OpenRecording
from pbxapi.pbx.live import Shared, Snapshot
from pbxapi.pbx.text import CONTEXT
from pbxapi.pbx.voicemail import INBOX, OLD, UNREAD, URGENT, Check, MailboxStatus, VoicemailMessage
from pbxapi.pbx.voicemail_boxes import Boxes, RunningBox
from pbxapi.pbx.voicemail_spool import Box, Found, Spool

if TYPE_CHECKING:
    from pbxapi.ami import Client

log = logging.getLogger("pbxapi.voicemail")

DEFAULT = "default"
TRIES = 3
"""How often a message is looked for that somebody moves meanwhile."""
PAUSE = 0.005
COUNTED = frozenset({INBOX, OLD, URGENT})
"""The folders of which phones are told how many messages they hold."""

_BOX = re.compile(r"[0-9A-Za-z_.+*#-]{1,80}\Z")


class SpoolVoicemail:
    """`voicemail.Voicemail` of the folder `spool`; `zone` is the exchange's, `ttl` in seconds. Connects to nothing.

    A box is there when Asterisk runs it, whatever lies in the spool.
    """

    def __init__(self, spool: str, ami: Client, zone: tzinfo, ttl: float) -> None:
        self._spool = Spool(spool)
        self._boxes = Boxes(ami)
        self._zone = zone
        self._running: Shared[dict[tuple[str, str], RunningBox]] = Shared(self._fetch, ttl=ttl)
        self._live: Shared[tuple[MailboxStatus, ...]] = Shared(self._statuses, ttl=ttl)

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[MailboxStatus, ...]]:
        """Every box, by context and number: one question to Asterisk, and a look into the spool."""
        if fresh:
            self._running.drop()
        return self._live.get(fresh=fresh)

    def get(self, mailbox: str) -> MailboxStatus:
        """One box, counted now."""
        box = self._box(mailbox)
        new, old, urgent = self._boxes.count(box.mailbox, box.context)
        folders = self._folders(box)
        return MailboxStatus(box.mailbox, box.context, box.name, box.email, new, old, urgent, folders)

    def messages(self, mailbox: str, folder: str | None = None) -> tuple[VoicemailMessage, ...]:
        """The messages of a box, or of one of its folders, newest first."""
        box = self._box(mailbox)
        with self._spool.box(box.context, box.mailbox) as there:
            found = there.messages(folder) if there else []
        if not found:
            self._not_elsewhere(box)
        shown = [self._shown(box, each) for each in found]
        return tuple(sorted(shown, key=lambda each: (-each.received_at.timestamp(), each.id)))

    def message(self, mailbox: str, message_id: str) -> VoicemailMessage:
        """One message."""
        with self._found(mailbox, message_id) as (box, _, found):
            return self._shown(box, found)

    def open(self, mailbox: str, message_id: str) -> OpenRecording:
        """Open the sound of a message; who asked for it closes the file."""
        with self._found(mailbox, message_id) as (box, there, found):
            opened = there.open_sound(found)
            if opened is None or found.sound is None:
                raise NotFound("This message has no sound")
            return self._opened(box, found, *opened)

    def mark(self, mailbox: str, message_id: str, *, read: bool, check: Check) -> VoicemailMessage:
        """Let it count as heard, or not: a new one goes to Old, and one from elsewhere to INBOX, or to Urgent."""

        def target(found: Found) -> str:
            if read:
                return OLD if found.folder in UNREAD else found.folder
            if found.folder in UNREAD:
                return found.folder
            return URGENT if found.about.urgent else INBOX

        return self._change(mailbox, message_id, target, check)

    def move(self, mailbox: str, message_id: str, folder: str, check: Check) -> VoicemailMessage:
        """Move it to another folder, which is made when it is not there."""
        return self._change(mailbox, message_id, lambda _: folder, check)

    def delete(self, mailbox: str, message_id: str, check: Check) -> None:
        """Delete a message with all of its sounds, for good."""
        for _ in range(TRIES):
            with self._found(mailbox, message_id) as (box, there, found):
                check(self._shown(box, found))
                with self._written(box, there, found) as opened:
                    if moves.still_there(found, opened):
                        moves.delete(found, opened)
                        return
        raise Conflict("The message is being moved by others: try again")

    def _change(
        self, mailbox: str, message_id: str, target_of: Callable[[Found], str], check: Check
    ) -> VoicemailMessage:
        for _ in range(TRIES):
            with self._found(mailbox, message_id) as (box, there, found):
                target = target_of(found)
                check(self._shown(box, found))
                if target == found.folder:
                    return self._shown(box, found)
                with self._written(box, there, found, target) as opened:
                    if moves.still_there(found, opened):
                        moves.move(found, opened, target, box.most)
                        break
        else:
            raise Conflict("The message is being moved by others: try again")
        return self.message(mailbox, message_id)

    @contextlib.contextmanager
    def _written(self, box: RunningBox, there: Box, found: Found, *more: str) -> Iterator[moves.Opened]:
        """Hold the folders of a write; then number what is left anew, and let the phones know."""
        names = {found.folder, *more}
        told = bool(names & COUNTED) and self._boxes.refresh(box.mailbox)
        try:
            with moves.holding(there, names) as opened:
                yield opened
                gap = moves.has_gap(opened[found.folder])
            if gap and not self._boxes.in_use(box.mailbox):
                self._close_gaps(there, found.folder)
        finally:
            self._live.drop()
            self._running.drop()
            if told:
                self._boxes.refresh(box.mailbox)

    def _close_gaps(self, there: Box, folder: str) -> None:
        """What was asked for is done by now: Asterisk does this by itself as well, when a phone opens the box."""
        try:
            with moves.holding(there, {folder}) as opened:
                moves.close_gaps(opened[folder])
        except (OSError, PbxError) as error:
            log.warning("voicemail: a folder %s was not numbered anew: %s", folder, error)

    @contextlib.contextmanager
    def _found(self, mailbox: str, message_id: str) -> Iterator[tuple[RunningBox, Box, Found]]:
        box = self._box(mailbox)
        with self._spool.box(box.context, box.mailbox) as there:
            for _ in range(TRIES):
                found = next((each for each in there.messages() if each.id == message_id), None) if there else None
                if there and found:
                    yield box, there, found
                    return
                # What is moved while the folders are read, one after the other, may be seen in neither.
                time.sleep(PAUSE)
        raise NotFound(f"There is no such message in mailbox {mailbox}")

    def _box(self, mailbox: str) -> RunningBox:
        number, at, context = mailbox.partition("@")
        key = (context if at else DEFAULT, number)
        if _BOX.match(number) and CONTEXT.match(key[0]) and not {number, key[0]} & {".", ".."}:
            for fresh in (False, True):
                found = self._running.get(fresh=fresh).value.get(key)
                if found is not None:
                    return found
        raise NotFound(f"There is no mailbox {mailbox}")

    def _fetch(self) -> dict[tuple[str, str], RunningBox]:
        return {(box.context, box.mailbox): box for box in self._boxes.all()}

    def _statuses(self) -> tuple[MailboxStatus, ...]:
        statuses = []
        for box in self._running.get().value.values():
            folders = self._folders(box)
            urgent = None if folders is None else folders.get(URGENT, 0)
            statuses.append(
                MailboxStatus(box.mailbox, box.context, box.name, box.email, box.new, box.old, urgent, folders)
            )
        return tuple(sorted(statuses, key=lambda each: (each.context, each.mailbox)))

    def _folders(self, box: RunningBox) -> Mapping[str, int] | None:
        try:
            with self._spool.box(box.context, box.mailbox) as there:
                return there.counts() if there else {}
        except PbxError as error:
            log.info("the folders of mailbox %s cannot be seen: %s", box.mailbox, error)
            return None

    def _not_elsewhere(self, box: RunningBox) -> None:
        """Raise NotSupported where Asterisk counts messages of which no file is there."""
        new, old, _ = self._boxes.count(box.mailbox, box.context)
        if not new + old:
            return
        with self._spool.box(box.context, box.mailbox) as there:
            if there and there.counts():
                return
        raise NotSupported(
            "Asterisk has messages in this mailbox, and their files are not there: it keeps them in IMAP or ODBC, "
            "which this API does not read, or VOICEMAIL_PATH is not the folder that it keeps them in"
        )

    def _shown(self, box: RunningBox, found: Found) -> VoicemailMessage:
        about, sound = found.about, found.sound
        return VoicemailMessage(
            id=found.id,
            mailbox=box.mailbox,
            context=box.context,
            folder=found.folder,
            caller=about.caller,
            received_at=self._received(found),
            duration=about.duration,
            format=sound.kind.name if sound else None,
            media_type=sound.kind.media_type if sound else None,
            size=sound.size if sound else None,
            urgent=about.urgent or found.folder == URGENT,
            read=found.folder not in UNREAD,
            called_extension=about.extension,
            called_context=about.context,
        )

    def _received(self, found: Found) -> datetime:
        return datetime.fromtimestamp(found.about.received or int(found.written), self._zone)

    def _opened(self, box: RunningBox, found: Found, descriptor: int, status: os.stat_result) -> OpenRecording:
        ending, kind = (found.sound.ending, found.sound.kind) if found.sound else ("", None)
        name = f"voicemail-{box.mailbox}-{self._received(found):%Y%m%d-%H%M%S}.{ending}"
        return OpenRecording(
            file=os.fdopen(descriptor, "rb", buffering=0),
            path="",
            name=name,
            format=kind.name if kind else None,
            media_type=kind.media_type if kind else "application/octet-stream",
            size=status.st_size,
            modified_at=datetime.fromtimestamp(int(status.st_mtime), UTC),
            etag=f'"{status.st_ino:x}-{int(status.st_mtime):x}-{status.st_size:x}"',
        )
