"""The path of a call out of its channel event log: what a person wants to know of fifty events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from pbxapi.pbx.cdr_calls import DEVICE, NOWHERE
from pbxapi.pbx.cel_events import Event
from pbxapi.pbx.cel_talks import Talks
from pbxapi.pbx.history import Step

APPLICATIONS = {
    "queue": "queue", "voicemail": "voicemail", "background": "ivr", "waitexten": "ivr", "read": "ivr",
    "playback": "announcement", "confbridge": "conference", "meetme": "conference",
}  # fmt: skip
"""What a caller comes to, by the application of the dialplan in lower case."""

DIALS = frozenset({"", "dial", "retrydial", "followme", "page"})
"""Applications in which a caller is answered because somebody else has answered."""

DIALLED = re.compile(r"\+?[0-9*#]+\Z")
LOCAL = re.compile(r"Local/(?P<number>[^@]+)@")


def cel_steps(events: Iterable[Event]) -> tuple[Step, ...]:
    """The steps of a call, of its events in the order of time."""
    story = _Story()
    for event in events:
        story.hear(event)
    return tuple(story.steps)


def first_argument(data: str | None) -> str | None:
    """What stands before the first comma of an application's arguments: the queue, the mailbox, the sound."""
    return (data or "").partition(",")[0] or None


class _Story:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._talks = Talks()
        self._numbers: dict[str, str | None] = {}
        self._called: set[str] = set()
        self._answered: set[str] = set()
        self._doing: dict[str, str] = {}
        self._served: set[str] = set()

    def hear(self, event: Event) -> None:
        """Tell what an event means, if anything."""
        self._enter_application(event)
        tell = _TELLERS.get(event.type)
        if tell is not None:
            tell(self, event)

    def start(self, event: Event) -> None:
        self._numbers[event.channel] = number = event.number or _device(event.channel)
        more = {"number": number, "name": event.name or None}
        if not self.steps:
            extension = None if event.extension in NOWHERE else event.extension
            self._add(event, "start", **more, extension=extension, context=event.context or None)
        elif not event.local:
            self._called.add(event.uniqueid)
            self._add(event, "ring", **more)

    def answer(self, event: Event) -> None:
        application = event.application.lower()
        if application == "appqueue":
            self._served.update(queued for queued, kind in self._doing.items() if kind == "queue")
        if event.local or event.uniqueid in self._answered:
            return
        self._answered.add(event.uniqueid)
        # AppDial, AppDial2, AppQueue: what a channel runs that was called, not calling.
        if event.uniqueid in self._called or application.startswith("app"):
            self._add(event, "answer", number=self._number(event.channel) or event.number or None)
        elif application not in DIALS and application not in APPLICATIONS:
            self._add(event, "pbx_answer", number=self._number(event.channel), application=event.application)

    def leave_application(self, event: Event) -> None:
        kind = self._doing.pop(event.uniqueid, None)
        if kind == "queue" and event.application.lower() == "queue":
            detail = "answered" if event.uniqueid in self._served else "unanswered"
            self._served.discard(event.uniqueid)
            number = self._number(event.channel)
            self._add(event, "queue_leave", number=number, **self._reached(event), detail=detail)

    def bridge(self, event: Event) -> None:
        parties = list(self._talks.enter(event))
        if parties:
            first = event.channel if event.channel in parties else parties[0]
            parties.remove(first)
            number = self._number(first)
            self.steps.append(Step(event.at, "bridge", first, number=number, peer=",".join(parties)))

    def unbridge(self, event: Event) -> None:
        self._talks.leave(event.channel)

    def old_bridge(self, event: Event) -> None:
        """Asterisk 11 knows only of two that are joined."""
        if event.peer:
            self._add(event, "bridge", number=self._number(event.channel), peer=event.peer)

    def blind_transfer(self, event: Event) -> None:
        moved = _text(event, "transferee_channel_name")
        if moved is None:
            others = [name for name in self._talks.heard_by(event.channel) if name != event.channel]
            moved = others[0] if len(others) == 1 else None
        extension, context = _text(event, "extension"), _text(event, "context")
        number = self._number(moved)
        self.steps.append(
            Step(
                event.at, "blind_transfer", moved, number=number, by=event.channel, extension=extension, context=context
            )
        )  # fmt: skip

    def attended_transfer(self, event: Event) -> None:
        moved, target = _text(event, "transferee_channel_name"), _text(event, "transfer_target_channel_name")
        told = Step(
            event.at, "attended_transfer", moved, number=self._number(moved), peer=target, by=event.channel,
            extension=self._number(target), application=_text(event, "app"),
        )  # fmt: skip
        # The bridges are joined a moment before, and it reads better the other way round.
        joined = bool(self.steps) and (self.steps[-1].kind, self.steps[-1].at) == ("bridge", event.at)
        self.steps.insert(len(self.steps) - joined, told)

    def park(self, event: Event) -> None:
        self._talks.part()
        by, lot = _text(event, "parker_dial_string"), _text(event, "parking_lot")
        self._add(event, "park", number=self._number(event.channel), by=by, detail=lot)

    def unpark(self, event: Event) -> None:
        by, reason = _text(event, "retriever"), _text(event, "reason")
        self._add(event, "unpark", number=self._number(event.channel), by=by, detail=reason)

    def pickup(self, event: Event) -> None:
        self._add(event, "pickup", number=self._number(event.channel), by=_text(event, "pickup_channel"))

    def forward(self, event: Event) -> None:
        self._add(event, "forward", number=self._number(event.channel), extension=_text(event, "forward"))

    def hang_up(self, event: Event) -> None:
        self._talks.leave(event.channel)
        self._doing.pop(event.uniqueid, None)
        if not event.local:
            cause = event.extra.get("hangupcause")
            self._add(
                event, "hangup", number=self._number(event.channel), by=_text(event, "hangupsource"),
                cause=cause if type(cause) is int and cause else None, detail=_text(event, "dialstatus"),
            )  # fmt: skip

    def end(self, event: Event) -> None:
        self.steps.append(Step(event.at, "end"))

    def _enter_application(self, event: Event) -> None:
        """Not of APP_START alone: which applications are logged is configured, and few are by default."""
        if event.type not in {"APP_START", "ANSWER", "STREAM_BEGIN"}:
            return
        kind = APPLICATIONS.get(event.application.lower())
        if kind is not None and self._doing.get(event.uniqueid) != kind:
            self._doing[event.uniqueid] = kind
            sound = first_argument(event.data) if kind in {"ivr", "announcement"} else None
            reached = {"context": event.context or None} if sound else self._reached(event)
            number = self._number(event.channel)
            self._add(event, kind, number=number, **reached, application=event.application, detail=sound)

    def _reached(self, event: Event) -> dict[str, str | None]:
        dialled = event.extension if DIALLED.match(event.extension) else None
        return {"extension": first_argument(event.data) or dialled, "context": event.context or None}

    def _number(self, channel: str | None) -> str | None:
        return (self._numbers.get(channel) or _device(channel)) if channel else None

    def _add(self, event: Event, kind: str, **more: Any) -> None:
        self.steps.append(Step(event.at, kind, event.channel, **more))


_TELLERS: dict[str, Callable[[_Story, Event], None]] = {
    "CHAN_START": _Story.start, "ANSWER": _Story.answer, "APP_END": _Story.leave_application,
    "BRIDGE_ENTER": _Story.bridge, "BRIDGE_EXIT": _Story.unbridge, "BRIDGE_START": _Story.old_bridge,
    "BLINDTRANSFER": _Story.blind_transfer, "ATTENDEDTRANSFER": _Story.attended_transfer,
    "PARK_START": _Story.park, "PARK_END": _Story.unpark, "PICKUP": _Story.pickup, "FORWARD": _Story.forward,
    "HANGUP": _Story.hang_up, "LINKEDID_END": _Story.end,
}  # fmt: skip
"""Channel events as cel.conf names them (include/asterisk/cel.h); BRIDGE_START is of Asterisk 11."""


def _device(channel: str) -> str | None:
    found = DEVICE.match(channel) or LOCAL.match(channel)
    return found["number"] if found else None


def _text(event: Event, name: str) -> str | None:
    value = event.extra.get(name)
    return value if isinstance(value, str) and value else None
