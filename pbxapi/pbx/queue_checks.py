"""What may stand in the fields of a queue, before any exchange is asked: the same for every way in.

The values end up in queues.conf and in a dialplan that the platform writes, unescaped, from them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from pbxapi.errors import Invalid
from pbxapi.pbx.extension_checks import text_fault
from pbxapi.pbx.provisioning import Values
from pbxapi.pbx.queueing import STRATEGIES
from pbxapi.pbx.text import CHANNEL, LOCAL

NUMBER = r"[0-9]{1,20}"
PASSWORD = r"[0-9]{1,20}"  # noqa: S105
MUSIC_CLASS = r"[0-9A-Za-z_-]{1,80}"
DESTINATION = r"[0-9A-Za-z_.-]+,[0-9A-Za-z_*#+.-]+,[0-9A-Za-z_]+"
OPTION = r"[0-9A-Za-z_ .,&:+-][0-9A-Za-z_/ .,&:+-]{0,149}|"
"""What matches as a whole; for the document too."""

CONDITIONS = ("penalty", "paused", "invalid", "unavailable", "inuse", "ringing", "unknown", "wrapup")
EMPTY = ("yes", "no", "strict", "loose")
"""What `joinempty` and `leavewhenempty` may be: a word, or conditions with commas (apps/app_queue.c)."""

AUTO_PAUSE = ("no", "yes", "all")
HOLD_TIME = ("no", "yes", "once")
POSITION = ("no", "yes", "limit", "more")
RINGING = ("music", "ring", "ring_when_agent_rings")
RECORDING = ("force", "yes", "dontcare", "no", "never")
"""On Issabel yes and no alone."""

DAY = 86_400
SECONDS = 0, DAY
CALLERS = 0, 1_000_000
PENALTY = 0, 2**31 - 1
RECORDING_ID = 0, 2**31 - 1
DESCRIPTION_LENGTH = 35
CALLER_ID_PREFIX_LENGTH = 100
ALERT_INFO_LENGTH = 254
DESTINATION_LENGTH = 50
"""Characters, as the platforms' tables have them."""

OPTIONS = frozenset({
    "announce-position-limit", "announce-position-only-up", "announce-round-seconds", "announce-to-first-user",
    "answered_elsewhere", "eventmemberstatus", "eventwhencalled", "monitor-join", "penaltymemberslimit",
    "periodic-announce-startdelay", "queue-callerannounce", "queue-callswaiting", "queue-holdtime", "queue-minute",
    "queue-minutes", "queue-quantity1", "queue-quantity2", "queue-reporthold", "queue-seconds", "queue-thankyou",
    "queue-thereare", "queue-youarenext", "random-periodic-announce", "relative-periodic-announce", "rvol_mode",
    "rvolume", "setinterfacevar", "setqueueentryvar", "setqueuevar", "shared_lastcall", "skip_joinannounce",
    "timeoutpriority",
})  # fmt: skip
"""Settings that callers may change, and no field stands for. What runs a dialplan (context, membermacro) is none."""

_NO_DIALPLAN = frozenset(';,$[]{}\\|"')


def check(queue: str, values: Values, recording: Collection[str] = RECORDING) -> None:
    """Raise Invalid, naming every field at fault, for values that no exchange could take. None is always fine.

    `recording` are the words that this exchange has for it. Members and options are looked at by themselves.
    """
    faults = {} if re.fullmatch(NUMBER, queue) else {"queue": ["Must be 1 to 20 digits."]}
    faults |= {name: [fault] for name, fault in _faults({**_RULES, "recording": _one_of(recording)}, values)}
    if faults:
        raise Invalid("The queue cannot be used as it is", faults)


def check_options(given: Mapping[str, str | None], current: Mapping[str, str]) -> None:
    """Raise Invalid for settings that may not be, where they are to become others than they are. None is fine."""
    for keyword, value in given.items():
        if value is not None and value != current.get(keyword) and (fault := _option_fault(keyword, value)):
            raise Invalid("An option cannot be set", {"options": [fault]})


def _option_fault(keyword: str, value: str) -> str | None:
    if keyword not in OPTIONS:
        return f"{keyword[:40]!a} cannot be set; these can: {', '.join(sorted(OPTIONS))}."
    if not re.fullmatch(OPTION, value) or ".." in value:
        return f"{keyword}: must be up to 150 letters, digits, blanks and _ . , & : + - and / within."
    return None


def interface_fault(interface: str, contexts: Collection[str]) -> str | None:
    """What is wrong with a member's interface. `contexts` are those that a Local channel may name."""
    local = LOCAL.match(interface)
    if local is None:
        return None if CHANNEL.match(interface) else "Must be a device such as PJSIP/200, or Local/200@from-queue/n."
    return None if local["context"] in contexts else "Its context is not an allowed one."


def penalty_fault(penalty: int) -> str | None:
    """What is wrong with a member's penalty."""
    return _within(PENALTY)(penalty)


def empty_fault(value: str) -> str | None:
    """What is wrong with what lets callers in, or sends them away."""
    if value in EMPTY:
        return None
    words = value.split(",")
    if set(words) <= set(CONDITIONS) and len(set(words)) == len(words):
        return None
    return f"Must be one of {', '.join(EMPTY)}, or of {', '.join(CONDITIONS)}, with commas between them."


def _faults(rules: Mapping[str, Callable[[Any], str | None]], values: Values) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name in rules and value is not None and value != "" and (fault := rules[name](value)):
            yield name, fault


def _agents_fault(agents: Mapping[str, int]) -> str | None:
    if not all(re.fullmatch(NUMBER, number) for number in agents):
        return "Must be extensions, of 1 to 20 digits."
    return next(filter(None, map(penalty_fault, agents.values())), None)


def _music_fault(value: str) -> str | None:
    """`inherit` is the platforms' word for none, and would be taken for it."""
    good = re.fullmatch(MUSIC_CLASS, value) and value != "inherit"
    return None if good else "Must be a class of music on hold; null is the caller's own."


def _destination_fault(value: str) -> str | None:
    if len(value) <= DESTINATION_LENGTH and re.fullmatch(DESTINATION, value):
        return None
    return f"Must be a place of the dialplan, context,extension,priority, of up to {DESTINATION_LENGTH} characters."


def _text(longest: int, forbidden: Collection[str] = _NO_DIALPLAN) -> Callable[[str], str | None]:
    return lambda value: text_fault(value, forbidden, longest)


def _one_of(words: Collection[str]) -> Callable[[str], str | None]:
    return lambda value: None if value in words else f"Must be one of: {', '.join(words)}."


def _within(bounds: tuple[int, int]) -> Callable[[int], str | None]:
    least, most = bounds
    return lambda value: None if least <= value <= most else f"Must be {least} to {most}."


_TIMES = (
    "ring_time", "retry", "wrapup_time", "max_wait", "auto_pause_delay", "service_level", "member_delay",
    "announce_frequency", "min_announce_frequency", "periodic_announce_frequency",
)  # fmt: skip
_RULES: Mapping[str, Callable[[Any], str | None]] = {
    **dict.fromkeys(_TIMES, _within(SECONDS)),
    "description": _text(DESCRIPTION_LENGTH, frozenset(';<>"')),
    "strategy": _one_of(STRATEGIES),
    "max_callers": _within(CALLERS),
    "weight": _within(CALLERS),
    "join_empty": empty_fault,
    "leave_when_empty": empty_fault,
    "auto_pause": _one_of(AUTO_PAUSE),
    "announce_hold_time": _one_of(HOLD_TIME),
    "announce_position": _one_of(POSITION),
    "ringing": _one_of(RINGING),
    "music_class": _music_fault,
    "join_announcement_id": _within(RECORDING_ID),
    "agent_announcement_id": _within(RECORDING_ID),
    "caller_id_prefix": _text(CALLER_ID_PREFIX_LENGTH),
    "alert_info": _text(ALERT_INFO_LENGTH),
    "password": lambda value: None if re.fullmatch(PASSWORD, value) else "Must be up to 20 digits.",
    "destination_if_no_answer": _destination_fault,
    "dynamic_agents": _agents_fault,
}
