"""The path of a call in time: from its channel event log where there is one, else from its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from pbxapi.db.call_tables import CallTables
from pbxapi.pbx.cdr_calls import DEVICE
from pbxapi.pbx.cel_events import read_events
from pbxapi.pbx.cel_journey import APPLICATIONS, cel_steps, first_argument
from pbxapi.pbx.history import Cdr, Journey, Step
from pbxapi.pbx.local_time import Clock

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def journey(
    connection: Connection, tables: CallTables, clock: Clock, linkedid: str, legs: Callable[[], Sequence[Cdr]]
) -> Journey:
    """The steps of the call with this linkedid. `legs` gives its records in the order of time, or raises NotFound."""
    steps = cel_steps(read_events(connection, tables, clock, linkedid))
    if steps:
        return Journey(linkedid, "cel", steps)
    return Journey(linkedid, "cdr", leg_steps(legs()))


def leg_steps(legs: Sequence[Cdr]) -> tuple[Step, ...]:
    """What the records of a call tell of its path. Who hung up first is not among it."""
    first = legs[0]
    steps = [
        Step(
            first.calldate, "start", first.channel, number=first.cnum or first.src, name=first.cnam,
            extension=first.did or first.dst, context=first.dcontext,
        )
    ]  # fmt: skip
    rung: set[str] = set()
    for leg in legs:
        steps += _reached(leg)
        device = leg.dstchannel or ""
        if device and not device.startswith("Local/") and device not in rung:
            rung.add(device)
            steps += _called(leg, device)
    ends = [end for leg in legs if (end := _after(leg, leg.duration))]
    end = max(ends, default=None)
    last = max(
        (leg for leg in legs if leg.channel == first.channel), key=lambda leg: _after(leg, leg.duration) or _LONG_AGO
    )
    if not (first.channel or "").startswith("Local/"):
        steps.append(Step(_after(last, last.duration), "hangup", first.channel, number=first.cnum or first.src))
    # Records overlap. What happened in one second stays in the order of the records.
    steps = _in_time(steps)
    return (*steps, Step(end, "end"))


def _reached(leg: Cdr) -> Iterator[Step]:
    """The queue, the voicemail, ... that the leg came to. When in the leg is not told; it is told at its start."""
    kind = APPLICATIONS.get((leg.lastapp or "").lower())
    if kind:
        sound = kind in {"ivr", "announcement"}
        argument = first_argument(leg.lastdata)
        yield Step(
            leg.calldate, kind, leg.channel, number=leg.cnum or leg.src,
            extension=None if sound else argument, context=leg.dcontext, application=leg.lastapp,
            detail=argument if sound else None,
        )  # fmt: skip


def _called(leg: Cdr, device: str) -> Iterator[Step]:
    found = DEVICE.match(device)
    number = found["number"] if found else leg.dst
    yield Step(leg.calldate, "ring", device, number=number, name=leg.dst_cnam)
    answered = leg.disposition == "ANSWERED"
    if answered:
        # In a queue the caller counts as answered from the start, whenever a member did.
        queued = (leg.lastapp or "").lower() == "queue"
        yield Step(None if queued else _after(leg, leg.duration - leg.billsec), "answer", device, number=number)
    yield Step(_after(leg, leg.duration), "hangup", device, number=number, detail=leg.disposition)


def _after(leg: Cdr, seconds: int) -> datetime | None:
    return leg.calldate + timedelta(seconds=seconds) if leg.calldate else None


def _in_time(steps: Sequence[Step]) -> list[Step]:
    """In the order of time; a step whose time is not known stays behind the one that it follows."""
    keys, latest = [], _LONG_AGO
    for step in steps:
        latest = step.at or latest
        keys.append(latest)
    return [step for _, step in sorted(zip(keys, steps, strict=True), key=lambda pair: pair[0])]
