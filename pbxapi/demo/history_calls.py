"""Kinds of calls, each written from its first channel to its last, and how often each kind comes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo import causes
from pbxapi.demo.channels import Party
from pbxapi.demo.history_book import Book, Call, Line
from pbxapi.demo.history_dials import extension, ring_group, transfer
from pbxapi.demo.history_legs import (
    ANSWERED,
    BUSY,
    CONGESTION,
    FAILED,
    NO_ANSWER,
    TRUNK_OPTIONS,
    connect,
    voicemail,
)
from pbxapi.demo.history_people import (
    COMPANY,
    DIRECT_DIALS,
    PHONE,
    QUEUE_OF_DID,
    RING_GROUP_DID,
    World,
    two_phones,
)
from pbxapi.demo.history_queues import queue
from pbxapi.demo.phones import PHONES, TRUNK, Phone
from pbxapi.demo.queue import QUEUES


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody calls, in seconds since the epoch, and what there is to choose from."""

    book: Book
    rng: random.Random
    at: int
    world: World


Kind = Callable[[Moment], Call]

_OUTCOMES = (ANSWERED, NO_ANSWER, BUSY, CONGESTION, FAILED)
_MENU = "custom/main-menu,,,ivr-1"
_MAIN_DID = next(iter(QUEUE_OF_DID))


def place(now: Moment, *, is_open: bool, trunk_up: bool) -> None:
    """Write one call of a kind that comes at such a time."""
    kinds, weights = (_IN_HOURS if is_open else _AFTER_HOURS) if trunk_up else _TRUNK_DOWN
    now.book.close(now.rng.choices(kinds, weights)[0](now))


def _inside(now: Moment) -> Call:
    """One phone calls another."""
    caller, callee = two_phones(now.rng)
    call, line = _from_phone(now, caller, callee.number)
    call.plan_recording("internal", callee.number, caller.number)
    return _over(call, line, extension(call, line, callee))


def _own_voicemail(now: Moment) -> Call:
    caller, _ = two_phones(now.rng)
    call, line = _from_phone(now, caller, "*97")
    end = now.at + now.rng.randint(8, 90)
    data = f"{caller.number}@default"
    call.answer(now.at, line, "VoiceMailMain", data)
    call.leg(line, now.at, end - now.at, end - now.at, ANSWERED, application="VoiceMailMain", data=data)
    return _over(call, line, end)


def _outside(now: Moment) -> Call:
    return _outbound(now, now.rng.choices(_OUTCOMES, (760, 150, 65, 15, 10))[0])


def _outside_while_down(now: Moment) -> Call:
    return _outbound(now, now.rng.choices(_OUTCOMES, (0, 0, 0, 30, 70))[0])


def _outbound(now: Moment, outcome: str) -> Call:
    """A phone calls somebody outside. As FreePBX does, it shows the company's number; cnum has the phone's."""
    caller, _ = two_phones(now.rng)
    callee = now.world.known(now.rng)
    call, line = _from_phone(now, caller, callee.number)
    call.plan_recording("out", callee.number, caller.number)
    line.party = call.outbound = COMPANY
    call.callee_name = "" if callee.name == callee.number else callee.name
    data = f"PJSIP/{callee.number}@trunk,300,{TRUNK_OPTIONS}"
    if outcome == FAILED:
        call.leg(line, now.at, 0, 0, FAILED, data=data)
        return _over(call, line, now.at)
    trunk = call.line(TRUNK.device, now.at, callee)
    if outcome == ANSWERED:
        begun = now.at + now.rng.randint(3, 22)
        end = begun + call.talk_time()
        return _over(call, line, connect(call, line, trunk, at=now.at, begun=begun, end=end, data=data))
    rang = now.rng.randint(8, 45) if outcome == NO_ANSWER else now.rng.randint(0, 3)
    call.leg(line, now.at, rang, 0, outcome, to=trunk, data=data)
    call.hang_up(now.at + rang, trunk, _ENDS[outcome][1])
    return _over(call, line, now.at + rang)


def _queue(now: Moment) -> Call:
    """Somebody calls a number that ends in a queue, or at the menu that leads to one."""
    did = now.rng.choices(tuple(QUEUE_OF_DID), (60, 25, 15))[0]
    call, line = _from_outside(now, did)
    if QUEUE_OF_DID[did]:
        return _over(call, line, queue(call, line, now.at, QUEUE_OF_DID[did]))
    chosen = _menu(call, line)
    if now.rng.random() < 0.08:
        end = chosen + now.rng.randint(0, 15)
        call.leg(line, now.at, end - now.at, end - now.at, ANSWERED, application="BackGround", data=_MENU)
        return _over(call, line, end)
    return _over(call, line, queue(call, line, chosen, now.rng.choices(tuple(QUEUES), (65, 35))[0]))


def _queue_from_inside(now: Moment) -> Call:
    caller, number = PHONE[now.rng.choice(("110", "112", "114", "118", "119"))], now.rng.choice(tuple(QUEUES))
    call, line = _from_phone(now, caller, number)
    return _over(call, line, queue(call, line, now.at, number))


def _direct(now: Moment) -> Call:
    """Somebody outside calls a phone's own number."""
    did = now.rng.choice(tuple(DIRECT_DIALS))
    phone = PHONE[DIRECT_DIALS[did]]
    call, line = _to_phone(now, did, phone)
    return _over(call, line, extension(call, line, phone))


def _transferred(now: Moment) -> Call:
    did = now.rng.choice(tuple(DIRECT_DIALS))
    phone = PHONE[DIRECT_DIALS[did]]
    others = [other for other in PHONES if other.registered and other is not phone]
    call, line = _to_phone(now, did, phone)
    return _over(call, line, transfer(call, line, phone, now.rng.choice(others)))


def _follow_me(now: Moment) -> Call:
    phone = PHONE["113"]
    call, line = _to_phone(now, "02079460113", phone)
    return _over(call, line, extension(call, line, phone))


def _group(now: Moment) -> Call:
    call, line = _from_outside(now, RING_GROUP_DID)
    return _over(call, line, ring_group(call, line))


def _after_hours(now: Moment) -> Call:
    """Nobody is there: the company's voicemail, or the caller hears the announcement and hangs up."""
    call, line = _from_outside(now, _MAIN_DID)
    if now.rng.random() < 0.5:
        line.exten, line.context = "vmu100", "ext-local"
        return _over(call, line, voicemail(call, line, now.at, "100", "u"))
    line.context = "app-announcement-1"
    end = now.at + now.rng.randint(3, 14)
    call.answer(now.at, line, "Playback", "custom/closed")
    call.leg(line, now.at, end - now.at, end - now.at, ANSWERED, application="Playback", data="custom/closed,noanswer")
    return _over(call, line, end)


def _menu(call: Call, line: Line) -> int:
    """Gives when the caller has heard enough."""
    line.context = "ivr-1"
    call.answer(call.at, line, "Answer")
    call.run(call.at, line, "BackGround", _MENU)
    chosen = call.at + call.rng.randint(3, 16)
    call.log(chosen, "APP_END", line)
    return chosen


def _from_phone(now: Moment, phone: Phone, dialled: str) -> tuple[Call, Line]:
    party = Party(phone.number, phone.name)
    call = Call(now.book, now.rng, now.at, party)
    return call, call.line(phone.device, now.at, party, number=phone.number, exten=dialled)


def _from_outside(now: Moment, did: str) -> tuple[Call, Line]:
    party = now.world.somebody(now.rng)
    call = Call(now.book, now.rng, now.at, party, did)
    return call, call.line(TRUNK.device, now.at, party, context="from-trunk")


def _to_phone(now: Moment, did: str, phone: Phone) -> tuple[Call, Line]:
    call, line = _from_outside(now, did)
    line.exten, line.context = phone.number, "from-did-direct"
    call.plan_recording("external", phone.number, line.party.number)
    return call, line


def _over(call: Call, line: Line, end: int) -> Call:
    """The caller's channel ends, and with it the call."""
    status, cause = _ENDS[call.disposition]
    call.hang_up(end, line, cause, status)
    return call


_ENDS = {
    ANSWERED: ("ANSWER", causes.NORMAL), NO_ANSWER: ("NOANSWER", causes.NORMAL), BUSY: ("BUSY", causes.BUSY),
    CONGESTION: ("CONGESTION", causes.CONGESTION), FAILED: ("CHANUNAVAIL", causes.CONGESTION),
}  # fmt: skip
"""DIALSTATUS and hangup cause by what the last row of the caller says."""
_IN_HOURS: tuple[tuple[Kind, ...], tuple[int, ...]] = (
    (
        _inside, _own_voicemail, _outside, _queue, _queue_from_inside, _direct, _transferred, _follow_me, _group,
    ),
    (24, 2, 27, 26, 1, 10, 3, 2, 5),
)  # fmt: skip
_AFTER_HOURS: tuple[tuple[Kind, ...], tuple[int, ...]] = ((_after_hours, _inside, _outside), (70, 10, 20))
_TRUNK_DOWN: tuple[tuple[Kind, ...], tuple[int, ...]] = ((_inside, _outside_while_down), (45, 55))
