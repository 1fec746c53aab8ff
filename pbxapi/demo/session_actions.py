"""Actions about the session itself: logging in and out, and what it hears."""

from __future__ import annotations

import threading
import time

from pbxapi.demo.access import ALL, User, parse_mask
from pbxapi.demo.actions import REGISTRY, Asked, action
from pbxapi.demo.session import Answer, Later

FAILED_LOGIN_DELAY = 1.0  # seconds, so that guessing is slow


@action("Challenge", "Generate Challenge for MD5 Auth.", before_login=True)
def challenge(asked: Asked) -> Answer:
    """A number to hash the secret with."""
    if asked.request.get("AuthType").lower() != "md5":
        return asked.error("Must specify AuthType")
    asked.session.challenge = str(int(asked.world.numbering.uuid()[:8], 16))
    return asked.success(("Challenge", asked.session.challenge))


@action("Login", "Login Manager.", before_login=True)
def login(asked: Asked) -> Answer | Later:
    """The same words for a wrong user and a wrong secret, a second later, and then the end."""
    session = asked.session
    if session.user is not None:
        return asked.said("Already authenticated")
    username = asked.request.get("Username")
    user = asked.world.users.get(username)
    if user is None or not _proves(asked, user):
        refusal = asked.error("Authentication failed", close=True)
        return Later(threading.Event(), FAILED_LOGIN_DELAY, lambda: refusal)
    session.user, session.username = user, username
    session.wanted = parse_mask(asked.request.get("Events"))
    messages = list(asked.said("Authentication accepted").messages)
    if "system" in user.read & session.wanted:
        uptime = str(int(asked.world.clock.now() - asked.world.clock.started))
        booted = [("Uptime", uptime), ("LastReload", uptime), ("Status", "Fully Booted")]
        messages.append([("Event", "FullyBooted"), ("Privilege", "system,all"), *booted])
    asked.world.bus.attach(session)
    _tell_success(asked)
    return Answer(messages)


def _proves(asked: Asked, user: User) -> bool:
    if asked.request.get("AuthType").lower() != "md5":
        return user.knows(asked.request.get("Secret"))
    given = asked.session.challenge
    return bool(given) and user.answers(given, asked.request.get("Key"))


def _tell_success(asked: Asked) -> None:
    session, now = asked.session, asked.world.clock.now()
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}+0000"
    local, remote = (f"IPV4/TCP/{host}/{port}" for host, port in (session.local, session.remote))
    headers = [
        ("EventTV", moment),
        ("Severity", "Informational"),
        ("Service", "AMI"),
        ("EventVersion", "1"),
        ("AccountID", session.username),
        ("SessionID", f"0x{id(session):x}"),
        ("LocalAddress", local),
        ("RemoteAddress", remote),
        ("UsingPassword", "0"),
        ("SessionTV", moment),
    ]
    asked.world.bus.tell("SuccessfulAuth", "security", headers)


@action("Logoff", "Logoff Manager.", before_login=True)
def logoff(asked: Asked) -> Answer:
    """Say goodbye and close."""
    goodbye = [("Response", "Goodbye"), *asked.action_id, ("Message", "Thanks for all the fish.")]
    return Answer([goodbye], close=True)


@action("Events", "Control Event Flow.")
def events(asked: Asked) -> Answer:
    """Change what this session hears."""
    mask = asked.request.get("EventMask")
    if not mask:
        return asked.error("Invalid event mask")
    asked.session.wanted = parse_mask(mask)
    return asked.success(("Events", "On" if asked.session.wanted else "Off"))


@action("Ping", "Keepalive command.")
def ping(asked: Asked) -> Answer:
    """Pong."""
    return asked.success(("Ping", "Pong"), ("Timestamp", f"{asked.world.clock.now():.6f}"))


@action("ListCommands", "List available manager commands.")
def list_commands(asked: Asked) -> Answer:
    """The actions that this user may run."""
    allowed = asked.session.user.write if asked.session.user else ALL
    found = sorted(REGISTRY.values(), key=lambda one: one.name.lower())
    return asked.success(
        *((one.name, f"{one.words}  (Priv: {one.privilege})") for one in found if one.allowed(allowed))
    )
