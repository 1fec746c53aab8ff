"""A call in a queue: a row of the caller for each member that rings, and one of the Local channel to that member."""

from __future__ import annotations

from dataclasses import dataclass

from pbxapi.demo.history_book import Call, Line
from pbxapi.demo.history_legs import ANSWERED, DIAL_OPTIONS, NO_ANSWER, LocalLine
from pbxapi.demo.history_people import PHONE, QUEUES
from pbxapi.demo.queues import LEAVE_AFTER, MEMBERS, RING_TIME

_ROUND = int(RING_TIME)
_ROUNDS = (1, 2, 3, 4)
_HOW_OFTEN = (74, 15, 7, 4)
_SERVED = 0.86
_RINGALL = "support"


@dataclass(slots=True)
class _Waiting:
    """A caller in a queue. `since` is when the caller's next row begins: with the call, or with the last ring."""

    call: Call
    line: Line
    name: str
    data: str
    since: int


def queue(call: Call, line: Line, at: int, number: str) -> int:
    """Wait in a queue until a member answers or the caller has enough of it. Gives the end."""
    rng, name = call.rng, QUEUES[number]
    waiting = _Waiting(call, line, name, f"{name},t,,,{LEAVE_AFTER:.0f}", call.at)
    line.exten, line.context = number, "ext-queues"
    call.plan_recording("q", number, line.party.number)
    call.answer(at, line, "Answer")
    call.run(at, line, "Queue", waiting.data)
    for _ in range(rng.choices(_ROUNDS, _HOW_OFTEN)[0] - 1):
        _round(waiting, at, at + _ROUND, served=False)
        at = waiting.since = at + _ROUND
    served = rng.random() < _SERVED
    end = _round(waiting, at, at + rng.randint(2, _ROUND - 1), served=served)
    if not served:
        # The rings in vain have rows of their own; and so has who waited for them.
        _row(waiting, waiting.since, end)
    call.log(end, "APP_END", line, application="Queue", data=waiting.data)
    return end


def _round(waiting: _Waiting, at: int, until: int, *, served: bool) -> int:
    """Ring the members, all or one of them, until one answers or their time is over. Gives the end of what follows."""
    call = waiting.call
    members = MEMBERS[waiting.name]
    every = waiting.name == _RINGALL and call.rng.random() < 0.6
    ringing = members if every else (call.rng.choice(members),)
    chosen = call.rng.choice(ringing) if served else ""
    for number in ringing:
        if number != chosen:
            _in_vain(waiting, number, at, until)
    return _serve(waiting, chosen, at, until) if served else until


def _in_vain(waiting: _Waiting, number: str, at: int, until: int) -> None:
    local = _call_member(waiting, number, at)
    since = waiting.since
    waiting.call.leg(
        waiting.line, since, until - since, 0, NO_ANSWER, to=local.near, application="Queue", data=waiting.data
    )  # fmt: skip
    waiting.call.leg(local.far, at, until - at, 0, NO_ANSWER, to=local.target, data=_dial(number))
    local.hang_up(until)


def _serve(waiting: _Waiting, number: str, at: int, begun: int) -> int:
    call = waiting.call
    end = begun + call.talk_time()
    call.record(waiting.line, begun)
    call.talked += end - begun
    local = _call_member(waiting, number, at)
    _row(waiting, waiting.since, end, local.near)
    call.leg(local.far, at, end - at, end - begun, ANSWERED, to=local.target, data=_dial(number))
    local.talk(waiting.line, begun, end, "AppQueue")
    local.hang_up(end)
    return end


def _row(waiting: _Waiting, at: int, end: int, to: Line | None = None) -> None:
    """The caller's own: it was answered by the queue, not by the member."""
    waiting.call.leg(
        waiting.line, at, end - at, end - at, ANSWERED, to=to, application="Queue", data=waiting.data
    )  # fmt: skip


def _call_member(waiting: _Waiting, number: str, at: int) -> LocalLine:
    local = LocalLine(waiting.call, at, number, "from-queue")
    local.ring(at, PHONE[number])
    return local


def _dial(number: str) -> str:
    phone = PHONE[number]
    return f"{phone.device}/{phone.uri},{_ROUND},{DIAL_OPTIONS}"
