"""gunicorn's worker of threads: told to end at any moment of its life, and heard when all of its threads wait."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

ENDINGS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})

LIVE = re.compile(rb"(GET|HEAD) \S*/health/live[ ?]")
FIRST_BYTES = 200
PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT
PATIENCE = 2
"""Milliseconds for which a request that follows its connection is waited for: nothing else could be begun anyway."""


class Worker(ThreadWorker):  # type: ignore[misc]
    """Keeps what tells it to end until it has handlers for it.

    One that gunicorn sends between the fork and its worker's handlers would go to the master's, in the worker's copy of
    it, where nobody looks: the worker would serve on, and be killed after `graceful_timeout`.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        """gunicorn makes it in the master, just before the fork."""
        super().__init__(*args, **kwargs)
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)

    def init_signals(self) -> None:
        """gunicorn calls it in the worker."""
        super().init_signals()
        listen()

    def get_thread_pool(self) -> Threads:
        """gunicorn lets a worker say what its threads are."""
        return Threads(self.cfg.threads)


class Threads(ThreadPoolExecutor):
    """So many threads, and one more for `/health/live`.

    While an exchange hangs they all wait for it, some seconds each. Who asks then whether this process lives would be
    told no, and end a process that is well.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._spare = ThreadPoolExecutor(1)
        self._count = count
        self._lock = threading.Lock()
        self._under_way = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Serve a request; gunicorn gives its connection."""
        with self._lock:
            self._under_way += 1
            full = self._under_way > self._count
        spare = full and _asks_for_life(args[0].sock)
        future = self._spare.submit(fn, *args, **kwargs) if spare else super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._one_less)
        return future

    def _one_less(self, _: Future[Any]) -> None:
        with self._lock:
            self._under_way -= 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all of them."""
        self._spare.shutdown(wait, cancel_futures=cancel_futures)
        super().shutdown(wait, cancel_futures=cancel_futures)


def _asks_for_life(connection: socket.socket) -> bool:
    """Whether what comes next is that question; nothing is taken from the connection."""
    poll = select.poll()
    try:
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(PATIENCE)) and LIVE.match(connection.recv(FIRST_BYTES, PEEK)) is not None
    except (OSError, ValueError):  # it is closed, or speaks TLS: gunicorn sees for itself
        return False


def listen() -> None:
    """Let through what tells a process to end."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)


os.register_at_fork(after_in_parent=listen)
