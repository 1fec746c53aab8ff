"""Where what is stored of a phone and what Asterisk runs disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pbxapi.pbx.dialect import Dialect, Objects
from pbxapi.pbx.plain_draft import box_of
from pbxapi.pbx.provisioning import Difference, Mailbox

COMPARED = ("context", "callerid", "mailboxes", "accountcode", "max_contacts")
"""Options that Asterisk shows as they were written."""


def differences(
    number: str, objects: Objects, dialect: Dialect, running: Mapping[str, str] | None, box: Mailbox | None
) -> Iterator[Difference]:
    """All of them; `running` is what Asterisk has, None for nothing."""
    for kind in dialect.kinds:
        if kind not in objects:
            yield Difference(f"stored {kind}", f"an {kind}", None, f"There is no {kind}: no phone can register")
    kind, option = dialect.fields["secret"]
    secret = objects.get(kind, {}).get(option)
    if not secret:
        yield Difference(f"stored {option}", "a secret", None, "No secret: PATCH one", False)
    context = box_of(dialect, objects)
    if context and box is None:
        yield Difference("voicemail.conf", f"{number}@{context}", None, "The mailbox is not there: PUT it again", False)
    if running is None:
        yield Difference("asterisk", f"an {dialect.main_kind}", None, "Asterisk has not loaded it")
        return
    stored = {option: value for options in objects.values() for option, value in options.items()}
    for option in COMPARED:
        if option in running and running[option] != stored.get(option, ""):
            yield Difference(f"asterisk {option}", stored.get(option), running[option], "Asterisk runs with another")
    if secret and running.get(option := dialect.fields["secret"][1]) not in (None, secret):
        yield Difference(f"asterisk {option}", None, None, "Asterisk runs with another secret")
    elif "password" not in running and "callerid" in running and "auth" in dialect.kinds:
        yield Difference("asterisk auth", "an auth", None, "Asterisk has no auth for it: no phone can register")
