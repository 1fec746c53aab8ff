"""The book that calls are written into: rows of `cdr`, and for the newest also events of `cel`.

What the rows look like is FreePBX's: legs of a call share a linkedid, and a channel that is led on has several.
"""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from pbxapi.demo import causes
from pbxapi.demo.channels import Party
from pbxapi.demo.history_people import ACCOUNTS
from pbxapi.demo.queue_log import line as queue_line
from pbxapi.demo.voicemail_spool import Left

AMA_DOCUMENTATION = 3
LONGEST_FIELD = 80
RECORDED_TALK = (4, 15)
"""Seconds that is talked in a recorded call: short, so that many can be kept."""

_FIRST_DAY = date(2020, 1, 1)
_RECORDS_A_DAY = 10_000


@dataclass(eq=False, slots=True)
class Line:
    """A channel. `number` is its endpoint's, `party` whom it shows, `since` in seconds since the epoch."""

    name: str
    uniqueid: str
    number: str
    party: Party
    since: int
    exten: str
    context: str
    application: str = ""
    data: str = ""
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording: its file's name, the day of its folder, for how long it was talked (0: not at all), and its end."""

    name: str
    day: str
    seconds: int
    end: int


@dataclass(slots=True)
class Book:
    """All calls. Those since `recorded_from` may be recorded, those since `logged_from` have events.

    What has not ended by `until` is not written. All three are in seconds since the epoch, and so is the `midnight`
    that the day of the book began at. `queue_lines` are moments with lines of queue_log,
    `messages` those that were left in mailboxes.
    """

    zone: tzinfo
    recorded_from: float
    logged_from: float
    until: float
    records: list[tuple[object, ...]] = field(default_factory=list)
    events: list[tuple[int, tuple[object, ...]]] = field(default_factory=list)
    sounds: list[Sound] = field(default_factory=list)
    queue_lines: list[tuple[int, str]] = field(default_factory=list)
    messages: list[tuple[str, Left]] = field(default_factory=list)
    midnight: int = 0
    sequence: itertools.count[int] = field(default_factory=itertools.count)
    _channels: itertools.count[int] = field(default_factory=itertools.count)
    _names: itertools.count[int] = field(default_factory=itertools.count)

    def turn_to(self, day: date) -> None:
        """Begin a day: the exchange is restarted at night and its channels are numbered anew."""
        self._channels, self._names = itertools.count(), itertools.count()
        self.midnight = int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp())
        self.sequence = itertools.count((day - _FIRST_DAY).days * _RECORDS_A_DAY)

    def local(self, at: int) -> str:
        """As the tables spell a moment."""
        return str(datetime.fromtimestamp(at, self.zone))[:19]

    def uniqueid(self, at: int) -> str:
        """A new channel's id."""
        return f"{at}.{next(self._channels)}"

    def name(self, resource: str) -> str:
        """A new channel's name, or what the two halves of a Local channel share of it."""
        return f"{resource}-{next(self._names):08x}"

    def close(self, call: Call) -> None:
        """Keep a call that has ended."""
        if call.end > self.until:
            return
        self.records += call.records
        self.events += call.events
        self.queue_lines += call.queue_lines
        self.messages += call.messages
        if call.recordingfile:
            self.sounds.append(Sound(call.recordingfile, call.started[:10], call.talked, call.end))


class Call:
    """One call while it is written. Moments are in seconds since the epoch, everything else in seconds."""

    def __init__(self, book: Book, rng: random.Random, at: int, caller: Party, did: str = "") -> None:
        self.book = book
        self.rng = rng
        self.at = self.end = at
        self.started = book.local(at)
        self.caller = caller
        self.did = did
        self.outbound = Party()
        self.callee_name = ""
        self.linkedid = ""
        self.talked = 0
        self.disposition = ""
        self.recordingfile = ""
        self.records: list[tuple[object, ...]] = []
        self.events: list[tuple[int, tuple[object, ...]]] = []
        self.queue_lines: list[tuple[int, str]] = []
        self.messages: list[tuple[str, Left]] = []
        self._planned = ("", "", "")
        self._recorded = at >= book.recorded_from and rng.random() < 0.25
        self._logged = at >= book.logged_from

    def talk_time(self) -> int:
        """How long somebody talks."""
        return self.rng.randint(*RECORDED_TALK) if self._recorded else 8 + int(self.rng.lognormvariate(4.5, 0.9))

    def line(
        self, resource: str, at: int, party: Party, *,
        number: str = "", exten: str = "s", context: str = "from-internal",
    ) -> Line:  # fmt: skip
        """A new channel; the first one's id is the call's."""
        return self.named_line(self.book.name(resource), at, party, number=number, exten=exten, context=context)

    def named_line(
        self, name: str, at: int, party: Party, *, exten: str, context: str, number: str = ""
    ) -> Line:  # fmt: skip
        """A new channel of this name."""
        line = Line(name, self.book.uniqueid(at), number, party, at, exten, context)
        self.linkedid = self.linkedid or line.uniqueid
        self.log(at, "CHAN_START", line)
        return line

    def plan_recording(self, kind: str, to: str, of: str) -> None:
        """What the recording's name begins with, should there be one."""
        self._planned = (kind, to, of)

    def record(self, line: Line, at: int) -> None:
        """Record the call from now on, if it is one of those that are. The name is made as FreePBX makes it."""
        if self._recorded and self._planned[0] and not self.recordingfile:
            stamp = self.started.replace("-", "").replace(":", "").replace(" ", "-")
            self.recordingfile = f"{'-'.join(self._planned)}-{stamp}-{line.uniqueid}.wav"
            for event in ("APP_START", "APP_END"):
                self.log(at, event, line, application="MixMonitor", data=f"{self.recordingfile},b")

    def leg(
        self, line: Line, at: int, duration: int, billsec: int, disposition: str, *, to: Line | None = None,
        dst: str = "", context: str = "", application: str = "Dial", data: str = "", prefix: str = "",
    ) -> None:  # fmt: skip
        """Write a row of `cdr`."""
        self.end = max(self.end, at + duration)
        party = line.party
        own = line.uniqueid == self.linkedid  # what FreePBX notes on the first channel, the others do not inherit
        self.disposition = disposition if own else self.disposition
        clid = f'"{prefix}{party.name}" <{party.number}>' if party.name else party.number
        self.records.append((
            self.book.local(at), clid, party.number, dst or line.exten, context or line.context, line.name,
            to.name if to else "", application, data[:LONGEST_FIELD], duration, billsec, disposition,
            AMA_DOCUMENTATION, ACCOUNTS.get(line.number, ""), line.uniqueid, "", self.did if own else "",
            self.recordingfile if own else "", self.caller.number, self.caller.name, self.outbound.number,
            self.outbound.name, self.callee_name, self.linkedid, ACCOUNTS.get(to.number, "") if to else "",
            next(self.book.sequence),
        ))  # fmt: skip

    def run(self, at: int, line: Line, application: str, data: str) -> None:
        """A channel comes to an application of which the log tells."""
        line.application, line.data = application, data
        self.log(at, "APP_START", line)

    def answer(self, at: int, line: Line, application: str = "", data: str = "") -> None:
        """A channel is answered, in this application; once."""
        line.application, line.data = application or line.application, data or line.data
        if not line.answered:
            line.answered = True
            self.log(at, "ANSWER", line)

    def bridge(self, at: int, until: int, one: Line, other: Line) -> None:
        """Two channels hear each other."""
        if self._logged:
            digits = f"{self.rng.getrandbits(128):032x}"
            bridge = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
            extra = json.dumps({"bridge_id": bridge, "bridge_technology": "simple_bridge"}, separators=(",", ":"))
            self.log(at, "BRIDGE_ENTER", other, extra=extra)
            self.log(at, "BRIDGE_ENTER", one, peer=other.name, extra=extra)
            self.log(until, "BRIDGE_EXIT", other, peer=one.name, extra=extra)
            self.log(until, "BRIDGE_EXIT", one, extra=extra)

    def hang_up(
        self, at: int, line: Line, cause: int = causes.NORMAL, status: str = "", by: Line | None = None
    ) -> None:
        """A channel ends, and with the first one the call."""
        if self._logged:
            told = {"hangupcause": cause, "hangupsource": by.name if by else "", "dialstatus": status}
            self.log(at, "HANGUP", line, extra=json.dumps(told, separators=(",", ":")))
            self.log(at, "CHAN_END", line)
            if line.uniqueid == self.linkedid:
                self.log(at, "LINKEDID_END", line)

    def log_queue(self, at: int, queue: str, agent: str, event: str, *data: object) -> None:
        """Write a line of queue_log."""
        self.queue_lines.append((at, queue_line(at, self.linkedid, queue, agent, event, *data)))

    def log(
        self, at: int, event: str, line: Line, *, application: str | None = None, data: str = "", peer: str = "",
        extra: str = "",
    ) -> None:  # fmt: skip
        """Write an event of `cel`; in its own application unless another is named."""
        if not self._logged:
            return
        name = line.application if application is None else application
        number = line.party.number
        self.events.append((at, (
            event, self.book.local(at), line.party.name, number, number, "", self.did, line.exten, line.context,
            line.name, name, data or (line.data if application is None else ""), AMA_DOCUMENTATION,
            ACCOUNTS.get(line.number, ""), line.uniqueid, self.linkedid, peer, "", extra,
        )))  # fmt: skip
