"""What holds for operations on extensions wherever they are kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from pbxapi.errors import Invalid
from pbxapi.pbx.provisioning import Mailbox, Operation, Values

RESET = (
    "context", "caller_id", "codecs", "transport", "dtmf_mode", "call_group", "pickup_group", "recording",
    "max_contacts", "permit", "deny", "emergency_caller_id", "account_code", "ring_time", "call_limit", "webrtc",
    "voicemail",
)  # fmt: skip
"""Fields that a replacement sets to their default when it does not send them. Name, technology, secret and options
stay: nobody means to lose those by not naming them."""

_LEADS_TO_CONTEXT = re.compile(r"\w*context|dialout|callback", re.IGNORECASE)
_SETS_VARIABLE = re.compile(r"set_?var", re.IGNORECASE)


def check_each_once(operations: Sequence[Operation]) -> None:
    """Raise Invalid for a number that a batch names twice: what is it to be in the end?"""
    twice = [number for number, times in Counter(each.number for each in operations).items() if times > 1]
    if twice:
        raise Invalid(f"A batch changes a number only once: {', '.join(sorted(twice))}")


@contextmanager
def placed(place: int, *, several: bool) -> Iterator[None]:
    """Say which operation's fault it is, where there are several: `operations.3.secret`."""
    try:
        yield
    except Invalid as error:
        if not several:
            raise
        fields = {f"operations.{place}.{name}": words for name, words in error.fields.items()}
        raise Invalid(str(error), fields or {f"operations.{place}": [str(error)]}) from error


def check_reach(values: Values, contexts: Collection[str], settings: Mapping[str, str], box: Mailbox | None) -> None:
    """Raise Invalid for values that lead calls to contexts which callers may not name. What is so already is fine.

    `settings` are the device's and `box` its mailbox as they are.
    """
    faults = {
        "options": _reach_fault(values.get("options") or {}, settings, contexts),
        "voicemail.options": _reach_fault(
            (values.get("voicemail") or {}).get("options") or {}, box.options if box else {}, contexts
        ),
        "context": _reach_fault({"context": values.get("context")}, settings, contexts),
    }
    if found := {name: [fault] for name, fault in faults.items() if fault}:
        raise Invalid("The context may not be used", found)


def _reach_fault(options: Mapping[str, str | None], before: Mapping[str, str], contexts: Collection[str]) -> str | None:
    """What is wrong with options that lead calls to a context beyond those that callers may name, or run a function.

    As it was is fine. A variable of a device may be FILE() or SHELL(), set anew by each call (main/pbx_variables.c).
    """
    for keyword, value in options.items():
        if not value or value == before.get(keyword):
            continue
        if _LEADS_TO_CONTEXT.fullmatch(keyword) and value not in contexts:
            return f"{keyword}: CALL_CONTEXTS does not name it."
        if _SETS_VARIABLE.fullmatch(keyword) and "(" in value:
            return f"{keyword}: must be a plain variable, no function."
    return None
