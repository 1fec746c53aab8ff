"""A TCP proxy that spoils what goes through it: cuts, delays and splits at random by a seed, or on order."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from dataclasses import dataclass
from time import sleep
from typing import Self

from tests.real.ports import free_ports

READ_SIZE = 16_384
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Weather:
    """What happens to a piece of traffic, as chances from 0 to 1; `delay` is the longest one, in seconds.

    Half of the cut connections end in order, half are reset. A piece that is split arrives in two, somewhat apart.
    """

    seed: int = 0
    cut: float = 0.0
    split: float = 0.0
    delayed: float = 0.0
    delay: float = 0.0


FAIR = Weather()


class Proxy(contextlib.AbstractContextManager["Proxy"]):
    """Listens on `port` of loopback and connects each client to `target` there. All orders act at once."""

    def __init__(self, target: int) -> None:
        self.target = target
        [self.port] = free_ports(1)
        self.weather = FAIR
        self.accepted = 0
        self.most = 0
        """Connections that were open at a time, since it was last set to 0."""
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener: socket.socket | None = None
        self.restore()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.refuse()

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._pairs)

    def restore(self) -> None:
        """Undo every order but `weather`."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        self._flowing.set()

    def stall(self) -> None:
        """Keep what is open, take new connections, and let nothing through."""
        self._flowing.clear()

    def refuse(self) -> None:
        """Cut everything and listen no more."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # close() alone does not wake accept()
            listener.close()
        self.cut()
        self._flowing.set()

    def cut(self) -> None:
        """Reset every connection that is open."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair, reset=True)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                client.close()
                continue
            self._begin((client, server))

    def _begin(self, pair: tuple[socket.socket, socket.socket]) -> None:
        for each in pair:
            each.settimeout(None)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._pairs.add(pair)
            self.accepted += 1
            self.most = max(self.most, len(self._pairs))
        for way, (source, sink) in enumerate((pair, pair[::-1])):
            # Of its own for each way of each connection: what happens there does not hang on how threads take turns.
            dice = random.Random(f"{self.weather.seed} {self.accepted} {way}")
            threading.Thread(target=self._pump, args=(pair, source, sink, dice), daemon=True).start()

    def _pump(
        self, pair: tuple[socket.socket, socket.socket], source: socket.socket, sink: socket.socket, dice: random.Random
    ) -> None:
        reset = False
        with contextlib.suppress(OSError):
            while data := source.recv(READ_SIZE):
                self._flowing.wait()
                weather = self.weather
                if dice.random() < weather.cut:
                    sink.sendall(data[: dice.randrange(len(data) + 1)])
                    reset = dice.random() < 0.5
                    break
                if dice.random() < weather.delayed:
                    sleep(dice.uniform(0, weather.delay))
                border = dice.randrange(len(data)) if dice.random() < weather.split else 0
                if border:
                    sink.sendall(data[:border])
                    sleep(0.001)
                sink.sendall(data[border:])
        self._end(pair, reset=reset)

    def _end(self, pair: tuple[socket.socket, socket.socket], *, reset: bool) -> None:
        with self._lock:
            if pair not in self._pairs:
                return
            self._pairs.discard(pair)
        for each in pair:
            with contextlib.suppress(OSError):
                if reset:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                each.shutdown(socket.SHUT_RDWR)
            each.close()
