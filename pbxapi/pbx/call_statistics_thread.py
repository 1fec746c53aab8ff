"""The thread that builds the roll-up of call records in the background."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
import weakref

from sqlalchemy import Engine

from pbxapi.db.call_tables import TableLook
from pbxapi.errors import PbxError
from pbxapi.pbx.call_statistics_builder import RollUpBuilder
from pbxapi.pbx.history import RollUp
from pbxapi.pbx.local_time import Clock

log = logging.getLogger("pbxapi.statistics")

POLL = 60.0
"""Seconds between looks for what is to be done."""

LEAST_PAUSE = 0.01
JOIN = 5.0


class BuilderThread:
    """Begins with the first statistics that are asked for in a process; the processes agree on one that builds.

    After each step it rests for as long as the step took, so that the exchange's database has half of the time to
    itself.
    """

    def __init__(self, engine: Engine, tables: TableLook, clock: Clock, roll_up: RollUp) -> None:
        self._engine = engine
        self._tables = tables
        self._clock = clock
        self._roll_up = roll_up
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        _threads.add(self)

    def ensure(self) -> None:
        """Start the thread, if it does not run in this process."""
        with self._lock:
            if self._closed or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, args=(self._stop,), name="pbxapi-statistics", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread, after its present statement."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._stop.set()
        if thread is not None:
            thread.join(JOIN)

    def _run(self, stop: threading.Event) -> None:
        builder = RollUpBuilder(self._engine, self._tables, self._clock, self._roll_up, owner=secrets.token_hex(8))
        more = True
        while not stop.is_set():
            began = time.monotonic()
            try:
                more = builder.step()
            except PbxError as error:
                log.warning("call records could not be counted: %s", error)
                more = False
            except Exception:
                log.exception("counting call records failed")
                more = False
            stop.wait(max(LEAST_PAUSE, time.monotonic() - began) if more else POLL)
        if more:
            builder.release()

    def forget(self) -> None:
        """Be as if new: in a forked child the thread is gone, and what it held is held for ever."""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = None


_threads: weakref.WeakSet[BuilderThread] = weakref.WeakSet()


def _forget_after_fork() -> None:
    for thread in list(_threads):
        thread.forget()


os.register_at_fork(after_in_child=_forget_after_fork)
