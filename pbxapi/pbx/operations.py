"""What holds for operations on extensions wherever they are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pbxapi.errors import Invalid
from pbxapi.pbx.provisioning import Operation

RESET = (
    "context", "caller_id", "codecs", "transport", "dtmf_mode", "call_group", "pickup_group", "recording",
    "max_contacts", "permit", "deny", "emergency_caller_id", "account_code", "ring_time", "call_limit", "webrtc",
    "voicemail",
)  # fmt: skip
"""Fields that a replacement sets to their default when it does not send them. Name, technology, secret and options
stay: nobody means to lose those by not naming them."""


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
