"""What may stand in the fields of an extension, before any exchange is asked: the same for every way in.

The values end up in configuration files that a platform writes without escaping, so what would end a line, begin a
comment or a section, or be cut is refused here.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from pbxapi.errors import Invalid
from pbxapi.pbx.provisioning import TECHNOLOGIES, Values

NUMBER = r"[0-9]{1,20}"
PIN = r"[0-9]{4,20}"
CONTEXT = r"[0-9A-Za-z_.-]{1,79}"
TRANSPORT = r"[0-9A-Za-z_.-]{1,80}(,[0-9A-Za-z_.-]{1,20}){0,4}"
GROUPS = r"[0-9A-Za-z_-]+(,[0-9A-Za-z_-]+)*"
ACCOUNT_CODE = r"[0-9A-Za-z_.@+-]{1,80}"
ADDRESS = r"[^\s@,;|<>\"'()\[\]\\]{1,64}@[^\s@,;|<>\"'()\[\]\\]{1,190}"
KEYWORD = r"[0-9A-Za-z_-]{1,60}"
NETWORKS = r"[0-9A-Fa-f.:/&,]+"
"""What matches as a whole; for the document too."""

CREATABLE = ("pjsip", "sip")
CODECS = (
    "ulaw", "alaw", "g722", "g729", "g723", "g726", "gsm", "ilbc", "opus", "speex", "speex16", "slin", "slin16",
    "siren7", "siren14", "silk8", "silk12", "silk16", "silk24", "codec2", "h261", "h263", "h263p", "h264", "h265",
    "vp8", "vp9", "jpeg", "all",
)  # fmt: skip
DTMF_MODES = ("rfc4733", "rfc2833", "inband", "info", "auto", "auto_info", "shortinfo")
RECORDING = ("force", "yes", "dontcare", "no", "never")
ON_DEMAND = ("disabled", "enabled", "override")
SECRET_LENGTH = 6, 80
NAME_LENGTH = 80
TEXT_LENGTH = 160
"""Characters. What a column holds may be fewer: the exchange's own tables are asked for that."""

MAX_CONTACTS = 1, 100
RING_TIME = 0, 120
CALL_LIMIT = 0, 1000
PRIORITY = 0, 20
RESERVED_CONTEXTS = frozenset({"general", "zonemessages", "novm"})
"""Sections of voicemail.conf that hold no boxes, and the platforms' word for no box."""

_NO_NAME = frozenset(';[],|"<>')
_NO_CALLER_ID = frozenset(";[],|")
_VARIABLE = re.compile(r"\$\{\w{1,80}(:-?[0-9]{1,4}){0,2}\}", re.ASCII)
_JOINERS = frozenset("\u200c\u200d")
_COMMON = frozenset({"password", "passwd", "passw", "secret", "changeme", "letmein", "asterisk", "qwerty", "welcome"})
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def check(number: str, values: Values) -> None:
    """Raise Invalid, naming every field at fault, for values that no exchange could take. None is always fine."""
    faults: dict[str, list[str]] = {}
    if not re.fullmatch(NUMBER, number):
        faults["extension"] = ["Must be 1 to 20 digits."]
    for name, fault in _faults(values, _RULES):
        faults.setdefault(name, []).append(fault)
    if "secret" not in faults and values.get("secret") is not None and is_weak(values["secret"], number):
        faults["secret"] = ["Is too easy to guess: leave it out, and a good one is made."]
    if faults:
        raise Invalid("The extension cannot be used as it is", faults)


def secret_fault(secret: str) -> str | None:
    """What is wrong with how a secret is written. `[` would begin a section, and `=>` lose its second character."""
    least, most = SECRET_LENGTH
    if not least <= len(secret) <= most:
        return f"Must be {least} to {most} characters."
    if not (secret.isascii() and secret.isprintable()):
        return "Must be printable ASCII."
    if ";" in secret or secret != secret.strip() or secret[0] in "[]>":
        return "Must be without ; and blanks at its ends, and not begin with [ ] or >."
    return None


def is_weak(secret: str, number: str) -> bool:
    """Whether a secret is among those that are tried first."""
    plain = secret.lower()
    letters = plain.strip("0123456789!@#$%&*._- ")
    return (
        len(set(plain)) <= 2
        or not letters
        or letters in _COMMON
        or letters in {"ext", "sip", "phone", "user", "test", "admin", "root"}
        or len(plain.replace(number, "")) < 4
        or any(plain in run or plain in run[::-1] for run in _RUNS)
    )


def text_fault(text: str, forbidden: Collection[str] = _NO_CALLER_ID, longest: int = TEXT_LENGTH) -> str | None:
    """What is wrong with a line of text for people to read, in any script, emoji too."""
    if len(text) > longest:
        return f"Must be at most {longest} characters."
    wrong = sorted({character for character in text if character in forbidden or not is_visible(character)})
    if wrong:
        return f"Must be without {' '.join(map(_shown, wrong))}."
    return "Must be without ${." if "${" in text else None


def is_visible(character: str) -> bool:
    """Whether it may stand in a text: no control character, line end or change of direction.

    Joiners and tags stay: emoji are made with them.
    """
    if character in _JOINERS or "\U000e0020" <= character <= "\U000e007f":
        return True
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def name_fault(name: str) -> str | None:
    """What is wrong with a person's name."""
    return text_fault(name, _NO_NAME, NAME_LENGTH) if name.strip() else "Must not be blank."


def codecs_fault(codecs: Collection[str]) -> str | None:
    """What is wrong with a list of codecs."""
    unknown = [codec for codec in codecs if codec not in CODECS]
    if unknown:
        return f"Not known: {', '.join(codec[:20] for codec in unknown[:5])}."
    return "Names a codec twice." if len(set(codecs)) != len(codecs) else None


def networks_fault(text: str) -> str | None:
    """What is wrong with addresses such as `192.0.2.0/255.255.255.0&198.51.100.0/24`."""
    try:
        # The zone of an address of IPv6 (fe80::1%eth0) may be any text to ipaddress, a line end too.
        if not re.fullmatch(NETWORKS, text):
            raise ValueError
        for network in re.split("[&,]", text):
            ipaddress.ip_network(network, strict=False)
    except ValueError:
        return "Must be addresses with a mask, such as 192.0.2.0/24, with & between them."
    return None


def options_fault(options: Mapping[str, str | None], forbidden: str = ";") -> str | None:
    """What is wrong with other settings, by their names."""
    for keyword, value in options.items():
        if not re.fullmatch(KEYWORD, keyword):
            return f"{_quoted(keyword)} is no name of a setting."
        if value is not None and (len(value) > 255 or any(c in forbidden or not is_visible(c) for c in value)):
            return f"{keyword}: must be one line of up to 255 characters without {' '.join(forbidden)}."
    return None


def mailbox_options_fault(options: Mapping[str, str | None]) -> str | None:
    """What is wrong with options of a mailbox.

    app_voicemail evaluates some of them (emailsubject, emailbody, fromstring) as the dialplan is, so that a function
    such as SHELL() in them would be run, or one whose name a caller's own name holds.
    """
    for keyword, value in options.items():
        rest = _VARIABLE.sub("", value or "")
        if "${" in rest or "$[" in rest:
            return f"{_quoted(keyword)}: only plain variables, such as ${{VM_NAME}}, may stand in it."
    return options_fault(options, ";,|=")


def _faults(values: Values, rules: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        rule = rules.get(name)
        if value is None or rule is None:
            continue
        if isinstance(rule, Mapping):
            yield from _faults(value, rule, f"{prefix}{name}.")
        elif fault := rule(value):
            yield prefix + name, fault


def _like(pattern: str, words: str) -> Callable[[str], str | None]:
    return lambda value: None if re.fullmatch(pattern, value) else words


def _one_of(words: Collection[str]) -> Callable[[str], str | None]:
    return lambda value: None if value in words else f"Must be one of: {', '.join(words)}."


def _within(bounds: tuple[int, int]) -> Callable[[int], str | None]:
    least, most = bounds
    return lambda value: None if least <= value <= most else f"Must be {least} to {most}."


def _box_context(value: str) -> str | None:
    if value.lower() in RESERVED_CONTEXTS:
        return "Is no context for mailboxes."
    return _CONTEXT(value)


def _caller_id(value: str) -> str | None:
    return text_fault(value) or ("Must close what it quotes." if value.count('"') % 2 else None)


def _shown(character: str) -> str:
    return character if character.isprintable() else f"U+{ord(character):04X}"


def _quoted(text: str) -> str:
    return ascii(text[:40])


_CONTEXT = _like(CONTEXT, "Must be up to 79 letters, digits, - _ and dots.")
_GROUPS = _like(GROUPS, "Must be groups such as 1,3 or sales, with commas between them.")
_MAIL = _like(f"{ADDRESS}(,{ADDRESS})*", "Must be mail addresses, with commas between them.")
_RULES: Mapping[str, Any] = {
    "name": name_fault,
    "technology": _one_of(TECHNOLOGIES),
    "secret": secret_fault,
    "context": _CONTEXT,
    "caller_id": _caller_id,
    "emergency_caller_id": _caller_id,
    "codecs": codecs_fault,
    "transport": _like(TRANSPORT, "Must be a transport's name, of chan_sip several with commas between them."),
    "dtmf_mode": _one_of(DTMF_MODES),
    "call_group": _GROUPS,
    "pickup_group": _GROUPS,
    "account_code": _like(ACCOUNT_CODE, "Must be up to 80 letters, digits and . _ @ + -"),
    "permit": networks_fault,
    "deny": networks_fault,
    "max_contacts": _within(MAX_CONTACTS),
    "ring_time": _within(RING_TIME),
    "call_limit": _within(CALL_LIMIT),
    "options": options_fault,
    "recording": {
        **dict.fromkeys(
            ("inbound_external", "inbound_internal", "outbound_external", "outbound_internal"), _one_of(RECORDING)
        ),
        "on_demand": _one_of(ON_DEMAND),
        "priority": _within(PRIORITY),
    },
    "voicemail": {
        "context": _box_context,
        "password": _like(PIN, "Must be 4 to 20 digits."),
        "email": _MAIL,
        "pager": _MAIL,
        "options": mailbox_options_fault,
    },
}
