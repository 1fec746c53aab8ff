"""Calls of the demo exchange, written down when they end, beside those of its past."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from pbxapi.demo.channels import State
from pbxapi.demo.history_book import AMA_DOCUMENTATION
from pbxapi.demo.history_legs import ANSWERED, BUSY, FAILED, NO_ANSWER
from pbxapi.demo.history_people import ACCOUNTS
from pbxapi.demo.history_tables import add_record

_log = logging.getLogger(__name__)

_DISPOSITIONS = {"ANSWER": ANSWERED, "BUSY": BUSY, "CHANUNAVAIL": FAILED, "CONGESTION": FAILED}
_SEQUENCE = 1 << 30
"""Above those of the past."""


@dataclass(slots=True)
class _Channel:
    """A channel that is there. Moments are in seconds since the epoch; `status` is DIALSTATUS."""

    since: float
    sequence: int
    called: bool = False
    answered: float | None = None
    peer: str = ""
    status: str = ""
    exten: str = ""
    context: str = ""
    application: str = ""
    data: str = ""


class LiveRecords:
    """Hears the exchange's events and writes a row of `cdr` for each calling channel that is hung up."""

    def __init__(self, path: Path, zone: tzinfo, now: Callable[[], float]) -> None:
        self._path = path
        self._zone = zone
        self._now = now
        self._channels: dict[str, _Channel] = {}
        self._count = _SEQUENCE

    def hear(self, kind: str, data: bytes) -> None:
        """Take one event."""
        hears = _HEARS.get(data.partition(b"\r\n")[0])
        if hears:
            lines = data.decode(errors="replace").split("\r\n")
            event = dict(line.partition(": ")[::2] for line in lines)
            if event.get("Uniqueid") in self._channels or hears is LiveRecords.begin:
                hears(self, event)

    def begin(self, event: Mapping[str, str]) -> None:
        """A channel is made."""
        self._count += 1
        self._channels[event["Uniqueid"]] = _Channel(self._now(), self._count)

    def answer(self, event: Mapping[str, str]) -> None:
        """A channel rings, or is answered."""
        if event["ChannelState"] == str(int(State.UP)):
            self._of(event).answered = self._now()

    def step(self, event: Mapping[str, str]) -> None:
        """A channel comes to an application."""
        if event["Application"] != "Hangup":
            channel = self._of(event)
            channel.exten, channel.context = event["Exten"], event["Context"]
            channel.application, channel.data = event["Application"], event["AppData"]

    def dial(self, event: Mapping[str, str]) -> None:
        """A channel calls another. An Originate is no channel: what it calls is one that calls, later."""
        self._of(event).peer = event["DestChannel"]
        if event["DestUniqueid"] in self._channels:
            self._channels[event["DestUniqueid"]].called = True

    def dialled(self, event: Mapping[str, str]) -> None:
        """One that was called answers, or does not."""
        if event["DialStatus"] == "ANSWER":
            self._of(event).peer = event["DestChannel"]

    def variable(self, event: Mapping[str, str]) -> None:
        """A variable is set: one of them says how it went."""
        if event["Variable"] == "DIALSTATUS":
            self._of(event).status = event["Value"]

    def hang_up(self, event: Mapping[str, str]) -> None:
        """A channel is gone."""
        channel = self._channels.pop(event["Uniqueid"])
        if channel.called:
            return
        try:
            add_record(self._path, self._row(channel, event))
        except sqlite3.Error:
            _log.exception("demo exchange: a call was not written down")

    def _of(self, event: Mapping[str, str]) -> _Channel:
        return self._channels[event["Uniqueid"]]

    def _row(self, channel: _Channel, event: Mapping[str, str]) -> tuple[object, ...]:
        end = self._now()
        otherwise = NO_ANSWER if channel.status or channel.answered is None else ANSWERED
        disposition = _DISPOSITIONS.get(channel.status, otherwise)
        billsec = int(end - channel.answered) if channel.answered and disposition == ANSWERED else 0
        number, name = (event[key].replace("<unknown>", "") for key in ("CallerIDNum", "CallerIDName"))
        clid = f'"{name}" <{number}>' if name else number
        return (
            str(datetime.fromtimestamp(int(channel.since), self._zone))[:19], clid, number, channel.exten,
            channel.context, event["Channel"], channel.peer, channel.application, channel.data,
            int(end) - int(channel.since), billsec, disposition, AMA_DOCUMENTATION, ACCOUNTS.get(number, ""),
            event["Uniqueid"], "", "", "", number, name, "", "", "", event["Linkedid"], "", channel.sequence,
        )  # fmt: skip


_Hears = Callable[[LiveRecords, Mapping[str, str]], None]
_HEARS: dict[bytes, _Hears] = {
    b"Event: Newchannel": LiveRecords.begin, b"Event: Newstate": LiveRecords.answer,
    b"Event: Newexten": LiveRecords.step, b"Event: DialBegin": LiveRecords.dial, b"Event: DialEnd": LiveRecords.dialled,
    b"Event: VarSet": LiveRecords.variable, b"Event: Hangup": LiveRecords.hang_up,
}  # fmt: skip
