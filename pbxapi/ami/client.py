"""The manager client: actions, lists and events, each on a lane of its own, shared by all threads of a process."""

from __future__ import annotations

import itertools
import logging
import os
import re
import secrets
import weakref
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

from pbxapi.ami.errors import AmiError, AmiUnavailable
from pbxapi.ami.events import Subscription
from pbxapi.ami.exchange import Exchange, Reply
from pbxapi.ami.lane import ClientConfig, Lane
from pbxapi.ami.pending import Pending, log_outcome
from pbxapi.ami.protocol import encode

logger = logging.getLogger("pbxapi.ami")

_UNFIT = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)


class Client:
    """A client of one manager. Nothing is opened before it is needed, and nothing is ever sent twice.

    Safe to share between threads, and between a process and its forks: a child opens sessions of its own.
    `action_id_prefix` is asked at each action for what its ActionID begins with, say the id of a request.
    """

    def __init__(self, config: ClientConfig, *, action_id_prefix: Callable[[], str] = lambda: "pbxapi") -> None:
        self._config = config
        self._prefix = action_id_prefix
        self._start_afresh()
        _clients.add(self)

    def _start_afresh(self) -> None:
        # An action and a long list each hold up what is behind them on their session, events as well.
        self._quick = Lane("quick", self._config, "off")
        self._lists = Lane("lists", self._config, "off")
        self._events = Lane("events", self._config, self._config.events)
        self._token = secrets.token_hex(4)  # tells processes apart
        self._counter = itertools.count(1)

    def request(
        self,
        action: str,
        fields: Iterable[tuple[str, str]] = (),
        *,
        until: str | None = None,
        timeout: float | None = None,
        slow: bool = False,
    ) -> Reply:
        """Send an action and wait for its answer, `timeout` seconds in all.

        `until` names the event that ends a list, as `EndpointListComplete`; `slow` is for an action that takes its
        time, so that quick ones do not wait behind it. Raises AmiInvalid, AmiRefused (AmiUnknownAction, AmiDenied),
        AmiTimeout and AmiUnavailable.
        """
        return self.start(action, fields, until=until, timeout=timeout, slow=slow).result()

    def start(
        self,
        action: str,
        fields: Iterable[tuple[str, str]] = (),
        *,
        until: str | None = None,
        timeout: float | None = None,
        slow: bool = False,
    ) -> Pending:
        """Send an action and return at once; the deadline runs from here. Raises AmiInvalid and AmiUnavailable."""
        return self.start_all([(action, fields)], until=until, timeout=timeout, slow=slow)[0]

    def start_all(
        self,
        actions: Sequence[tuple[str, Iterable[tuple[str, str]]]],
        *,
        until: str | None = None,
        timeout: float | None = None,
        slow: bool = False,
    ) -> list[Pending]:
        """Send many actions in one go, as `start` does one; Asterisk runs them in their order, and answers each.

        Their answers have to fit what the network keeps for whoever does not read: some hundreds of short ones. Raises
        AmiInvalid when one of them cannot be sent, and then none is, and AmiUnavailable.
        """
        started = monotonic()
        deadline = started + (self._config.timeout if timeout is None else timeout)
        lane = self._lists if slow or until is not None else self._quick
        action = ""
        exchanges, data = [], []
        try:
            prefix = self._id_prefix()
            for action, fields in actions:
                action_id = f"{prefix}.{next(self._counter)}"
                data.append(encode(action, fields, action_id))
                exchanges.append(Exchange(action_id.encode(), until))
            session = lane.open(deadline)
            started_all = [
                Pending(name, exchange, session, started, deadline)
                for (name, _), exchange in zip(actions, exchanges, strict=True)
            ]
            session.send(exchanges, b"".join(data), deadline)
        except AmiError as error:
            log_outcome(action, lane.name, started, error)
            raise
        return started_all

    def command(self, text: str, timeout: float | None = None) -> list[str]:
        """The output lines of a CLI command. Raises as `request` does; AmiRefused for a command that is not there."""
        return self.request("Command", [("Command", text)], timeout=timeout).response.all("Output")

    def subscribe(self, *events: str, size: int = 10_000) -> Subscription:
        """Receive events by name, all of them when no name is given; returns when they are flowing.

        `size` bounds how many wait unread. Raises AmiUnavailable.
        """
        deadline = monotonic() + self._config.timeout
        while monotonic() < deadline:
            session = self._events.open(deadline)
            subscription = Subscription(events, size, session.detach)
            if session.attach(subscription):
                return subscription
        raise AmiUnavailable("the events session does not stay")

    def close(self) -> None:
        """Close the sessions and end their threads. The client cannot be used again."""
        for lane in self._lanes:
            lane.close()

    @property
    def banner(self) -> str | None:
        """How the server greeted, as `Asterisk Call Manager/11.0.0`; None before the first session."""
        for lane in self._lanes:
            if lane.session is not None:
                return lane.session.banner
        return None

    def status(self) -> dict[str, str]:
        """Each lane's state, with no network: `up`, `idle` (not needed yet) or `down` (the last attempt failed)."""
        return {lane.name: lane.state for lane in self._lanes}

    @property
    def _lanes(self) -> tuple[Lane, Lane, Lane]:
        return self._quick, self._lists, self._events

    def _id_prefix(self) -> str:
        """What the ActionIDs of one request to this process begin with."""
        prefix = self._prefix()[:64]
        if not (prefix.isascii() and prefix.isalnum()):
            prefix = _UNFIT.sub("-", prefix)
        return f"{prefix}-{self._token}"

    def _after_fork(self) -> None:
        for lane in self._lanes:
            lane.abandon()
        self._start_afresh()


_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for client in list(_clients):
        client._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
