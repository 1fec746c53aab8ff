"""What a caller may name, checked before it comes near an AMI line, and how Asterisk names states."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pbxapi.errors import Invalid

EXTENSION = re.compile(r"[0-9A-Za-z*#+_.-]{1,64}\Z")
"""What may be dialled. `&`, `/`, `@` and `,` would name other channels or other arguments of Dial."""

CONTEXT = re.compile(r"[0-9A-Za-z_.-]{1,79}\Z")

CHANNEL = re.compile(r"(?P<technology>PJSIP|SIP|IAX2)/(?P<name>[0-9A-Za-z_.+-]{1,80})\Z")
"""A device's channel. No second slash: PJSIP/trunk/sip:... would call any address over a trunk."""

LOCAL = re.compile(r"Local/(?P<extension>[0-9A-Za-z*#+_.-]{1,64})@(?P<context>[0-9A-Za-z_.-]{1,79})(?:/n)?\Z")

VARIABLE = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]{0,78}\Z")

# Variables that make Asterisk or a platform's dialplan run a shell command, or that this program sets itself.
RESERVED_VARIABLES = re.compile(r"_{0,2}(MONITOR_EXEC|MIXMONITOR_EXEC|TOUCH_|PBXAPI_|SIPADDHEADER)", re.I)

DTMF = re.compile(r"[0-9A-Da-d*#]{1,32}\Z")

CHANNEL_STATES = {
    "0": "down", "1": "reserved", "2": "offhook", "3": "dialing", "4": "ring", "5": "ringing", "6": "up", "7": "busy",
    "8": "dialing_offhook", "9": "prering",
}  # fmt: skip
"""enum ast_channel_state, include/asterisk/channelstate.h."""

LINE_ENDS = re.compile(r"[\r\n\0]")


def one_line(value: str, field: str) -> str:
    """Give the value back, or raise Invalid when it holds CR, LF or NUL: any of them would end an AMI line."""
    if LINE_ENDS.search(value):
        raise Invalid(f"{field} must be a single line", {field: ["Line ends and NUL are not allowed."]})
    return value


def check_variables(variables: Mapping[str, str]) -> None:
    """Raise Invalid unless every name and value is fit to be set on a channel."""
    wrong: list[str] = []
    for name, value in variables.items():
        if not VARIABLE.match(name):
            wrong.append(f"{name!r} is not a variable's name (letters, digits, _; functions are not allowed).")
        elif RESERVED_VARIABLES.match(name):
            wrong.append(f"{name} may not be set by callers.")
        elif LINE_ENDS.search(value):
            wrong.append(f"{name}: line ends and NUL are not allowed.")
        elif "${" in value or "$[" in value:
            wrong.append(f"{name}: expressions (${{...}}, $[...]) are not allowed.")
        elif len(value.encode()) > 800:
            wrong.append(f"{name}: longer than 800 bytes.")
    if wrong:
        raise Invalid("A channel variable cannot be set", {"variables": wrong})


def variable_header(name: str, value: str) -> tuple[str, str]:
    """The `Variable` header for Originate, so that the value arrives as it is.

    Asterisk splits that header at commas as it splits an application's arguments, and takes quotes, brackets and
    backslashes for itself; a backslash before each keeps it (seen on 16 and 22).
    """
    return "Variable", name + "=" + re.sub(r'([\\,"()])', r"\\\1", value)
