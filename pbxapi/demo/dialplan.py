"""What a number does: contexts, extensions, and the walk through their steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel
from pbxapi.demo.phones import Phone
from pbxapi.demo.switch import Switch

Application = Callable[["Dialplan", Channel, str], bool]
"""Runs on a channel. True: go on with the next step. False: it has the channel in hand and goes on later."""

Steps = tuple[tuple[str, str], ...]

_PHONE: Steps = (("Dial", "PJSIP/${EXTEN},${RINGTIME},tTkK"), ("Hangup", "${HANGUPCAUSE}"))
_RECORDED: Steps = (
    ("MixMonitor", "${UNIQUEID}.wav,b"),
    ("Dial", "PJSIP/${EXTEN:1},${RINGTIME},tTkK"),
    ("Hangup", "${HANGUPCAUSE}"),
)
_EXTENSION: Steps = (("Gosub", "macro-exten-vm,s,1(${EXTEN})"), ("Hangup", "${HANGUPCAUSE}"))
_RECORDED_EXTENSION: Steps = (
    ("MixMonitor", "${UNIQUEID}.wav,b"),
    ("Gosub", "macro-exten-vm,s,1(${EXTEN:1})"),
    ("Hangup", "${HANGUPCAUSE}"),
)
_FROM_INTERNAL: dict[str, Steps] = {
    "600": (("Answer", ""), ("Echo", "")),
    "601": (("Answer", ""), ("Milliwatt", "")),
    "602": (("Answer", ""), ("Playback", "hello-world"), ("Hangup", "")),
    "603": (("Answer", ""), ("Wait", "3600")),
    "700": (("Park", ""),),
    "*97": (("VoiceMailMain", "${CALLERID(num)}@default"),),
    "busy": (("Busy", "1"),),
    "congestion": (("Congestion", "1"),),
}

_PHONES = frozenset({"from-internal", "from-queue"})
"""Contexts that have an extension for each phone. FreePBX calls members of queues through the second."""


@dataclass(frozen=True)
class Step:
    """One priority of an extension."""

    application: str
    data: str


class Dialplan:
    """The contexts, and every channel that is being led through them. The exchange's lock is held by all callers.

    `provisioned` is whether there are the phones of a platform's database, called by its rules, or just `_1XX`.
    """

    def __init__(self, switch: Switch, phones: dict[str, Phone], applications: dict[str, Application]) -> None:
        self.switch = switch
        self.phones = phones
        self.applications = applications
        self.globals = {"RINGTIME": "20"}
        self.parked: dict[str, Steps] = {}
        self.groups: dict[str, Steps] = {}
        self.queues: dict[str, Steps] = {}
        self.provisioned = False
        self._contexts: dict[str, tuple[dict[str, Steps], ...]] = {
            "default": ({"s": (("Hangup", ""),)},),
            "from-internal": (_FROM_INTERNAL, self.parked, self.groups, self.queues),
            "from-queue": (),
            "ext-queues": (self.queues,),
            "parkedcalls": (self.parked,),
            "forbidden": ({"600": _FROM_INTERNAL["600"]},),
        }

    def exists(self, context: str, exten: str, priority: int = 1) -> bool:
        """Whether there is such a step."""
        return self._step(context, exten, priority) is not None

    def has_context(self, context: str) -> bool:
        """Whether there is a context of this name."""
        return context in self._contexts

    def run(self, channel: Channel, context: str, exten: str, priority: int) -> None:
        """Lead a channel on from here. If there is no such step it is hung up, as after a Redirect to nowhere."""
        channel.in_dialplan = True
        if channel.application:
            self.switch.place(channel, exten, priority, channel.application, channel.data, context=context)
        else:
            channel.context, channel.exten = context, exten
        self._walk(channel, priority)

    def advance(self, channel: Channel) -> None:
        """The application that had the channel is done: take the next step."""
        self.go(channel, channel.priority + 1)

    def go(self, channel: Channel, priority: int) -> None:
        """Nobody has the channel in hand any more: take a step of the extension that it is in."""
        channel.owner = None
        self._walk(channel, priority)

    def start(self, channel: Channel, application: str, data: str) -> None:
        """Run one application on a channel, as Originate with Application does, then hang up."""
        channel.in_dialplan = True
        channel.priority = 1
        self.switch.place(channel, channel.exten, 1, application, data)
        run = self.applications.get(application.lower())
        if run is None or run(self, channel, data):
            self.switch.hang_up(channel, channel.cause or causes.NORMAL)

    def _walk(self, channel: Channel, priority: int) -> None:
        while not channel.gone:
            step = self._step(channel.context, channel.exten, priority)
            if step is None:
                self.switch.hang_up(channel, channel.cause or causes.NORMAL)
                return
            data = self._expand(step.data, channel)
            self.switch.place(channel, channel.exten, priority, step.application, data)
            if not self.applications[step.application.lower()](self, channel, data):
                return
            priority = channel.priority + 1

    def _step(self, context: str, exten: str, priority: int) -> Step | None:
        found = (extensions[exten] for extensions in self._contexts.get(context, ()) if exten in extensions)
        steps = next(found, self._phone(exten) if context in _PHONES else None)
        return Step(*steps[priority - 1]) if steps and 0 < priority <= len(steps) else None

    def _phone(self, exten: str) -> Steps | None:
        """What calls a phone, and, with an asterisk before its number, records the call."""
        plain, recorded = (_EXTENSION, _RECORDED_EXTENSION) if self.provisioned else (_PHONE, _RECORDED)
        number = exten.removeprefix("*")
        if number not in self.phones if self.provisioned else not re.fullmatch(r"1[0-9]{2}", number):
            return None
        return plain if number == exten else recorded

    def _expand(self, text: str, channel: Channel) -> str:
        fixed = {
            "EXTEN": channel.exten,
            "EXTEN:1": channel.exten[1:],
            "UNIQUEID": channel.uniqueid,
            "CALLERID(num)": channel.caller.number,
            "HANGUPCAUSE": str(channel.cause),
        }

        def value(match: re.Match[str]) -> str:
            name = match[1]
            return fixed.get(name) or channel.variable(name) or self.globals.get(name, "")

        return re.sub(r"\$\{([^}]*)\}", value, text)
