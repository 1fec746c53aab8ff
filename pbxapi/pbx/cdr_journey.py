"""The path of a call in time: from its channel event log where there is one, else from its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from pbxapi.db.call_tables import CallTables
from pbxapi.pbx.cdr_calls import DEVICE, NOWHERE
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
    """What the records of a call, of which there is one at least, tell of its path. Who hung up is not among it."""
    first = next((leg for leg in legs if leg.uniqueid == leg.linkedid), legs[0])
    steps = [_start(first)]
    rung = {""}
    for leg in legs:
        steps += _reached(leg)
        device = leg.dstchannel or ""
        if device not in rung and not device.startswith("Local/"):
            rung.add(device)
            steps += _called(leg, device)
    if not (first.channel or "").startswith("Local/"):
        gone = _latest(leg for leg in legs if leg.channel == first.channel)
        steps.append(Step(gone, "hangup", first.channel, number=first.cnum or first.src))
    # Records overlap. What happened in one second stays in the order of the records.
    return (*_in_time(steps), Step(_latest(legs), "end"))


def _start(leg: Cdr) -> Step:
    dialled = leg.did or (None if leg.dst in NOWHERE else leg.dst)
    number, context = leg.cnum or leg.src, leg.dcontext
    return Step(
        leg.calldate, "start", leg.channel, number=number, name=leg.cnam, extension=dialled, context=context
    )  # fmt: skip


def _reached(leg: Cdr) -> Iterator[Step]:
    """The queue, the voicemail, ... that the leg came to; at its start, for when it did is not told."""
    kind = APPLICATIONS.get((leg.lastapp or "").lower())
    if kind:
        argument = first_argument(leg.lastdata)
        extension, sound = (None, argument) if kind in {"ivr", "announcement"} else (argument, None)
        yield Step(
            leg.calldate, kind, leg.channel, number=leg.cnum or leg.src, extension=extension, context=leg.dcontext,
            application=leg.lastapp, detail=sound,
        )  # fmt: skip


def _called(leg: Cdr, device: str) -> Iterator[Step]:
    found = DEVICE.match(device)
    number = found["number"] if found else leg.dst
    yield Step(leg.calldate, "ring", device, number=number, name=leg.dst_cnam)
    if leg.disposition == "ANSWERED":
        # Whom a queue let in is answered from the start, whenever a member picked up.
        queued = (leg.lastapp or "").lower() == "queue"
        yield Step(None if queued else _after(leg, leg.duration - leg.billsec), "answer", device, number=number)
    yield Step(_after(leg, leg.duration), "hangup", device, number=number, detail=leg.disposition)


def _after(leg: Cdr, seconds: int) -> datetime | None:
    try:
        return leg.calldate + timedelta(seconds=seconds) if leg.calldate else None
    except OverflowError:  # a date of the year 9999
        return None


def _latest(legs: Iterable[Cdr]) -> datetime | None:
    return max((end for leg in legs if (end := _after(leg, leg.duration))), default=None)


def _in_time(steps: Sequence[Step]) -> list[Step]:
    """In the order of time; a step whose time is not known stays behind the one that it follows."""
    keys, latest = [], _LONG_AGO
    for step in steps:
        latest = step.at or latest
        keys.append(latest)
    return [step for _, step in sorted(zip(keys, steps, strict=True), key=lambda pair: pair[0])]
