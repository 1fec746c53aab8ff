"""Voicemail: the boxes of voicemail.conf, and their messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pbxapi.demo.channels import Channel
from pbxapi.demo.switch import Switch
from pbxapi.demo.voicemail_spool import INBOX, OLD, TEXT, Left, keep

ALIASES = "pbxaliases"
_NO_BOXES = frozenset({"general", "zonemessages", ALIASES, "device"})
_LINE = re.compile(r"\s*([^;#=\[\s]+)\s*=>?\s*([^;]*)")


@dataclass(frozen=True)
class Box:
    """A line of voicemail.conf."""

    context: str
    number: str
    name: str
    email: str
    pager: str
    options: Mapping[str, str]

    @property
    def place(self) -> str:
        """As MWI names it."""
        return f"{self.number}@{self.context}"


class Voicemail:
    """Boxes and their messages, read anew each time they are asked for. The exchange's lock is held by all callers."""

    def __init__(self, switch: Switch) -> None:
        self.spool: Path | None = None
        self.conf: Path | None = None
        self._switch = switch
        self._numbers = count()

    def boxes(self) -> list[Box]:
        """In the order of the file."""
        sections = self._sections()
        return [
            _box(context, number, value)
            for context, lines in sections.items()
            if context not in _NO_BOXES
            for number, value in lines.items()
        ]

    def box(self, number: str, context: str) -> Box | None:
        """One of them; a context may be that of an alias."""
        return next((box for box in self.boxes() if (box.number, box.context) == (number, context)), None)

    def place(self, mailbox: str) -> tuple[str, str]:
        """Number and context of `100`, `100@default` or of an alias as `100@device`."""
        name = self._sections().get(ALIASES, {}).get(mailbox, mailbox)
        number, _, context = name.partition("@")
        return number, context or "default"

    def count(self, number: str, context: str, folder: str) -> int:
        """How many messages are in a folder."""
        return len(self.messages(number, context, folder))

    def messages(self, number: str, context: str, folder: str) -> list[Path]:
        """The files that tell of the messages of a folder, in their order."""
        if self.spool is None or not {number, context}.isdisjoint({"", ".", ".."}) or "/" in number + context:
            return []
        return sorted(path for path in self.spool.joinpath(context, number, folder).glob("*") if TEXT.match(path.name))

    def leave(self, channel: Channel, number: str, context: str, since: float) -> None:
        """A caller has spoken since then: keep it and tell of it. Nothing is kept of less than a second."""
        seconds = int(self._switch.clock.now() - since)
        if self.spool is None or seconds < 1:
            return
        caller = channel.caller
        left = Left(int(since), seconds, caller.number, caller.name, channel.name, channel.exten, channel.context)
        path = keep(self.spool / context / number / INBOX, number, left, next(self._numbers))
        self._switch.set_variable(channel, "VM_MESSAGEFILE", str(path))
        new, old = (self.count(number, context, folder) for folder in (INBOX, OLD))
        box, waiting = ("Mailbox", f"{number}@{context}"), ("Waiting", "1")
        self._switch.tell("MessageWaiting", channel, box, waiting, ("New", str(new)), ("Old", str(old)))

    def _sections(self) -> dict[str, dict[str, str]]:
        """Lines with a key, by section."""
        found: dict[str, dict[str, str]] = {}
        section = ""
        for text in self.conf.read_text(encoding="utf-8", errors="replace").splitlines() if self.conf else ():
            if text.startswith("["):
                section = text[1:].partition("]")[0]
            elif match := _LINE.match(text):
                found.setdefault(section, {}).setdefault(match[1], match[2].strip())
        return found


def _box(context: str, number: str, value: str) -> Box:
    _, name, email, pager, options = [*value.split(",", 4), "", "", "", ""][:5]
    pairs = (option.partition("=") for option in options.split("|") if option)
    return Box(context, number, name, email.split("|")[0], pager, {key.lower(): text for key, _, text in pairs})
