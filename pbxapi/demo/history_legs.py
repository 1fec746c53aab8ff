"""What calls are made of: two who talk, a message in a mailbox, and channels by which the exchange calls itself."""

from __future__ import annotations

from pbxapi.demo.channels import Party
from pbxapi.demo.history_book import Call, Line
from pbxapi.demo.phones import Phone
from pbxapi.demo.voicemail_spool import Left

ANSWERED, NO_ANSWER, BUSY, FAILED, CONGESTION = "ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION"
DIAL_OPTIONS = "HhTtrb(func-apply-sipheaders^s^1)"
TRUNK_OPTIONS = "Tb(func-apply-sipheaders^s^1,(1))"

_CALLED = "(Outgoing Line)"
_GREETING = 6
"""Seconds until a caller may speak."""
_VOICEMAILS = 0.55
"""How many of those who reach nobody leave a message."""


def ring(call: Call, at: int, phone: Phone) -> Line:
    """A phone begins to ring."""
    return call.line(phone.device, at, Party(phone.number, phone.name), number=phone.number)


def connect(call: Call, line: Line, called: Line, *, at: int, begun: int, end: int, data: str) -> int:
    """Ring from `at` on, talk from `begun` to `end`, which is given back; the called one is hung up then."""
    call.record(line, begun)
    # Who was answered before, such as by who then transferred him, has been paying since.
    billsec = end - at if line.answered else end - begun
    call.leg(line, at, end - at, billsec, ANSWERED, to=called, data=data)
    call.talked += end - begun
    answer(call, begun, called)
    call.answer(begun, line, "Dial", data)
    call.bridge(begun, end, line, called)
    call.hang_up(end, called, by=call.rng.choice((line, called)))
    return end


def answer(call: Call, at: int, called: Line, application: str = "AppDial") -> None:
    """One who was called answers."""
    call.answer(at, called, application, _CALLED)


def message(call: Call, line: Line, at: int, mailbox: str, greeting: str) -> int:
    """Leave a message in a mailbox, or none. Gives the end."""
    return voicemail(call, line, at, mailbox, greeting) if call.rng.random() < _VOICEMAILS else at


def voicemail(call: Call, line: Line, at: int, mailbox: str, greeting: str) -> int:
    """Leave a message; `greeting` is b for busy, u for unavailable. Gives the end."""
    data = f"{mailbox}@default,{greeting}"
    end = at + call.rng.randint(9, 55)
    call.run(at, line, "VoiceMail", data)
    call.answer(at, line)
    call.leg(line, at, end - at, end - at, ANSWERED, application="VoiceMail", data=data)
    call.log(end, "APP_END", line)
    begun = at + _GREETING
    left = Left(begun, end - begun, line.party.number, line.party.name, line.name, line.exten, line.context)
    call.messages.append((mailbox, left))
    return end


class LocalLine:
    """The two halves of a Local channel: `near` is called by the exchange, `far` calls `target`."""

    def __init__(self, call: Call, at: int, number: str, context: str) -> None:
        self._call = call
        name = call.book.name(f"Local/{number}@{context}")
        self.near = call.named_line(f"{name};1", at, call.caller, exten=number, context=context)
        self.far = call.named_line(f"{name};2", at, call.caller, exten=number, context=context)
        self.target = self.far

    def ring(self, at: int, phone: Phone) -> None:
        """Call a phone of ours."""
        self.target = ring(self._call, at, phone)

    def ring_outside(self, at: int, resource: str, number: str) -> None:
        """Call a number over a trunk."""
        self.target = self._call.line(resource, at, Party(number))

    def talk(self, line: Line, begun: int, end: int, application: str = "AppDial") -> None:
        """The target answers; it talks to `line`, through both halves."""
        answer(self._call, begun, self.target)
        self._call.answer(begun, self.far, "Dial")
        answer(self._call, begun, self.near, application)
        self._call.bridge(begun, end, self.far, self.target)
        self._call.bridge(begun, end, line, self.near)

    def hang_up(self, at: int) -> None:
        """End all three."""
        for line in (self.near, self.far, self.target):
            self._call.hang_up(at, line)
