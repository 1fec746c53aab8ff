"""`addextension`, `updateextension`, `deleteextension`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pbxapi.errors import Invalid, NotFound, Unavailable
from pbxapi.http.context import capable
from pbxapi.http.extension_answers import tag
from pbxapi.http.extensions import note
from pbxapi.http.tags import Precondition
from pbxapi.legacy.commands import Asked, command
from pbxapi.legacy.envelope import Failure
from pbxapi.legacy.parameters import Parameters
from pbxapi.pbx.provisioning import Extensions, Operation, Outcome, Write

FIELDS = {
    "name": "name", "secret": "secret", "context": "context", "dtmfmode": "dtmf_mode", "callgroup": "call_group",
    "pickupgroup": "pickup_group", "accountcode": "account_code",
}  # fmt: skip
"""Parameters that are fields of an extension, whatever its technology."""

SIP_FIELDS = {"permit": "permit", "deny": "deny", "transport": "transport"}
"""Those that only chan_sip has as the older system knew them: PJSIP's transports have names."""

SIP_DEFAULTS = {
    "dtmfmode": "rfc2833", "canreinvite": "no", "host": "dynamic", "trustrpid": "yes", "sendrpid": "no", "nat": "no",
    "port": "5060", "qualify": "yes", "qualifyfreq": "60", "transport": "udp", "avpf": "no", "icesupport": "no",
    "encryption": "no", "permit": "0.0.0.0/0.0.0.0", "callcounter": "yes", "faxdetect": "no",
}  # fmt: skip
"""What the older system wrote for what was not sent. For PJSIP the exchange's own defaults are the better ones."""

OPTIONS = (
    "type", "canreinvite", "host", "trustrpid", "sendrpid", "nat", "port", "qualify", "qualifyfreq", "avpf",
    "icesupport", "encryption", "mailbox", "callcounter", "faxdetect",
)  # fmt: skip
"""Parameters that are settings of a device; one that the exchange does not know is left out, as it has no effect."""

REQUIRED = ("account", "name", "secret", "context", "type")


def _extensions(asked: Asked) -> Extensions:
    return capable(asked.pbx.extensions, "extensions that can be changed")


@command("provision", "/extensions")
def addextension(asked: Asked) -> object:
    """Create an extension, with what was sent and the older system's defaults."""
    extensions = _extensions(asked)
    number, *_ = [asked.given.required(name) for name in REQUIRED]
    technology = asked.pbx.technology
    try:
        extensions.get(number)
    except NotFound:
        defaults = SIP_DEFAULTS if technology == "sip" else {}
        values = _values(asked.given, technology, extensions.options(technology), defaults)
        _write(extensions, Operation("create", number, values | {"technology": technology}))
        return {"status": "INSERT OK", "code": 200}
    return {"status": "ALREADY EXISTS", "code": 200}


@command("provision", "/extensions")
def updateextension(asked: Asked) -> object:
    """Change what was sent, and nothing else."""
    extensions = _extensions(asked)
    number = asked.given.required("account")
    try:
        technology = extensions.get(number).technology
        values = _values(asked.given, technology, extensions.options(technology), {})
        _write(extensions, Operation("update", number, values))
    except NotFound:
        if asked.settings.legacy.mode != "classic":
            raise Failure(404, "Extension not found") from None
    return {"status": "UPDATE OK", "code": 200}


@command("provision", "/extensions")
def deleteextension(asked: Asked) -> object:
    """Delete an extension, also one that others mention: the older system never asked."""
    extensions = _extensions(asked)
    number = asked.given.required("account")
    with suppress(NotFound):
        _write(extensions, Operation("delete", number))
    return {"status": "DELETE OK", "code": 200}


def _values(given: Parameters, technology: str, options: frozenset[str], defaults: Mapping[str, str]) -> dict[str, Any]:
    sent = {name: given.sent(name) for name in (*FIELDS, *SIP_FIELDS, *OPTIONS)}
    told = {name: defaults.get(name) if value is None else value for name, value in sent.items()}
    fields = FIELDS | SIP_FIELDS if technology == "sip" else FIELDS
    values: dict[str, Any] = {
        field: told[name] or None for name, field in fields.items() if told[name] is not None and name != "secret"
    }
    if told["secret"]:
        values["secret"] = told["secret"]
    chosen = {name: told[name] for name in OPTIONS if told[name] is not None and name in options}
    # Empty is what the forms of old clients send for what nobody filled in.
    chosen = {name: value for name, value in chosen.items() if value or name not in SIP_DEFAULTS}
    return values | ({"options": chosen} if chosen else {})


def _write(extensions: Extensions, operation: Operation) -> None:
    unchanged = Precondition(tag)
    try:
        done = extensions.write([operation], Write(force=True, check=unchanged))
    except Invalid as error:
        raise Invalid(in_old_names(error)) from error
    note(operation, done, unchanged.before, done.results[0].extension)
    check_applied(done)


def check_applied(done: Outcome) -> None:
    """OK is said only where it is: Asterisk does not run yet what was written. Raises Unavailable."""
    if not done.applied:
        raise Unavailable(f"It is written, and not in effect: {done.reason}", part="configuration")


def in_old_names(error: Invalid) -> str:
    """What is wrong, by the names of this interface's parameters."""
    names = {field: name for name, field in (FIELDS | SIP_FIELDS).items()} | {"extension": "account"}
    wrong = (f"{names.get(field, field)}: {' '.join(words)}" for field, words in error.fields.items())
    return f"{error}. {' '.join(wrong)}".strip()
