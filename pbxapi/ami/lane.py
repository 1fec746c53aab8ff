"""A lane: at most one session, opened when first needed, logged in, and opened again after a loss."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import logging
import random
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from pbxapi.ami.connection import Connection
from pbxapi.ami.errors import AmiError, AmiInvalid, AmiLoginRefused, AmiRefused, AmiTimeout, AmiUnavailable
from pbxapi.ami.exchange import Exchange, Reply
from pbxapi.ami.pending import Pending
from pbxapi.ami.protocol import encode
from pbxapi.ami.stream import connect

logger = logging.getLogger("pbxapi.ami")

# For how many seconds an idle session is given to answer a Ping, and what is too short to tell.
LONG_PROBE = 1.0
SHORT_PROBE = 0.1

# For how many seconds others wait for the thread that tries to have a session again. It may take seconds to find out
# that a server which hangs still hangs: whoever comes meanwhile is told so, rather than be one more thread that waits.
WAIT_WHILE_DOWN = 1.0


@dataclass(frozen=True)
class ClientConfig:
    """Where the manager is and how long to wait for it. All times are in seconds."""

    host: str = "127.0.0.1"
    port: int = 5038
    username: str = ""
    secret: str = field(default="", repr=False)
    tls: bool = False
    ca_file: str | None = None
    """Certificates to trust instead of the system's."""
    check_hostname: bool = True
    connect_timeout: float = 3.0
    """From the first packet until logged in."""
    timeout: float = 5.0
    """For an action, when the caller names none."""
    write_timeout: float = 2.0
    """After which a server that does not read has lost its session."""
    events: str = "call"
    """The mask of event classes of the events lane, as in manager.conf."""
    backoff_first: float = 0.1
    backoff_max: float = 5.0
    probe_after: float = 30.0
    """An idle session is asked for a sign of life before it is used again."""


class Lane:
    """Hands out a session that is open, opening it if need be: one thread opens, others wait until their deadline."""

    def __init__(self, name: str, config: ClientConfig, events: str) -> None:
        self.name = name
        self._config = config
        self._events = events
        self._opening = threading.Lock()
        self._session: Connection | None = None
        self._failures = 0
        self._not_before = 0.0
        self._closed = False
        self._context: ssl.SSLContext | None = None

    @property
    def state(self) -> str:
        """`up`, `down` after a failed attempt to open it, `idle` when nothing has needed it since."""
        session = self._session
        if session is not None and session.lost is None:
            return "up"
        return "down" if self._failures else "idle"

    @property
    def session(self) -> Connection | None:
        """The session as it is now, open or not."""
        return self._session

    def open(self, deadline: float) -> Connection:
        """A session that is logged in. Raises AmiUnavailable, at once while waiting to connect again."""
        session = self._session
        if session is not None and session.usable(self._config.probe_after):
            return session
        patience = max(0.0, deadline - monotonic())
        if self._failures or (session is not None and session.doubtful):
            patience = min(patience, WAIT_WHILE_DOWN)
        if not self._opening.acquire(timeout=patience):
            raise AmiUnavailable("no session in time: another thread is still opening it")
        try:
            return self._renew(deadline)
        finally:
            self._opening.release()

    def close(self) -> None:
        """Close the session for good."""
        self._closed = True
        with self._opening:
            if self._session is not None:
                self._session.close("the client was closed")
                self._session.join(self._config.write_timeout + 1)

    def abandon(self) -> None:
        """In the child of a fork: leave the session to the parent. Takes no lock."""
        if self._session is not None:
            self._session.abandon()

    def _renew(self, deadline: float) -> Connection:
        session = self._session
        if session is not None and (session.usable(self._config.probe_after) or self._alive(session, deadline)):
            return session
        if self._closed:
            raise AmiUnavailable("the client was closed")
        wait = self._not_before - monotonic()
        if wait > 0:
            raise AmiUnavailable("no session: waiting to connect again", retry_after=wait)
        limit = monotonic() + self._config.connect_timeout
        try:
            self._session = self._connect(min(deadline, limit))
        except AmiUnavailable as error:
            if deadline >= limit or monotonic() < deadline:  # a caller in too great a hurry says nothing of the server
                error.retry_after = self._back_off()
                logger.warning("%s: no session: %s", self.name, error)
            raise
        self._failures = 0
        return self._session

    def _alive(self, session: Connection, deadline: float) -> bool:
        """Ask an idle session for a sign of life, so that a dead one costs a reconnect and not a lost action."""
        if session.lost is not None:
            return False
        now = monotonic()
        patience = min(LONG_PROBE, (deadline - now) / 3)
        if patience < SHORT_PROBE:
            return True  # there is no time to find out
        session.probing = True
        try:
            self._ask(session, "Ping", (), now + patience)
        except AmiError as error:
            session.close(f"no sign of life: {error}")
            return False
        finally:
            session.probing = False
        return True

    def _back_off(self) -> float:
        """Seconds until the next attempt, with jitter so that several processes do not come at once."""
        seconds = min(self._config.backoff_max, self._config.backoff_first * 2.0 ** min(self._failures, 30))
        seconds *= random.uniform(0.5, 1.0)  # noqa: S311 (no secret hangs on it)
        self._failures += 1
        self._not_before = monotonic() + seconds
        return seconds

    def _connect(self, deadline: float) -> Connection:
        config = self._config
        try:
            stream = connect(
                config.host,
                config.port,
                deadline=deadline,
                write_timeout=config.write_timeout,
                context=self._tls if config.tls else None,
            )
        except (OSError, ValueError) as error:  # ValueError: a host that can be no name
            raise AmiUnavailable(f"cannot connect: {error}") from error
        session = Connection(stream, self.name)
        try:
            session.greeting(deadline)
            self._login(session, deadline)
        except BaseException as error:
            session.close("not logged in")
            if isinstance(error, AmiTimeout | AmiInvalid):
                raise AmiUnavailable(f"cannot log in: {error}") from error
            raise
        logger.info("%s: session open, %s", self.name, session.banner)
        return session

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            context = ssl.create_default_context(cafile=self._config.ca_file)
            context.check_hostname = self._config.check_hostname
            self._context = context
        return self._context

    def _login(self, session: Connection, deadline: float) -> None:
        """Log in with the MD5 challenge, or with the secret itself where the server has no challenge."""
        challenge = ""
        with contextlib.suppress(AmiRefused):
            challenge = self._ask(session, "Challenge", [("AuthType", "MD5")], deadline).response.get("Challenge")
        fields = [("Username", self._config.username), ("Events", self._events)]
        if challenge:
            digest = hashlib.md5((challenge + self._config.secret).encode(), usedforsecurity=False)
            fields += [("AuthType", "MD5"), ("Key", digest.hexdigest())]
        else:
            if not (self._config.tls or _is_loopback(self._config.host)):
                logger.warning("%s: no MD5 challenge there, the secret goes over the network as it is", self.name)
            fields += [("Secret", self._config.secret)]
        try:
            self._ask(session, "Login", fields, deadline)
        except AmiRefused as error:
            raise AmiLoginRefused(f"login refused: {error.words}") from error

    def _ask(self, session: Connection, action: str, fields: Iterable[tuple[str, str]], deadline: float) -> Reply:
        """An action of the session's own, numbered by its time: there is one of them at a time."""
        started = monotonic()
        action_id = f"pbxapi-{self.name}-{started:.9f}"
        exchange = Exchange(action_id.encode(), None)
        pending = Pending(action, exchange, session, started, deadline)
        session.send([exchange], encode(action, fields, action_id), deadline)
        return pending.result()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
