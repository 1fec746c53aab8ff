"""The thread that follows the calls placed by this process and writes what becomes of them to the store."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pbxapi.ami import AmiError, AmiUnavailable, Client, Subscription
from pbxapi.errors import PbxError, Unavailable
from pbxapi.pbx.call_progress import EVENTS, CallProgress
from pbxapi.pbx.interfaces import CallKeeper, CallRecord, Channel

log = logging.getLogger("pbxapi.calls")

TICK = 0.5
SILENCE = 5.0
"""Seconds without an event about a call before the exchange is asked whether it is still there."""


class CallWatcher:
    """Follows calls from the moment before they are placed. The thread starts with the first call, in the process
    that placed it, and lives as long as there are calls to follow.
    """

    def __init__(
        self,
        ami: Client,
        store: CallKeeper,
        channels: Callable[[], tuple[Channel, ...]],
        device_state: Callable[[CallRecord, str], str],
    ) -> None:
        self._ami = ami
        self._store = store
        self._channels = channels
        self._ask_device = device_state
        self._lock = threading.Lock()
        self._followed: dict[str, tuple[CallProgress, float]] = {}
        self._thread: threading.Thread | None = None
        self._listening: Subscription | None = None
        self._closed = False

    def follow(self, record: CallRecord) -> None:
        """Follow a call from now on. Raises AmiUnavailable when events cannot be listened to: then place no call."""
        with self._lock:
            if self._listening is None:
                self._listening = self._ami.subscribe(*EVENTS)
            progress = CallProgress(record, lambda leg: self._device_state(record, leg))
            self._followed[record.id] = progress, time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="pbxapi-calls", daemon=True)
                self._thread.start()

    def forget(self, call_id: str) -> None:
        """Stop following a call that was not placed after all."""
        with self._lock:
            self._followed.pop(call_id, None)

    def close(self) -> None:
        """Follow nothing any more, and end the thread within a tick."""
        self._closed = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(4 * TICK)

    def _device_state(self, record: CallRecord, leg: str) -> str:
        try:
            return self._ask_device(record, leg)
        except (AmiError, PbxError):
            return "UNKNOWN"

    def _run(self) -> None:
        next_tick = time.monotonic() + TICK
        while not self._closed:
            listening = self._listening
            if listening is None:
                self._listen_again()
            else:
                self._take(listening, next_tick)
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + TICK
                if not self._tick():
                    return

    def _take(self, listening: Subscription, until: float) -> None:
        try:
            event = listening.get(max(0.0, until - time.monotonic()))
        except AmiUnavailable:
            log.warning("the manager's session was lost while calls were followed")
            with self._lock:
                self._listening = None
            return
        if event is None:
            return
        now = datetime.now(UTC)
        for call_id, (progress, _) in list(self._followed.items()):
            if progress.concerns(event):
                self._followed[call_id] = progress, time.monotonic()
                if event.event == "Hangup":
                    self._note_cancel(progress)
                if progress.on_event(event, now):
                    self._save(progress)

    def _note_cancel(self, progress: CallProgress) -> None:
        """See whether it was the API that hung up; any worker may have been asked to."""
        try:
            stored = self._store.get(progress.record.id)
        except Unavailable:
            return
        if stored is not None and stored.canceled:
            progress.cancel()

    def _listen_again(self) -> None:
        try:
            with self._lock:  # a call that is just being placed may listen again by itself
                self._listening = self._listening or self._ami.subscribe(*EVENTS)
        except AmiUnavailable as error:
            time.sleep(min(TICK, max(0.05, error.retry_after)))

    def _tick(self) -> bool:
        """Let time pass for every call. Gives False when there is none left and the thread may end."""
        now, clock = datetime.now(UTC), time.monotonic()
        followed = list(self._followed.items())
        quiet = [call_id for call_id, (_, heard) in followed if clock - heard > SILENCE]
        alive = self._alive() if quiet else None
        for call_id, (progress, _) in followed:
            changed = progress.on_tick(now)
            if alive is not None and call_id in quiet:
                self._followed[call_id] = progress, clock
                if call_id not in alive:
                    changed = progress.lost(now)
            if changed:
                self._save(progress)
        with self._lock:
            for call_id, (progress, _) in followed:
                if progress.record.final:
                    self._followed.pop(call_id, None)
            if self._followed:
                return True
            if self._listening is not None:
                self._listening.close()
            self._listening = self._thread = None
            return False

    def _alive(self) -> set[str] | None:
        try:
            channels = self._channels()
        except (AmiError, PbxError):
            return None
        return {channel.id for channel in channels} | {channel.linkedid for channel in channels}

    def _save(self, progress: CallProgress) -> None:
        try:
            self._store.save(progress.record)
        except Unavailable:
            log.exception("call %s could not be written to the store as %s", progress.record.id, progress.record.status)
