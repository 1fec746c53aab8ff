"""The byte stream of a session, plain or TLS. The one place where the client touches the network.

`read` is for one reader thread and waits for bytes alone; `write` is for one writer at a time and bounded. All
failures are OSError (ssl.SSLError is one). `shutdown` ends both from any thread; `close` is for the reader, last.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from time import monotonic

READ_SIZE = 65_536

# A silently dead peer is noticed after 30 + 15 s when idle, 15 s after bytes that were not acknowledged.
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 15_000}


class Stream:
    """A connected TCP socket."""

    def __init__(self, sock: socket.socket, write_timeout: float) -> None:
        self._sock = sock
        self._write_timeout = write_timeout
        self._ending = threading.Lock()
        self._closed = False
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)
        self._prepare()

    def _prepare(self) -> None:
        seconds, rest = divmod(self._write_timeout, 1)
        self._sock.settimeout(None)
        timeval = struct.pack("ll", int(seconds), int(rest * 1_000_000))
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)

    def read(self, deadline: float | None) -> bytes | None:
        """The next bytes, b"" at the end of the stream, None at the deadline."""
        if deadline is not None and not self._wait_readable(deadline):
            return None
        return self._sock.recv(READ_SIZE)

    def _wait_readable(self, deadline: float | None) -> bool:
        seconds = None if deadline is None else max(0.0, deadline - monotonic())
        return bool(self._readable.poll(None if seconds is None else seconds * 1000))

    def write(self, data: bytes) -> None:
        """Send everything, or raise TimeoutError when the peer does not take it in time."""
        sent = self._sock_send(data)
        if sent == len(data):
            return
        deadline = monotonic() + self._write_timeout
        view = memoryview(data)[sent:]
        while view:
            view = view[self._sock_send(view) :]
            if view and monotonic() > deadline:
                raise TimeoutError("the server does not read")

    def _sock_send(self, data: bytes | memoryview) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:  # SO_SNDTIMEO has passed
            raise TimeoutError("the server does not read") from None

    def shutdown(self) -> None:
        """End reading and writing, so that whoever waits in them wakes up."""
        with self._ending:
            if not self._closed:
                with contextlib.suppress(OSError):  # the peer was first
                    # not the method of SSLSocket, which takes the SSL object from under the reader
                    socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back."""
        with self._ending:
            self._closed = True
            self._sock.close()

    def abandon(self) -> None:
        """Close this process's descriptor and leave the session to the parent. For the child of a fork: no lock."""
        self._closed = True
        descriptor = self._sock.detach()
        if descriptor >= 0:
            os.close(descriptor)


class TlsStream(Stream):
    """A connected TLS socket.

    One SSL object must not be used by two threads at once. So the socket does not block, both sides touch it under
    a lock that nobody holds while waiting, and the waiting is done on the descriptor.
    """

    _sock: ssl.SSLSocket

    def _prepare(self) -> None:
        self._sock.setblocking(False)
        self._ssl = threading.Lock()

    def read(self, deadline: float | None) -> bytes | None:
        """The next bytes, b"" at the end of the stream, None at the deadline."""
        pieces: list[bytes] = []
        size = 0
        while size < READ_SIZE:  # a record at a time: Asterisk makes one of each item of a list
            try:
                with self._ssl:
                    pieces.append(self._sock.recv(READ_SIZE))
                size += len(pieces[-1])
                if not pieces[-1]:
                    break
            except ssl.SSLWantReadError:
                if pieces:
                    break
                if not self._wait_readable(deadline):
                    return None
            except ssl.SSLWantWriteError:
                _poll(self._sock, select.POLLOUT, 0.02)
            except OSError:
                if pieces:  # the next read will tell
                    break
                raise
        return b"".join(pieces)

    def write(self, data: bytes) -> None:
        """Send everything, or raise TimeoutError when the peer does not take it in time."""
        deadline = monotonic() + self._write_timeout
        view = memoryview(data)
        while view:
            try:
                with self._ssl:
                    view = view[self._sock.send(view) :]
            except ssl.SSLWantWriteError:
                wanted, patience = select.POLLOUT, deadline - monotonic()
            except ssl.SSLWantReadError:  # the reader may take what it waits for: look again soon
                wanted, patience = select.POLLIN, min(0.02, deadline - monotonic())
            else:
                continue
            if deadline <= monotonic():
                raise TimeoutError("the server does not read")
            _poll(self._sock, wanted, patience)


def _poll(sock: socket.socket, wanted: int, seconds: float) -> None:
    descriptor = sock.fileno()
    if descriptor < 0:
        raise OSError("the socket is closed")
    poll = select.poll()
    poll.register(descriptor, wanted)
    poll.poll(max(0.0, seconds) * 1000)


def connect(
    host: str,
    port: int,
    *,
    deadline: float,
    write_timeout: float,
    context: Callable[[], ssl.SSLContext] | None = None,
) -> Stream:
    """Open a stream before the deadline, through TLS when there is a context. Raises OSError."""
    sock = _connect(host, port, deadline)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        if context is None:
            return Stream(sock, write_timeout)
        sock.settimeout(_left(deadline))
        return TlsStream(context().wrap_socket(sock, server_hostname=host), write_timeout)
    except BaseException:
        sock.close()
        raise


def _connect(host: str, port: int, deadline: float) -> socket.socket:
    """As socket.create_connection, but with one deadline for all addresses."""
    error: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(deadline))
            sock.connect(address)
        except OSError as failure:
            sock.close()
            error = failure
        else:
            return sock
    raise error


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("no connection in time")
    return left
