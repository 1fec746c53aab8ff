"""The Originate action: what it takes, and what it refuses before anybody is called."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from pbxapi.demo.actions import Asked, action
from pbxapi.demo.channels import Party
from pbxapi.demo.originate import Origination
from pbxapi.demo.session import Answer, Later
from pbxapi.demo.wire import Message

MAX_ID = 149
DEFAULT_TIMEOUT_MS = 30_000
MAX_TIMEOUT_MS = 600_000

# main/manager.c: what a user without the `system` class may not start, found anywhere in the application's name (so
# Exec covers ExecIf and TryExec) or in its data.
_FORBIDDEN_APPLICATIONS = ("system", "exec", "agi", "mixmonitor", "externalivr", "originate")
_FORBIDDEN_DATA = ("SHELL", "EVAL")
_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})


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
