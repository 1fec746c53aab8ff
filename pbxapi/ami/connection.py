"""One session with the manager: a write lock, and one reader at a time that routes by ActionID.

The reader waits for nothing but the socket: Asterisk drops a session whose reader stalls, in mid-message. It looks at
message borders, ActionIDs and closing events only; the caller's thread parses what is his.

Who reads? A thread that waits for an answer reads by itself when nobody else does: to hand each answer from one thread
to another doubles the time of an action. When it has its own and others still wait, the session's reader thread goes
on; that thread also reads while nobody waits, so that the end of the session is noticed and late answers are dropped.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable, Sequence
from time import monotonic, sleep

from pbxapi.ami.errors import AmiProtocolError, AmiUnavailable
from pbxapi.ami.events import Subscription, Subscriptions
from pbxapi.ami.exchange import Exchange
from pbxapi.ami.protocol import Framer, action_id_of, event_of
from pbxapi.ami.stream import Stream

logger = logging.getLogger("pbxapi.ami")

# Asterisk writes a list item by item. Once one is long, to read every 2 ms instead of every item costs 0.4 of the
# processor time; short lists are not kept waiting.
LONG_LIST = 50
GATHER = 0.002
MUCH = 32_768  # bytes in one read: they have gathered by themselves

# For how long the reader thread lets callers read for themselves before it looks who reads now.
PATIENCE = 0.02


class Connection:
    """One session, from the connected stream to its end. It is never opened again: make another."""

    def __init__(self, stream: Stream, name: str) -> None:
        self.name = name
        self.banner = ""
        self.heard = monotonic()  # when bytes last came
        self.doubtful = False  # an action timed out and nothing was heard since it was sent
        self.probing = False  # it is being asked for a sign of life
        self.lost: AmiUnavailable | None = None
        self._stream = stream
        self._write = threading.Lock()
        self._waiting: dict[bytes, Exchange] = {}
        self._parked: set[Exchange] = set()  # those of them that a thread is waiting for while another one reads
        self._subscriptions = Subscriptions()
        self._greeted = threading.Event()
        self._framer = Framer()
        self._reading = threading.Lock()
        self._wanted = threading.Lock()
        self._wanted.acquire()
        self._reader = threading.Thread(target=self._read, name=f"pbxapi.ami {name}", daemon=True)
        self._reader.start()

    def greeting(self, deadline: float) -> str:
        """Wait for the banner, `Asterisk Call Manager/` and a version. Raises AmiUnavailable."""
        self._greeted.wait(max(0.0, deadline - monotonic()))
        if self.lost is not None:
            raise self.lost.again("no greeting")
        if not self.banner:
            raise AmiUnavailable("the server did not greet in time")
        return self.banner

    def usable(self, probe_after: float) -> bool:
        """Whether an action may be sent without asking first whether the server is still there."""
        if self.lost is not None or self.probing:
            return False
        return bool(self._waiting) or not (self.doubtful or monotonic() - self.heard > probe_after)

    def send(self, exchanges: Sequence[Exchange], data: bytes, deadline: float) -> None:
        """Send actions. Raises AmiUnavailable when they were not sent whole: one has not run then, of many some may."""
        for exchange in exchanges:
            self._waiting[exchange.key] = exchange
        try:
            if self.lost is not None:  # looked at after we are in the table: the reader tells all who are in it
                raise self.lost.again("not sent")
            if not self._write.acquire(blocking=False) and not self._write.acquire(
                timeout=max(0.0, deadline - monotonic())
            ):
                raise AmiUnavailable("not sent: the session took no action in time")
            try:
                self._stream.write(data)
            except BaseException as error:  # half an action may be on its way: nothing can follow it
                self.close(f"writing failed: {error}")
                raise
            finally:
                self._write.release()
        except OSError as error:
            self._drop(exchanges)
            several = len(exchanges) > 1
            raise AmiUnavailable(f"not sent: writing failed: {error}", may_have_run=several) from error
        except BaseException:
            self._drop(exchanges)
            raise

    def _drop(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            self._waiting.pop(exchange.key, None)

    def wait(self, exchange: Exchange, deadline: float) -> bool:
        """Wait until the exchange has ended; false at the deadline. Reads for all when nobody else reads."""
        if not exchange.ended.locked():
            return True
        self._parked.add(exchange)
        if self._reading.acquire(blocking=False):
            self._parked.discard(exchange)
            try:
                while exchange.ended.locked() and self._receive(deadline):
                    pass
            finally:
                self._reading.release()
                if self._parked or self.lost is not None:
                    self._call_reader()
        ended = exchange.ended.acquire(timeout=max(0.0, deadline - monotonic()))
        self._parked.discard(exchange)
        if ended:
            exchange.ended.release()  # for the next who asks
        return ended

    def forget(self, exchange: Exchange, sent: float = 0.0) -> bool:
        """Wait no longer: a late answer will be dropped. False when it has ended or is just being handed over."""
        if self._waiting.pop(exchange.key, None) is None:
            return False
        if self.heard < sent:
            self.doubtful = True
        return True

    def attach(self, subscription: Subscription) -> bool:
        """Send events there from now on. False when the session has ended."""
        return self._subscriptions.add(subscription) and self.lost is None  # in this order, as in send()

    def detach(self, subscription: Subscription) -> None:
        """Send no more events there. The last one to leave closes the session: events that nobody reads cost both."""
        if self._subscriptions.remove(subscription):
            self.close("nobody listens any more")

    def close(self, why: str) -> None:
        """End the session; the reader thread then fails all who wait."""
        self._lose(AmiUnavailable(why))
        self._stream.shutdown()
        self._call_reader()

    def join(self, timeout: float) -> None:
        """Wait for the reader thread to end."""
        if self._reader is not threading.current_thread():
            self._reader.join(timeout)

    def abandon(self) -> None:
        """In the child of a fork: the session is the parent's. No lock is taken, its holder may not be here."""
        self.lost = AmiUnavailable("the session belongs to the parent process")
        self._stream.abandon()
        self._tell(self.lost)

    def _lose(self, error: AmiUnavailable) -> None:
        if self.lost is None:
            self.lost = error

    def _call_reader(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has been called already
            self._wanted.release()

    def _read(self) -> None:
        while self.lost is None:
            with self._reading:
                self._receive(None)
                while self.lost is None and (self._waiting or self._subscriptions.present):
                    self._receive(None)
            if not self._parked:  # looked at after the lock is free: who parks later has found it free
                self._wanted.acquire(timeout=PATIENCE)
        self._end(self.lost)

    def _receive(self, deadline: float | None) -> bool:
        """Read once and hand out what came; false at the deadline and when the session is lost."""
        if deadline is not None and deadline <= monotonic():
            return False  # also when bytes for others never cease to come
        try:
            data = self._stream.read(deadline)
            if data is None:
                return False
            if not data:
                raise AmiUnavailable("the server closed the session")
            self.heard = monotonic()
            self.doubtful = False
            if self._route(self._framer.feed(data)) and len(data) < MUCH:
                sleep(GATHER)
        except AmiUnavailable as error:
            self._lose(error)
        except OSError as error:
            self._lose(AmiUnavailable(f"the session broke: {error}"))
        except Exception:
            logger.exception("%s: reading failed", self.name)
            self._lose(AmiUnavailable("reading failed"))
        except BaseException:
            self._lose(AmiUnavailable("reading was interrupted"))  # bytes may be missing: what follows means nothing
            raise
        return self.lost is None

    def _route(self, blocks: list[bytes]) -> bool:
        """Hand messages to those who wait for them; true while a long list is under way."""
        if blocks and not self.banner:
            self._greet(blocks.pop(0))
        waiting = self._waiting
        exchange = None
        for block in blocks:
            if waiting:
                exchange = waiting.get(action_id_of(block))
                if exchange is not None:
                    if exchange.receive(block) and waiting.pop(exchange.key, None) is not None:
                        self._parked.discard(exchange)
                        exchange.end()
                    continue
            if self._subscriptions.present:
                self._subscriptions.publish(event_of(block), block)
        return exchange is not None and len(exchange.events) > LONG_LIST

    def _greet(self, line: bytes) -> None:
        if not line.startswith(b"Asterisk Call Manager"):
            raise AmiProtocolError("the server does not greet as an Asterisk manager")
        self.banner = line.decode("ascii", "replace")
        self._greeted.set()

    def _end(self, error: AmiUnavailable) -> None:
        """Tell all who wait, then close. The locks keep everyone from meeting the descriptor's next owner."""
        self._stream.shutdown()
        self._greeted.set()
        self._tell(error)
        with self._reading, self._write:
            self._stream.close()
        logger.info("%s: session ended: %s", self.name, error)

    def _tell(self, error: AmiUnavailable) -> None:
        while self._waiting:
            try:
                _, exchange = self._waiting.popitem()
            except KeyError:
                break  # its caller gave up just now
            exchange.end(error)
        self._subscriptions.lose(error)
