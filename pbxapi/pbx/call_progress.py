"""What becomes of a call that was placed here, read from the manager's events. No thread, no clock, no network.

The call has two halves: Asterisk first rings `origin`, the leg "from", whose uniqueid is the call's id; when that one
has answered, the dialplan dials `to`, the leg "to". What is told apart, and by what (seen on Asterisk 16 and 22):

- the phone is not registered: 22 answers OriginateResponse alone, 16 makes a channel and hangs it up with cause 0;
  both give Reason 0, and the device's state tells this from a failure
- nobody answered: Reason 3 for "from", DialStatus NOANSWER for "to"
- busy: Reason is 0 as for everything else; the Hangup event's Cause is 17, DialStatus is BUSY
- an offline "to" makes no channel at all: the dialplan just ends, with whatever cause it likes
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from pbxapi.ami import Message
from pbxapi.pbx.interfaces import CallRecord

GRACE = timedelta(seconds=2)
"""How long after "from" has answered the dialplan may take to dial before we say that it took the call itself."""

SETTLE = timedelta(seconds=1)
"""How long the second of Hangup and OriginateResponse may follow the first."""

EVENTS = ("Newchannel", "Newstate", "DialBegin", "DialEnd", "HangupRequest", "Hangup", "OriginateResponse")

CAUSES = {
    1: "the number is not assigned", 3: "there is no route to it", 16: "normal clearing", 17: "busy",
    18: "the device does not respond", 19: "nobody answered", 20: "the device is not registered", 21: "declined",
    27: "out of order", 28: "the number is not valid", 31: "it ended without a reason", 34: "no circuit is free",
    38: "the network is out of order", 41: "a temporary failure", 42: "congestion", 58: "the codecs do not match",
    88: "the codecs do not match", 102: "a timer expired", 127: "no reason was given",
}  # fmt: skip
"""Q.850 causes in words, the ones of include/asterisk/causes.h that a caller meets."""


DeviceState = Callable[[str], str]
"""Gives the device state of the leg "from" or "to", as func_devstate spells it: NOT_INUSE, UNAVAILABLE, INVALID, ..."""


class CallProgress:
    """Follows one call. `record` is what is known; each method gives True when it changed."""

    def __init__(self, record: CallRecord, device_state: DeviceState) -> None:
        self.record = record
        self._device_state = device_state
        self._legs: set[str] = set()
        self._seen = False
        self._from_up: datetime | None = None
        self._dialled = False
        self._dial_status = ""
        self._to_cause = 0
        self._hung_up_by_phone = False
        self._hangup_cause: int | None = None
        self._originate_reason: str | None = None
        self._settle_at: datetime | None = None

    def concerns(self, event: Message) -> bool:
        """Whether an event is about this call."""
        mine = self.record.id
        if mine in (event.get("Uniqueid"), event.get("Linkedid"), event.get("DestUniqueid"), event.get("DestLinkedid")):
            return True
        return event.get("Uniqueid") in self._legs

    def on_event(self, event: Message, now: datetime) -> bool:
        """Take an event that concerns this call."""
        before = self.record
        handler = getattr(self, "_on_" + event.event.lower(), None)
        if handler is not None and not self.record.final:
            handler(event, now)
        return self.record != before

    def on_tick(self, now: datetime) -> bool:
        """Let time pass: what has to settle settles. Call it about twice a second."""
        before = self.record
        if self._settle_at is not None and now >= self._settle_at:
            self._end(now)
        elif self._from_up and not self._dialled and not self.record.answered_at and now - self._from_up >= GRACE:
            self._change(now, status="answered", answered_at=self._from_up, leg="to", reason=f"{self._to} has answered")
        return self.record != before

    def lost(self, now: datetime) -> bool:
        """The call is no longer on the exchange and its end was not seen (the manager's session was lost)."""
        before = self.record
        if not before.final:
            status = "completed" if before.answered_at else "canceled" if before.canceled else "failed"
            self._change(now, status=status, ended_at=now, reason="The end of this call was not seen")
        return self.record != before

    def cancel(self) -> None:
        """Note that the API was asked to hang up."""
        self.record = replace(self.record, canceled=True)

    # -- events ------------------------------------------------------------------------------------------------------

    def _on_newchannel(self, event: Message, now: datetime) -> None:
        self._legs.add(event["Uniqueid"])
        self._seen = True

    def _on_newstate(self, event: Message, now: datetime) -> None:
        self._on_newchannel(event, now)
        if event["Uniqueid"] != self.record.id:
            return
        if event.get("ChannelState") == "5" and not self._from_up:
            self._change(now, status="ringing", ringing_at=now, leg="from", reason=f"{self._from} rings")
        elif event.get("ChannelState") == "6" and not self._from_up:
            self._from_up = now
            ringing_at = self.record.ringing_at or now
            text = f"{self._from} has answered, {self._to} is dialled"
            self._change(now, status="ringing", ringing_at=ringing_at, leg="to", reason=text)

    def _on_dialbegin(self, event: Message, now: datetime) -> None:
        self._legs.add(event["DestUniqueid"])
        # Not what the other half of a Local channel dials: that is still the way to "from".
        if event.get("Uniqueid") != self.record.id:
            return
        self._dialled = True
        if not self.record.answered_at:
            self._change(now, status="ringing", leg="to", reason=f"{self._to} is rung")

    def _on_dialend(self, event: Message, now: datetime) -> None:
        status = event.get("DialStatus")
        if event.get("Uniqueid") != self.record.id:
            return
        self._dialled = True
        self._dial_status = status
        if status == "ANSWER" and not self.record.answered_at:
            self._change(now, status="answered", answered_at=now, leg="to", reason=f"{self._to} has answered")

    def _on_hanguprequest(self, event: Message, now: datetime) -> None:
        if event["Uniqueid"] == self.record.id:
            self._hung_up_by_phone = True

    def _on_hangup(self, event: Message, now: datetime) -> None:
        self._legs.discard(event["Uniqueid"])
        cause = event.get("Cause")
        if event["Uniqueid"] == self.record.id:
            self._hangup_cause = int(cause) if cause.isdigit() else 0
        elif cause.isdigit() and not self.record.answered_at:
            self._to_cause = int(cause)
        if self._hangup_cause is None or self._legs:
            return
        if self._from_up or self._originate_reason is not None:
            self._end(now)
        else:
            self._settle_at = now + SETTLE

    def _on_originateresponse(self, event: Message, now: datetime) -> None:
        if event.get("Response") == "Success":
            self._settle_at = None
            return
        self._originate_reason = event.get("Reason", "0")
        if self._hangup_cause is not None or not self._seen:
            self._end(now)
        else:
            self._settle_at = now + SETTLE

    # -- the end -----------------------------------------------------------------------------------------------------

    def _end(self, now: datetime) -> None:
        status, leg, cause, reason = self._verdict_to(now) if self._from_up else self._verdict_from()
        self._settle_at = None
        answered_at = self.record.answered_at or (self._from_up if status == "completed" else None)
        self._change(
            now, status=status, leg=leg, cause=cause or None, reason=reason, answered_at=answered_at, ended_at=now
        )

    def _verdict_from(self) -> tuple[str, str, int, str]:
        cause = self._hangup_cause or 0
        if self.record.canceled:
            return "canceled", "from", cause, f"Hung up before {self._from} answered"
        if cause == 17:
            return "busy", "from", cause, f"{self._from} is busy"
        if self._originate_reason == "3" or cause == 19:
            return "no_answer", "from", cause, f"{self._from} did not answer"
        if cause in {0, 3, 20}:
            trouble = self._device_trouble("from")
            if trouble:
                return "failed", "from", cause, trouble
        return "failed", "from", cause, f"{self._from} could not be called: {in_words(cause)}"

    def _verdict_to(self, now: datetime) -> tuple[str, str, int, str]:
        cause = self._hangup_cause or 0
        if self.record.answered_at:
            return "completed", "to", cause, f"Ended: {in_words(cause)}"
        if self.record.canceled:
            return "canceled", "to", cause, f"Hung up before {self._to} answered"
        if self._dialled:
            return self._verdict_dialled()
        long_enough = self._from_up is not None and now - self._from_up >= GRACE
        if self._hung_up_by_phone and not long_enough:
            return "canceled", "from", cause, f"{self._from} hung up before {self._to} was reached"
        trouble = self._device_trouble("to")
        if trouble:
            return "failed", "to", 20, trouble
        if cause == 17:
            return "busy", "to", cause, f"{self._to} is busy"
        if cause in {0, 16}:
            return "completed", "to", cause, f"Ended: {in_words(cause)}"
        return "failed", "to", cause, f"{self._to} could not be called: {in_words(cause)}"

    def _verdict_dialled(self) -> tuple[str, str, int, str]:
        cause = self._to_cause
        if self._dial_status == "BUSY":
            return "busy", "to", cause or 17, f"{self._to} is busy"
        if self._dial_status == "CANCEL" or (self._hung_up_by_phone and self._dial_status in {"", "NOANSWER"}):
            return "canceled", "from", cause, f"{self._from} hung up before {self._to} answered"
        if self._dial_status == "NOANSWER" and cause in {0, 16, 19}:
            return "no_answer", "to", cause, f"{self._to} did not answer"
        trouble = self._device_trouble("to")
        return "failed", "to", cause, trouble or f"{self._to} could not be called: {in_words(cause)}"

    def _device_trouble(self, leg: str) -> str | None:
        who = self._from if leg == "from" else self._to
        state = self._device_state(leg)
        if state == "UNAVAILABLE":
            return f"{who} is offline: its device is not registered"
        return f"{who}: there is no such device" if state == "INVALID" else None

    @property
    def _from(self) -> str:
        return self.record.origin

    @property
    def _to(self) -> str:
        return self.record.to

    def _change(self, now: datetime, **what: object) -> None:
        self.record = replace(self.record, updated_at=now, **what)  # type: ignore[arg-type]


def in_words(cause: int) -> str:
    """A Q.850 cause as a person reads it, with its number."""
    if cause == 0:
        return "Asterisk gave no cause"
    return f"{CAUSES.get(cause, 'see Q.850')} (cause {cause})"
