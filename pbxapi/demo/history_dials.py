"""What happens when phones are called: answered, busy, not answered, not there; follow-me, transfers, ring groups."""

from __future__ import annotations

import json

from pbxapi.demo import causes
from pbxapi.demo.history_book import Call, Line
from pbxapi.demo.history_legs import (
    ANSWERED,
    BUSY,
    DIAL_OPTIONS,
    FAILED,
    NO_ANSWER,
    TRUNK_OPTIONS,
    LocalLine,
    connect,
    message,
    ring,
)
from pbxapi.demo.history_people import COMPANY, FOLLOW_ME, PHONE, RING_GROUP, RING_GROUP_MEMBERS, fate
from pbxapi.demo.phones import TRUNK, Phone

RING_TIME = 25
GROUP_RING_TIME = 20
_ELSEWHERE = 26


def extension(call: Call, line: Line, phone: Phone) -> int:
    """Lead a channel to a phone, and all that comes of it. Gives when it is over, with the channel still there."""
    if phone.number in FOLLOW_ME:
        return _follow_me(call, line, phone)
    how = fate(phone.number, call.rng)
    if how == "away":
        return _away(call, line, phone)
    at, data = call.at, _dial(phone)
    ringing = ring(call, at, phone)
    if how == "answers":
        begun = at + call.rng.randint(2, 18)
        return connect(call, line, ringing, at=at, begun=begun, end=begun + call.talk_time(), data=data)
    if how == "busy":
        call.leg(line, at, 0, 0, BUSY, to=ringing, data=data)
        call.hang_up(at, ringing, causes.BUSY)
        return message(call, line, at, phone.number, "b")
    return _no_answer(call, line, ringing, phone.number, data)


def transfer(call: Call, line: Line, by: Phone, to: Phone) -> int:
    """A phone answers and sends the caller on to another one, which answers."""
    first = ring(call, call.at, by)
    begun = call.at + call.rng.randint(2, 12)
    moved = begun + call.rng.randint(10, 60)
    first.application = "AppDial"
    moves = {"transferee_channel_name": line.name, "transferee_channel_uniqueid": line.uniqueid}
    extra = json.dumps({"extension": to.number, "context": "from-internal", **moves}, separators=(",", ":"))
    call.log(moved, "BLINDTRANSFER", first, extra=extra)
    connect(call, line, first, at=call.at, begun=begun, end=moved, data=_dial(by))
    line.exten, line.context = to.number, "from-internal-xfer"
    second = ring(call, moved, to)
    answers = moved + call.rng.randint(2, 12)
    return connect(call, line, second, at=moved, begun=answers, end=answers + call.talk_time(), data=_dial(to))


def ring_group(call: Call, line: Line) -> int:
    """Ring the phones of a group; a row for each of them."""
    at, rng = call.at, call.rng
    phones = [PHONE[number] for number in RING_GROUP_MEMBERS]
    data = f"{'&'.join(f'{phone.device}/{phone.uri}' for phone in phones)},{GROUP_RING_TIME},{DIAL_OPTIONS}"
    line.exten, line.context = RING_GROUP, "ext-group"
    call.plan_recording("rg", RING_GROUP, line.party.number)
    ringing = [ring(call, at, phone) for phone in phones]
    answered = rng.choice(ringing) if rng.random() < 0.85 else None
    end = at + (rng.randint(2, GROUP_RING_TIME - 1) if answered else GROUP_RING_TIME)
    for one in ringing:
        if one is not answered:
            call.leg(line, at, end - at, 0, NO_ANSWER, to=one, data=data)
            call.hang_up(end, one, _ELSEWHERE if answered else causes.NORMAL)
    if answered:
        return connect(call, line, answered, at=at, begun=end, end=end + call.talk_time(), data=data)
    return message(call, line, end, RING_GROUP_MEMBERS[0], "u")


def _no_answer(call: Call, line: Line, ringing: Line, number: str, data: str) -> int:
    at, gives_up = call.at, call.rng.random() < 0.4
    end = at + (call.rng.randint(6, RING_TIME - 1) if gives_up else RING_TIME)
    if call.rng.random() < 0.25:
        # Recorded from the first ring on, and nothing was said: a file without sound.
        call.record(line, at)
    call.leg(line, at, end - at, 0, NO_ANSWER, to=ringing, data=data)
    call.hang_up(end, ringing, by=line if gives_up else None)
    return end if gives_up else message(call, line, end, number, "u")


def _away(call: Call, line: Line, phone: Phone) -> int:
    """A phone that is not registered does not ring."""
    end = message(call, line, call.at, phone.number, "u")
    if end == call.at:
        call.leg(line, end, 0, 0, FAILED, data=_dial(phone))
    return end


def _follow_me(call: Call, line: Line, phone: Phone) -> int:
    """The desk phone and a mobile ring at once, each by a Local channel of its own."""
    at, rng, mobile = call.at, call.rng, FOLLOW_ME[phone.number]
    line.context = "followme-check"
    data = f"Local/FMPR-{phone.number}@from-internal&Local/FMGL-{mobile}#@from-internal,{RING_TIME},{DIAL_OPTIONS}"
    desk = LocalLine(call, at, f"FMPR-{phone.number}", "from-internal")
    outside = LocalLine(call, at, f"FMGL-{mobile}#", "from-internal")
    desk.ring(at, phone)
    outside.ring_outside(at, TRUNK.device, mobile)
    taken = rng.choices((desk, outside, None), (50, 30, 20))[0]
    begun = at + (rng.randint(3, 20) if taken else RING_TIME)
    end = begun + (call.talk_time() if taken else 0)
    if taken:
        call.record(line, begun)
        call.talked += end - begun
        call.answer(begun, line, "Dial", data)
        taken.talk(line, begun, end)
    for one, ends in ((desk, begun), (outside, end if taken is outside else begun)):
        disposition = ANSWERED if one is taken else NO_ANSWER
        call.leg(line, at, ends - at, ends - begun, disposition, to=one.near, data=data, prefix="FM:")
        one.hang_up(end if one is taken else ends)
    if taken is desk:
        # That Local channel is optimized away: the caller's next row leads to the phone itself.
        call.leg(line, begun, end - begun, end - begun, ANSWERED, to=desk.target, data=data, prefix="FM:")
    _follow_outside(call, outside, mobile, ring_time=begun - at, talk_time=end - begun if taken is outside else 0)
    return end if taken else message(call, line, end, phone.number, "u")


def _follow_outside(call: Call, outside: LocalLine, mobile: str, *, ring_time: int, talk_time: int) -> None:
    """The call to the mobile, as the trunk sees it."""
    outside.far.party = COMPANY
    call.leg(
        outside.far, call.at, ring_time + talk_time, talk_time, ANSWERED if talk_time else NO_ANSWER,
        to=outside.target, dst=mobile, data=f"PJSIP/{mobile}@trunk,{RING_TIME},{TRUNK_OPTIONS}",
    )  # fmt: skip


def _dial(phone: Phone) -> str:
    return f"{phone.device}/{phone.uri},{RING_TIME},{DIAL_OPTIONS}"
