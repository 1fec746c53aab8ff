"""The way of the system before this one, redone as a WSGI function: each request connects, logs in, lists and parses.

A plain loop over lines, as in `old_way.php`, with the same answer: one object an endpoint, as the exchange spells it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bench.exchange import SECRET, USERNAME

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TIMEOUT = 5.0


def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    status, body = "200 OK", b""
    try:
        body = json.dumps(peers(int(os.environ["AMI_PORT"]))).encode()
    except OSError:
        status = "503 Service Unavailable"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def peers(port: int) -> list[dict[str, str]]:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock, sock.makefile("rb") as lines:
        lines.readline()  # the banner
        login = f"Action: Login\r\nUsername: {USERNAME}\r\nSecret: {SECRET}\r\nEvents: off\r\n\r\n"
        sock.sendall(login.encode())
        sock.sendall(b"Action: PJSIPShowEndpoints\r\n\r\n")
        found: list[dict[str, str]] = []
        message: dict[str, str] = {}
        for line in lines:
            text = line.decode().strip()
            if text:
                name, _, value = text.partition(":")
                message[name.strip()] = value.strip()
                continue
            if message.get("Event") == "EndpointList":
                found.append(message)
            elif message.get("Event") == "EndpointListComplete":
                return found
            message = {}
    raise ConnectionError("the exchange hung up")
