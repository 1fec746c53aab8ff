"""A call in a queue: a row of the caller for each member that rings, and one of the Local channel to that member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pbxapi.demo.history_book import Book, Call, Line
from pbxapi.demo.history_days import is_open
from pbxapi.demo.history_legs import ANSWERED, DIAL_OPTIONS, NO_ANSWER, LocalLine
from pbxapi.demo.history_people import PHONE
from pbxapi.demo.queue import LEAVE_AFTER, MEMBERS, RING_TIME
from pbxapi.demo.queue_log import NOBODY
from pbxapi.demo.queue_log import line as queue_line

_ROUND = int(RING_TIME)
_ROUNDS = (1, 2, 3, 4)
_HOW_OFTEN = (74, 15, 7, 4)
_SERVED = 0.86
_RINGALL = "800"
_RESTART = 3 * 3600
"""When the exchange is restarted at night, in seconds since midnight."""
LUNCH = {"100": (43200, 45300), "101": (45600, 47700), "107": (43800, 46200), "109": (46500, 48600)}
"""When each agent is paused, in seconds since midnight."""


@dataclass(slots=True)
class _Waiting:
    """A caller in a queue. `since` is when the caller's next row begins: with the call, or with the last ring."""

    call: Call
    line: Line
    name: str
    data: str
    since: int
    joined: int


def day_lines(book: Book, day: date) -> list[tuple[int, str]]:
    """What queue_log says of a day, besides calls: the restart at night, and who was at lunch."""
    start = book.midnight + _RESTART
    lines = [(start, queue_line(start, NOBODY, NOBODY, NOBODY, "QUEUESTART"))]
    for queue, members in MEMBERS.items():
        for number in members if is_open(day, LUNCH[members[0]][0]) else ():
            begin, end = (book.midnight + second for second in LUNCH[number])
            if end <= book.until:
                for at, event in ((begin, "PAUSE"), (end, "UNPAUSE")):
                    lines.append((at, queue_line(at, NOBODY, queue, PHONE[number].name, event, "Lunch")))
    return [line for line in lines if line[0] <= book.until]


def queue(call: Call, line: Line, at: int, number: str) -> int:
    """Wait in a queue until a member answers or the caller has enough of it. Gives the end."""
    rng = call.rng
    waiting = _Waiting(call, line, number, f"{number},t,,,{LEAVE_AFTER:.0f}", call.at, at)
    line.exten, line.context = number, "ext-queues"
    call.plan_recording("q", number, line.party.number)
    call.answer(at, line, "Answer")
    call.run(at, line, "Queue", waiting.data)
    if call.did:
        call.log_queue(at, number, NOBODY, "DID", call.did)
    call.log_queue(at, number, NOBODY, "ENTERQUEUE", "", line.party.number, 1)
    for _ in range(rng.choices(_ROUNDS, _HOW_OFTEN)[0] - 1):
        _round(waiting, at, at + _ROUND, served=False)
        at = waiting.since = at + _ROUND
    served = rng.random() < _SERVED
    end = _round(waiting, at, at + rng.randint(2, _ROUND - 1), served=served)
    if not served:
        # The rings in vain have rows of their own; and so has who waited for them.
        _row(waiting, waiting.since, end)
        call.log_queue(end, number, NOBODY, "ABANDON", 1, 1, end - waiting.joined)
    call.log(end, "APP_END", line, application="Queue", data=waiting.data)
    return end


def _round(waiting: _Waiting, at: int, until: int, *, served: bool) -> int:
    """Ring the members, all or one of them, until one answers or their time is over. Gives the end of what follows."""
    call = waiting.call
    members = MEMBERS[waiting.name]
    every = waiting.name == _RINGALL and call.rng.random() < 0.6
    ringing = _there(waiting, members if every else (call.rng.choice(members),), at)
    chosen = call.rng.choice(ringing) if served else ""
    for number in ringing:
        if number != chosen:
            _in_vain(waiting, number, at, until)
            if not served:
                event = "RINGNOANSWER" if until - at == _ROUND else "RINGCANCELED"
                call.log_queue(until, waiting.name, PHONE[number].name, event, 1000 * (until - at))
    return _serve(waiting, chosen, at, until) if served else until


def _there(waiting: _Waiting, chosen: Sequence[str], at: int) -> Sequence[str]:
    """Of those who would be called the ones who are not at lunch, or who is there in their place."""
    second = at - waiting.call.book.midnight
    members = [number for number in MEMBERS[waiting.name] if not LUNCH[number][0] <= second < LUNCH[number][1]]
    return [number for number in chosen if number in members] or members


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
    agent, hold = PHONE[number].name, begun - waiting.joined
    call.log_queue(begun, waiting.name, agent, "CONNECT", hold, local.near.uniqueid, begun - at)
    by = "COMPLETEAGENT" if end % 3 else "COMPLETECALLER"
    call.log_queue(end, waiting.name, agent, by, hold, end - begun, 1)
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
