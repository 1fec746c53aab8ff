"""The sound of one call: a tone goes out, what comes in is counted (RFC 3550, and RFC 4733 for digits)."""

from __future__ import annotations

import math
import random
import socket
import struct
import threading
import time

PACKET_SECONDS = 0.02
SAMPLES = 160
DIGITS = "0123456789*#ABCD"
TELEPHONE_EVENT = 101


def _mu_law(sample: int) -> int:
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    return ~((0x80 if sample < 0 else 0) | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xFF


# 400 Hz at 8,000 samples a second: eight whole waves a packet, so that every packet may be the same.
TONE = bytes(_mu_law(int(12_000 * math.sin(2 * math.pi * 400 * n / 8000))) for n in range(SAMPLES))


class Sound:
    """One RTP socket on loopback and the thread that serves it once ``send_to`` was called."""

    def __init__(self) -> None:
        self.packets = 0
        self.digits = ""
        self._news = threading.Condition()
        self._target: tuple[str, int] | None = None
        self._last_digit = -1
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def send_to(self, target: tuple[str, int] | None) -> None:
        """Send the tone to this address from now on, or nothing."""
        self._target = target
        if self._thread is None and not self._closed.is_set():
            self._thread = threading.Thread(target=self._serve, name=f"rtp-{self.port}", daemon=True)
            self._thread.start()

    def hears(self, seconds: float = 1.0) -> bool:
        """Wait for the next packet of sound; False when none came in that time."""
        with self._news:
            before = self.packets
            return self._news.wait_for(lambda: self.packets > before, seconds)

    def wait_digits(self, digits: str, seconds: float = 5.0) -> bool:
        """Wait until these digits, all that were pressed so far, have come."""
        with self._news:
            return self._news.wait_for(lambda: self.digits == digits, seconds)

    def end(self) -> None:
        """Stop, without waiting for the thread."""
        self._closed.set()

    def close(self) -> None:
        self.end()
        if self._thread is not None:
            self._thread.join(2)
        self._socket.close()

    def _serve(self) -> None:
        sequence, timestamp, source = random.randrange(1000), 0, random.getrandbits(32)
        due = time.monotonic()
        while not self._closed.is_set():
            wait = due - time.monotonic()
            if wait > 0:
                self._receive(wait)
                continue
            if self._target is not None:
                packet = struct.pack("!BBHII", 0x80, 0, sequence & 0xFFFF, timestamp, source) + TONE
                self._socket.sendto(packet, self._target)
            sequence, timestamp, due = sequence + 1, timestamp + SAMPLES, due + PACKET_SECONDS

    def _receive(self, seconds: float) -> None:
        self._socket.settimeout(seconds)
        try:
            packet = self._socket.recv(2048)
        except TimeoutError:
            return
        if len(packet) < 16:
            return
        kind, timestamp = packet[1] & 0x7F, int.from_bytes(packet[4:8], "big")
        with self._news:
            if kind != TELEPHONE_EVENT:
                self.packets += 1
            # A digit is several packets, all of the time at which it began.
            elif timestamp != self._last_digit and packet[12] < len(DIGITS):
                self._last_digit = timestamp
                self.digits += DIGITS[packet[12]]
            self._news.notify_all()
