"""Calling an extension by FreePBX's rules: forwards, do not disturb, follow-me, voicemail, as AstDB says just then.

What macro-exten-vm, macro-dial-one and ext-findmefollow of FreePBX's dialplan do, as far as there is something to hear.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel
from pbxapi.demo.clock import Timer, seconds
from pbxapi.demo.database import Database
from pbxapi.demo.devices import Devices
from pbxapi.demo.dial import Dial, answer
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.phones import TRUNK, Phone
from pbxapi.demo.voicemail import Voicemail

FORWARDS = 5  # how often a call may be sent on
MESSAGE = 10.0  # seconds that a caller leaves a message
OPTIONS = "HhtTrIb(func-apply-sipheaders^s^1)"

Stage = tuple[Sequence[str], float]
"""Numbers to ring at once, and for how many seconds."""


@dataclass(frozen=True)
class Rules:
    """Calls extensions: the application Gosub, which the demo's dialplan has for nothing else."""

    database: Database
    devices: Devices
    voicemail: Voicemail

    def application(self, dialplan: Dialplan, channel: Channel, data: str) -> bool:
        """`macro-exten-vm,s,1(number)`."""
        number = data.partition("(")[2].removesuffix(")")
        of_queue = channel.context == "from-queue"
        back = channel.priority + 1
        Reach(self.database, self.devices, self.voicemail, dialplan, channel, number, back, of_queue).start()
        return False

    def group(self, numbers: Sequence[str], timeout: str) -> tuple[tuple[str, str], ...]:
        """The steps of a ring group."""
        targets = "&".join(f"PJSIP/{number}" for number in numbers)
        return (("Dial", f"{targets},{timeout},{OPTIONS}"), ("Hangup", "${HANGUPCAUSE}"))


@dataclass(eq=False)
class Message:
    """A caller who speaks, until its time is over or the caller hangs up. `since` is in seconds since the epoch."""

    reach: Reach
    context: str
    since: float
    timer: Timer = field(init=False)

    def __post_init__(self) -> None:
        self.timer = self.reach.dialplan.switch.clock.later(MESSAGE, self._end)

    def release(self, channel: Channel) -> None:
        """The caller hangs up or is sent elsewhere."""
        self.timer.cancel()
        self._keep()

    def _end(self) -> None:
        self._keep()
        self.reach.dialplan.go(self.reach.channel, self.reach.back)

    def _keep(self) -> None:
        reach = self.reach
        with contextlib.suppress(OSError):  # a full disk must not keep a caller in the line
            reach.voicemail.leave(reach.channel, reach.number, self.context, self.since)
        reach.dialplan.switch.set_variable(reach.channel, "VMSTATUS", "SUCCESS")


@dataclass(eq=False)
class Reach:
    """One call on its way to an extension. `back` is the step of the dialplan that follows when nobody answers.

    A call `of_queue` is for whoever serves it: it is not sent on, neither by a forward nor by follow-me or voicemail.
    """

    database: Database
    devices: Devices
    voicemail: Voicemail
    dialplan: Dialplan
    channel: Channel
    number: str
    back: int
    of_queue: bool = False
    stages: list[Stage] = field(default_factory=list)

    def start(self) -> None:
        """Forward it, refuse it or ring."""
        forward = "" if self.of_queue else self.database.get("CF", self.number)
        if forward:
            self._send(forward)
        elif self.database.get("DND", self.number) or self._engaged():
            self._unanswered("BUSY")
        else:
            self.stages = self._plan()
            self._next("CHANUNAVAIL")

    def _engaged(self) -> bool:
        """Whether it is in a call and has no call waiting."""
        return not self.database.get("CW", self.number) and self.devices.state(self.number) not in {
            "NOT_INUSE", "UNAVAILABLE", "INVALID",
        }  # fmt: skip

    def _plan(self) -> list[Stage]:
        own, ring_time = [self.number], self._seconds("ringtimer") or float(self.dialplan.globals["RINGTIME"])
        # DIRECT is FreePBX's word for a follow-me that is on
        if self.of_queue or self._user("followme/ddial") != "DIRECT":
            return [(own, ring_time)]
        numbers = [one for one in self._user("followme/grplist").split("-") if one]
        grptime = self._seconds("followme/grptime") or ring_time
        at_once = self._user("followme/strategy").startswith("ringall")
        prering = self._seconds("followme/prering")
        first: list[Stage] = [(own, prering)] if prering else []
        return first + ([(numbers, grptime)] if at_once else [([one], grptime) for one in numbers])

    def _next(self, status: str) -> None:
        """Ring the next that are there; `status` is how those before ended."""
        while self.stages:
            numbers, timeout = self.stages.pop(0)
            phones = [phone for number in numbers if (phone := self._phone(number))]
            if phones:
                self._show("Dial", f"{'&'.join(phone.device for phone in phones)},{timeout:g},{OPTIONS}")
                Dial(self.dialplan, self.channel, self._next).start(phones, timeout)
                return
        self._unanswered(status)

    def _phone(self, number: str) -> Phone | None:
        """The phone of an extension that may be called, or the trunk for a number outside, whom it rings."""
        if number.endswith("#"):
            return replace(TRUNK, name=number.removesuffix("#"))
        if number != self.number and self.database.get("DND", number):
            return None
        # Without these FreePBX's dialplan finds no device to call.
        known = self.database.get("AMPUSER", f"{number}/device") and self.database.get("DEVICE", f"{number}/dial")
        phone = self.dialplan.phones.get(number) if known else None
        return phone if phone and phone.registered else None

    def _unanswered(self, status: str) -> None:
        """Nobody answers: a forward for that, where follow-me leads to, voicemail, or the end."""
        self.dialplan.switch.set_variable(self.channel, "DIALSTATUS", status)
        if self.of_queue:
            self._refuse(status)
            return
        forward = self.database.get("CFB" if status == "BUSY" else "CFU", self.number) or self._destination()
        context = self._user("voicemail")
        if forward:
            self._send(forward)
        elif context not in {"", "novm"}:
            self._record(context, "b" if status == "BUSY" else "u")
        else:
            self._refuse(status)

    def _refuse(self, status: str) -> None:
        cause = {"BUSY": causes.BUSY, "CHANUNAVAIL": causes.NO_ROUTE}.get(status, causes.NORMAL)
        self.channel.cause = self.channel.cause or cause
        self.dialplan.go(self.channel, self.back)

    def _destination(self) -> str:
        """The extension that calls go on to after follow-me; `ext-local,<own>,dest` is the usual treatment."""
        if self._user("followme/ddial") != "DIRECT":
            return ""
        _, _, place = self._user("followme/postdest").partition(",")
        exten = place.partition(",")[0]
        return exten if exten != self.number and self.dialplan.exists("from-internal", exten) else ""

    def _send(self, number: str) -> None:
        """Send the call on, inside or over the trunk."""
        times = int(self.channel.variable("FORWARDS") or 0) + 1
        self.dialplan.switch.set_variable(self.channel, "__FORWARDS", str(times))
        if times > FORWARDS:
            self.channel.cause = causes.CONGESTION
            self.dialplan.go(self.channel, self.back)
        elif self.dialplan.exists("from-internal", number):
            self.channel.owner, self.channel.application = None, ""
            self.dialplan.run(self.channel, "from-internal", number, 1)
        else:
            self._show("Dial", f"PJSIP/{number}@trunk,300,T")
            Dial(self.dialplan, self.channel, self._end).start([replace(TRUNK, name=number)], 300.0)

    def _end(self, status: str) -> None:
        self.dialplan.go(self.channel, self.back)

    def _record(self, context: str, greeting: str) -> None:
        switch, channel = self.dialplan.switch, self.channel
        self._show("VoiceMail", f"{self.number}@{context},{greeting}")
        answer(switch, channel)
        channel.cause = causes.NORMAL
        channel.owner = Message(self, context, switch.clock.now())

    def _show(self, application: str, data: str) -> None:
        channel = self.channel
        self.dialplan.switch.place(channel, channel.exten, channel.priority + 1, application, data)

    def _user(self, key: str) -> str:
        return self.database.get("AMPUSER", f"{self.number}/{key}") or ""

    def _seconds(self, key: str) -> float:
        return seconds(self._user(key), otherwise=0.0)
