"""The commands of the older interface: a small function each, over the objects that the REST interface uses."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pbxapi.errors import Invalid, NotFound, Refused, Unavailable
from pbxapi.http import audit
from pbxapi.http.call_policy import placing
from pbxapi.legacy.active_calls import table, totals
from pbxapi.legacy.envelope import Failure
from pbxapi.legacy.parameters import Parameters

if TYPE_CHECKING:
    from pbxapi.pbx.interfaces import Pbx
    from pbxapi.settings import Settings

log = logging.getLogger("pbxapi.legacy")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command works with: the exchange, the settings, what was sent, and whose key it was, from where."""

    pbx: Pbx
    settings: Settings
    given: Parameters
    key: str
    remote: str


class Text(str):
    """A body that is no JSON."""

    __slots__ = ()


Function = Callable[[Asked], object]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Command:
    """`function` gives what is sent as JSON, Text or a Response.

    `scope` is what a key needs for it, or one of `others`; `successor` is the resource that takes its place.
    """

    name: str
    scope: str
    successor: str
    function: Function
    others: tuple[str, ...] = ()


COMMANDS: dict[str, Command] = {}


def command(scope: str, successor: str, *others: str) -> Callable[[F], F]:
    """Serve a command by the function of its name."""

    def register(function: F) -> F:
        name = function.__name__
        COMMANDS[name] = Command(name, scope, successor, function, others)
        return function

    return register


@command("secrets", "/keys")
def auth(asked: Asked) -> object:
    """The manager's user and password."""
    allowed = asked.settings.legacy.auth_enabled
    log.info("auth: %s to the key %s at %s", "given" if allowed else "refused", asked.key, asked.remote)
    if not allowed:
        raise Failure(403, "auth is switched off here: see LEGACY_AUTH_ENABLED")
    who = asked.pbx.credentials
    if not who.username:
        raise Unavailable("No manager user is known here: set AMI_USERNAME and AMI_SECRET", part="ami")
    audit.record("secret.read", "manager user")
    return {"lordword": base64.b64encode(f"{who.username}:{who.secret}".encode()).decode()}


@command("read", "/peers")
def sippeers(asked: Asked) -> object:
    """The peers of the technology that is in use, as Asterisk's own list names their headers."""
    return [{name: value for name, value in row if name} for row in asked.pbx.peers.rows(asked.pbx.technology)]


@command("secrets", "/extensions")
def sipextensions(asked: Asked) -> object:
    """The SIP sections of the configuration, their secrets among them."""
    found = asked.pbx.sip_extensions.sections()
    audit.record("secret.read", "extensions", detail=f"{len(found)} sections")
    return found


@command("read", "/channels")
def activecall(asked: Asked) -> object:
    """The live channels."""
    channels = asked.pbx.channels.all().value
    rows: list[object] = [*table(channels)]
    if asked.settings.legacy.mode == "classic":
        rows += totals(len(channels), *asked.pbx.channels.totals())
    return rows


@command("read", "/channels")
def channelstatus(asked: Asked) -> object:
    """The manager's own answer for one channel or for all."""
    try:
        return Text(asked.pbx.channels.status_text(asked.given.queried("channel") or None))
    except NotFound:
        return Text("Response: Error\nMessage: No such channel\n")


@command("read", "/parking")
def parkedcalls(asked: Asked) -> object:
    """The manager's own answer."""
    return Text(asked.pbx.parking.text())


@command("calls", "/calls")
def originatecall(asked: Asked) -> object:
    """Ring `channel`, then dial `extension` for it."""
    given = asked.given
    channel, extension = given.required("channel"), given.required("extension")
    context = given.text("context", "from-internal")
    timeout = given.number("timeout", 30_000, least=1, most=3_600_000)
    where = {context, channel.partition("@")[2].partition("/")[0]} if channel.startswith("Local/") else {context}
    for outside in where.difference(asked.settings.calls.contexts):
        raise Invalid(f"The context {outside} may not be dialled: CALL_CONTEXTS does not name it")
    try:
        with placing(extension, origin=channel, caller_id=given.text("callerid")) as note:
            note(asked.pbx.calls.originate(channel, context, extension, given.text("callerid"), timeout))
    except Refused as error:
        log.info("originatecall: %s", error)
        return {"status": "FAILED", "code": 200}
    except Invalid as error:
        raise Invalid(_in_old_names(error)) from error
    after = {"from": channel, "to": extension, "context": context, "caller_id": given.text("callerid")}
    audit.record("call.place", f"call to {extension}", after=after)
    return {"status": "CALL INITIATED", "code": 200}


@command("read", "/ari/channels")
def arichannels(asked: Asked) -> object:
    """ARI's own list."""
    if asked.pbx.ari is None:
        raise Unavailable("ARI is switched off here: set ARI_ENABLED", part="ari")
    return asked.pbx.ari.channels()


def _in_old_names(error: Invalid) -> str:
    names = {"from": "channel", "to": "extension", "caller_id": "callerid"}
    wrong = (f"{names.get(field, field)}: {' '.join(words)}" for field, words in error.fields.items())
    return f"{error}. {' '.join(wrong)}".strip()
