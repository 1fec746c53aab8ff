"""Contestants: other clients of this protocol, each used as its own documentation shows, with events switched off.

Where one needs help to get through a benchmark at all, it gets it: a comment says so.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from importlib import import_module
from typing import Any

from bench.contest import HEADERS, run_threads
from bench.exchange import SECRET, USERNAME

LIST_TIMEOUT = 60.0


class AsteriskAmi:
    """`asterisk-ami` (python-ami): one session, a reader thread, a future an action."""

    def __init__(self, port: int) -> None:
        self._ami: Any = import_module("asterisk.ami")
        # Its timeout is also that of an idle session: 3 s as it comes, and then it reads no more.
        self._client = self._ami.AMIClient(address="127.0.0.1", port=port, timeout=LIST_TIMEOUT)
        assert not self._client.login(username=USERNAME, secret=SECRET).response.is_error()
        self._ask("Events", "events", EventMask="off")
        self._client.add_event_listener(self._on_event)
        self._numbers = itertools.count(1)
        self._listing = ""
        self._events: list[Any] = []
        self._listed = threading.Event()

    def serial(self, count: int) -> None:
        self._pings("0", count)

    def threads(self, count: int, threads: int) -> None:
        run_threads(threads, lambda number: self._pings(str(number), count // threads))

    def pipelined(self, count: int, depth: int) -> None:
        for _ in range(count // depth):
            for future in [self._send("Ping", f"ping-{number}") for number in range(depth)]:
                assert future.response is not None

    def listing(self) -> int:
        self._events = []
        self._listed.clear()
        self._listing = f"list-{next(self._numbers)}"
        self._ask("PJSIPShowEndpoints", self._listing)
        assert self._listed.wait(LIST_TIMEOUT)
        return len([[event[header] for header in HEADERS] for event in self._events])

    def _on_event(self, event: Any, **_: Any) -> None:
        if event.keys.get("ActionID") == self._listing:
            if event.name == "EndpointListComplete":
                self._listed.set()
            else:
                self._events.append(event)

    def _pings(self, thread: str, count: int) -> None:
        # ActionIDs of our own: those that it makes are not safe between threads.
        for number in range(count):
            self._ask("Ping", f"{thread}-{number}")

    def _ask(self, action: str, action_id: str, **fields: str) -> None:
        assert self._send(action, action_id, **fields).response is not None

    def _send(self, action: str, action_id: str, **fields: str) -> Any:
        return self._client.send_action(self._ami.SimpleAction(action, ActionID=action_id, **fields))


class Panoramisk:
    """`panoramisk`: asyncio in one thread. For "threads" it gets tasks, which is what suits it."""

    def __init__(self, port: int) -> None:
        panoramisk: Any = import_module("panoramisk")
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._manager = panoramisk.Manager(
            loop=self._loop, host="127.0.0.1", port=port, username=USERNAME, secret=SECRET, events="off"
        )
        self._loop.run_until_complete(self._log_in())

    def serial(self, count: int) -> None:
        self._loop.run_until_complete(self._pings(count))

    def threads(self, count: int, threads: int) -> None:
        self._loop.run_until_complete(self._tasks(count, threads))

    def pipelined(self, count: int, depth: int) -> None:
        self._loop.run_until_complete(self._batches(count // depth, depth))

    def listing(self) -> int:
        return self._loop.run_until_complete(self._listing())

    async def _log_in(self) -> None:
        await self._manager.connect()
        while not self._manager.authenticated:  # its own future is made only once it is connected
            await asyncio.sleep(0.001)

    async def _pings(self, count: int) -> None:
        for _ in range(count):
            answer = await self._manager.send_action({"Action": "Ping"})
            assert answer.success

    async def _tasks(self, count: int, tasks: int) -> None:
        await asyncio.gather(*(self._pings(count // tasks) for _ in range(tasks)))

    async def _batches(self, batches: int, depth: int) -> None:
        for _ in range(batches):
            for future in [self._manager.send_action({"Action": "Ping"}) for _ in range(depth)]:
                await future

    async def _listing(self) -> int:
        _, *events, _ = await self._manager.send_action({"Action": "PJSIPShowEndpoints"}, as_list=True)
        return len([[event[header] for header in HEADERS] for event in events])


class Pyst2:
    """`pyst2`: one session and three threads; an answer is whichever comes next."""

    def __init__(self, port: int) -> None:
        self._manager: Any = import_module("asterisk.manager").Manager()
        self._manager.connect("127.0.0.1", port)
        self._manager.login(USERNAME, SECRET)
        self._manager.send_action({"Action": "Events", "EventMask": "off"})
        self._manager.register_event("EndpointList", self._on_item)
        self._manager.register_event("EndpointListComplete", self._on_end)
        self._events: list[Any] = []
        self._listed = threading.Event()

    def serial(self, count: int) -> None:
        for _ in range(count):
            self._manager.ping()

    def threads(self, count: int, threads: int) -> None:
        run_threads(threads, lambda _: self.serial(count // threads))

    def listing(self) -> int:
        self._events = []
        self._listed.clear()
        self._manager.send_action({"Action": "PJSIPShowEndpoints"})
        assert self._listed.wait(LIST_TIMEOUT)
        return len([[event[header] for header in HEADERS] for event in self._events])

    def _on_item(self, event: Any, _: Any) -> None:
        self._events.append(event)

    def _on_end(self, _: Any, __: Any) -> None:
        self._listed.set()
