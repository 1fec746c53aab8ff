"""The exchange as it is now, for Prometheus: asked when somebody scrapes, by way of the shared live lists."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pbxapi.errors import PbxError
from pbxapi.http.queue_answers import agents_of

if TYPE_CHECKING:
    from pbxapi.pbx.interfaces import Pbx

log = logging.getLogger("pbxapi.metrics")

PATIENCE = 3.0
"""Seconds for all parts together: Prometheus itself gives up after 10."""
MOST_QUEUES = 500

Family = GaugeMetricFamily


class ExchangeMetrics(Collector):
    """Peers, channels, calls, queues, parking and what waits to be applied. A part that does not answer is left out.

    Labels are states and technologies, and the names of queues; never a number, a channel or a caller.
    """

    def __init__(self, pbx: Pbx) -> None:
        self._parts: dict[str, Callable[[], Iterable[Family]]] = {
            "peers": lambda: _peers(pbx), "channels": lambda: _channels(pbx), "calls": lambda: _calls(pbx),
            "queues": lambda: _queues(pbx), "parking": lambda: _parking(pbx), "apply": lambda: _apply(pbx),
        }  # fmt: skip
        self._lock = threading.Lock()
        # Threads are made as they are needed: after the fork of a worker.
        self._threads = ThreadPoolExecutor(len(self._parts), thread_name_prefix="metrics")
        self._asked: dict[str, Future[list[Family]]] = {}

    def describe(self) -> Iterable[Family]:
        """Nothing: to know the names it would have to ask the exchange."""
        return ()

    def collect(self) -> Iterator[Family]:
        """Ask all parts at once, and wait for them together."""
        deadline = time.monotonic() + PATIENCE
        answered = Family("pbxapi_scrape_ok", "Whether this part of the exchange answered in time.", labels=["part"])
        for part, future in [(part, self._ask(part)) for part in self._parts]:
            families = _result(part, future, deadline)
            answered.add_metric([part], float(families is not None))
            yield from families or ()
        yield answered

    def _ask(self, part: str) -> Future[list[Family]]:
        """Ask a part, unless it is being asked: while the exchange hangs, scrapes do not pile up behind it."""
        with self._lock:
            asked = self._asked.get(part)
            if asked is None or asked.done():
                # With the id of this request, for the log and Asterisk's own.
                asked = self._threads.submit(copy_context().run, _listed, self._parts[part])
                self._asked[part] = asked
            return asked


def _listed(ask: Callable[[], Iterable[Family]]) -> list[Family]:
    return list(ask())


def _result(part: str, future: Future[list[Family]], deadline: float) -> list[Family] | None:
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        log.warning("%s did not answer a scrape in time", part)
    except Exception as error:
        # The manager client's errors are not ours to know here; a scrape goes on without the part in any case.
        level = logging.WARNING if isinstance(error, PbxError) else logging.INFO
        log.log(level, "%s did not answer a scrape: %s", part, type(error).__name__)
    return None


def _counted(name: str, about: str, labels: list[str], rows: Iterable[tuple[str, ...]]) -> Family:
    family = Family(name, about, labels=labels)
    for values, count in Counter(rows).items():
        family.add_metric(values, count)
    return family


def _peers(pbx: Pbx) -> Iterator[Family]:
    rows = [(peer.technology, peer.state) for peer in pbx.peers.all().value]
    yield _counted("pbxapi_peers", "Devices and trunks.", ["technology", "state"], rows)


def _channels(pbx: Pbx) -> Iterator[Family]:
    yield _counted("pbxapi_channels", "Live channels.", ["state"], [(each.state,) for each in pbx.channels.all().value])


def _calls(pbx: Pbx) -> Iterator[Family]:
    rows = [(call.status, call.direction or "unknown") for call in pbx.calls.all().value]
    yield _counted("pbxapi_calls", "Calls that are going on.", ["status", "direction"], rows)


def _queues(pbx: Pbx) -> Iterator[Family]:
    found = pbx.queues.all().value[:MOST_QUEUES]
    waiting = Family("pbxapi_queue_waiting", "Callers who wait.", labels=["queue"])
    longest = Family("pbxapi_queue_longest_wait_seconds", "How long the first of them has waited.", labels=["queue"])
    agents = Family("pbxapi_queue_members", "Members by what they do.", labels=["queue", "state"])
    for queue in found:
        waiting.add_metric([queue.queue], len(queue.callers))
        longest.add_metric([queue.queue], queue.longest_wait)
        for name, count in agents_of(queue).items():
            agents.add_metric([queue.queue, name.removeprefix("agents_")], count)
    yield from (waiting, longest, agents)


def _parking(pbx: Pbx) -> Iterator[Family]:
    parked = Family("pbxapi_parked_calls", "Calls that are parked.")
    parked.add_metric([], sum(len(lot.calls) for lot in pbx.parking.all().value))
    yield parked


def _apply(pbx: Pbx) -> Iterator[Family]:
    if pbx.applying is not None:
        pending = Family("pbxapi_apply_pending", "1 where changes wait to be applied.")
        pending.add_metric([], float(bool(pbx.applying.status().pending)))
        yield pending
