"""Originate: calls a phone, and puts it into the dialplan or an application when it answers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo.actions import Asked, action
from pbxapi.demo.channels import Channel, Party
from pbxapi.demo.dialling import Leg, PhoneLeg
from pbxapi.demo.local import LocalLeg, LocalPair
from pbxapi.demo.phones import Phone
from pbxapi.demo.session import Answer, Later
from pbxapi.demo.wire import Message
from pbxapi.demo.world import World

MAX_ID = 149
DEFAULT_TIMEOUT_MS = 30_000
MAX_TIMEOUT_MS = 600_000
REASON_FAILED, REASON_NO_ANSWER, REASON_ANSWERED = 0, 3, 4

# main/manager.c: what a user without the `system` class may not start, found anywhere in the application's name (so
# Exec covers ExecIf and TryExec) or in its data.
_FORBIDDEN_APPLICATIONS = ("system", "exec", "agi", "mixmonitor", "externalivr", "originate")
_FORBIDDEN_DATA = ("SHELL", "EVAL")
_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})


@dataclass(eq=False)
class Origination:
    """One Originate on its way, from the answer to the action to OriginateResponse."""

    world: World
    target: str  # the Channel header
    context: str
    exten: str
    priority: int
    application: str
    data: str
    caller: Party | None
    timeout: float
    channel_id: str
    other_channel_id: str
    variables: list[tuple[str, str]]
    told: Callable[[Message], None]
    """Takes what OriginateResponse would say after its ActionID: `Response` first."""

    def start(self) -> None:
        """Call the phone, or fail at once when there is nothing to call."""
        technology, _, target = self.target.partition("/")
        phone = self.world.phones.get(target) if technology.upper() == "PJSIP" else None
        local = re.fullmatch(r"([^@/]+)@([^@/]+)(/n)?", target) if technology.lower() == "local" else None
        if self.channel_id and self.world.switch.find(self.channel_id):
            self._tell(None, REASON_FAILED)
        elif phone and phone.registered:
            self._call_phone(phone)
        elif local:
            self._call_local(target, local[1], local[2])
        else:
            self._tell(None, REASON_FAILED)

    def _call_phone(self, phone: Phone) -> None:
        switch = self.world.switch
        party = Party(phone.number, phone.name)
        channel = switch.create(phone.number, party, self.world.numbering, uniqueid=self.channel_id)
        self._prepare(channel)
        self._identify(channel)
        PhoneLeg(switch, phone.number, channel, self, None, self.timeout, phone=phone).start()

    def _call_local(self, target: str, exten: str, context: str) -> None:
        switch, dialplan = self.world.switch, self.world.dialplan
        ids = (self.channel_id, self.other_channel_id)
        pair = LocalPair.create(switch, self.world.numbering, exten, context, ids=ids)
        self._prepare(pair.one)
        self._identify(pair.one)
        self._identify(pair.two)
        LocalLeg(switch, target, pair.one, self, None, self.timeout, pair=pair, dialplan=dialplan).start()

    def _prepare(self, channel: Channel) -> None:
        self.world.switch.place(channel, channel.exten, 1, "AppDial2", "(Outgoing Line)")
        for name, value in reversed(self.variables):
            self.world.switch.set_variable(channel, name, value)

    def _identify(self, channel: Channel) -> None:
        if self.caller:
            self.world.switch.set_caller(channel, self.caller)
            self.world.switch.set_connected(channel, self.caller)

    def answered(self, leg: Leg) -> None:
        """Tell of it, then go where the call was to go."""
        leg.close("ANSWER")
        self._tell(leg.channel, REASON_ANSWERED)
        leg.channel.application = ""
        if self.application:
            self.world.dialplan.start(leg.channel, self.application, self.data)
        else:
            context = self.context or leg.channel.context
            self.world.dialplan.run(leg.channel, context, self.exten or "s", self.priority)

    def failed(self, leg: Leg, status: str, *, timed_out: bool = False) -> None:
        """Tell of it: a phone that rang until the end is told apart, a busy one is not."""
        self._tell(None, REASON_NO_ANSWER if timed_out else REASON_FAILED)

    def _tell(self, channel: Channel | None, reason: int) -> None:
        if self.application:
            where = [("Application", self.application), ("Data", self.data)]
        else:
            where = [("Context", self.context), ("Exten", self.exten)]
        caller = self.caller or Party()
        self.told(
            [
                ("Response", "Success" if channel else "Failure"),
                ("Channel", channel.name if channel else self.target),
                *where,
                ("Reason", str(reason)),
                ("Uniqueid", channel.uniqueid if channel else self.channel_id or "<unknown>"),
                *caller.headers("CallerID"),
            ]
        )


@action("Originate", "Originate a call.", "originate")
def originate(asked: Asked) -> Answer | Later:
    """Place a call; without `Async: true` the session waits for its outcome and does nothing else."""
    fault = _fault(asked)
    if fault:
        return asked.error(fault)
    request = asked.request
    if request.get("Async").lower() in _TRUE:
        _origination(asked, lambda outcome: _respond(asked, outcome)).start()
        return asked.said("Originate successfully queued")
    if not request.get("Application") and not (request.get("Exten") and request.get("Context")):
        return asked.error("Originate with 'Exten' requires 'Context' and 'Priority'")
    done = threading.Event()
    outcomes: list[Message] = []

    def tell(outcome: Message) -> None:
        outcomes.append(outcome)
        done.set()

    def answer() -> Answer:
        if outcomes and outcomes[0][0] == ("Response", "Success"):
            return asked.said("Originate successfully queued")
        return asked.error("Originate failed")

    _origination(asked, tell).start()
    return Later(done, _timeout(asked) + 5.0, answer)


def _respond(asked: Asked, outcome: Message) -> None:
    asked.world.bus.tell("OriginateResponse", "call", [*asked.action_id, *outcome])


def _origination(asked: Asked, told: Callable[[Message], None]) -> Origination:
    request = asked.request
    return Origination(
        world=asked.world,
        target=request.get("Channel"),
        context=request.get("Context"),
        exten=request.get("Exten"),
        priority=_priority(request.get("Priority")) or 1,
        application=request.get("Application"),
        data=request.get("Data"),
        caller=parse_caller(request.get("CallerID")),
        timeout=_timeout(asked),
        channel_id=request.get("ChannelId"),
        other_channel_id=request.get("OtherChannelId"),
        variables=_variables(request.all("Variable")),
        told=told,
    )


def _timeout(asked: Asked) -> float:
    """In seconds. Asterisk takes 0 and less as no limit."""
    milliseconds = int(asked.request.get("Timeout") or DEFAULT_TIMEOUT_MS)
    return min(milliseconds, MAX_TIMEOUT_MS) / 1000 if milliseconds > 0 else MAX_TIMEOUT_MS / 1000


def _priority(text: str) -> int | None:
    """The number that a priority begins with; 1 when it is empty, None when there is none."""
    match = re.match(r"\s*[+-]?[0-9]+", text)
    return int(match[0]) if match else (None if text else 1)


def _variables(headers: list[str]) -> list[tuple[str, str]]:
    """Each header holds any number of `name=value`."""
    assignments = (one.partition("=") for header in headers for one in split_arguments(header))
    return [(name.strip(), value) for name, equals, value in assignments if name.strip() and equals]


def split_arguments(text: str) -> list[str]:
    """Split at commas outside of parentheses, brackets and quotes; quotes go, a backslash keeps the next character.

    As main/app.c does it, in _ast_app_separate_args().
    """
    found, current, depth, quoted, characters = [], "", {"(": 0, "[": 0}, False, iter(text)
    for one in characters:
        if one == "\\":
            current += next(characters, "")
        elif one == '"':
            quoted = not quoted
        elif one == "," and not quoted and not any(depth.values()):
            found.append(current)
            current = ""
        else:
            opening = {"(": "(", ")": "(", "[": "[", "]": "["}.get(one)
            if opening:
                depth[opening] = max(0, depth[opening] + (1 if one == opening else -1))
            current += one
    return [*found, current]


def parse_caller(text: str) -> Party | None:
    """`Name <number>`, a number, or a name, as ast_callerid_parse() reads them. None when it is empty."""
    match = re.fullmatch(r'\s*(?:"(?P<quoted>.*)"|(?P<name>[^<]*?))\s*<(?P<number>[^>]*)>.*', text, re.DOTALL)
    if match:
        return Party(match["number"].strip(), (match["quoted"] or match["name"] or "").strip())
    if not text.strip():
        return None
    return Party(text.strip(), "") if re.fullmatch(r"[0-9+*#.\- ()]+", text) else Party("", text.strip().strip('"'))


def _fault(asked: Asked) -> str:
    """What Asterisk refuses before it calls anybody, in its order and words."""
    request = asked.request
    channel, timeout = request.get("Channel"), request.get("Timeout")
    if not channel:
        return "Channel not specified"
    if _priority(request.get("Priority")) is None:
        return "Invalid priority"
    if timeout and not re.fullmatch(r"\s*[+-]?[0-9]+", timeout):
        return "Invalid timeout"
    if "/" not in channel:
        return "Invalid channel"
    return _refusal(asked)


def _refusal(asked: Asked) -> str:
    request = asked.request
    if _is_forbidden(request.get("Application"), request.get("Data")) and not _has_system(asked):
        return "Originate Access Forbidden: app or data blacklisted"
    exten, context, priority = request.get("Exten"), request.get("Context"), _priority(request.get("Priority"))
    if exten and context and priority and not asked.world.dialplan.exists(context, exten, priority):
        return "Extension does not exist."
    if max(len(request.get("ChannelId")), len(request.get("OtherChannelId"))) > MAX_ID:
        return f"Uniqueid length exceeds maximum of {MAX_ID}"
    return ""


def _is_forbidden(application: str, data: str) -> bool:
    if not application:
        return False
    named = any(word in application.lower() for word in _FORBIDDEN_APPLICATIONS)
    return named or any(word in data for word in _FORBIDDEN_DATA)


def _has_system(asked: Asked) -> bool:
    return asked.session.user is not None and "system" in asked.session.user.write
