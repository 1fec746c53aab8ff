"""A real Asterisk 22 with many registered phones, for the time of a benchmark."""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.real.asterisk import Asterisk
from tests.real.fetch import fetched
from tests.real.sip_message import SipMessage, authorization, render

FIRST = 20_000  # the number of the first phone
USERNAME, SECRET = "api", "api-secret"  # of tests/real/conf/manager.conf


@contextlib.contextmanager
def running(phones: int) -> Iterator[Asterisk]:
    """Start it with so many phones beside those of the tests, each registered once; stop it at the end."""
    root = fetched("22")
    if root is None:
        sys.exit("Asterisk 22 is not there: run `make real`")
    with tempfile.TemporaryDirectory(prefix="bench-asterisk-") as folder:
        numbers = [str(FIRST + index) for index in range(phones)]
        server = Asterisk("22", root, Path(folder) / "asterisk", more={"pjsip.conf": "".join(map(_phone, numbers))})
        server.start()
        try:
            _register(numbers, server.ports.sip)
            yield server
        finally:
            server.stop()


def _phone(number: str) -> str:
    return f"""
[{number}](phone)
auth = {number}
aors = {number}
callerid = Phone {number} <{number}>
[{number}](password)
username = {number}
password = pw{number}
[{number}](contacts)
"""


def _register(numbers: list[str], port: int) -> None:
    """Register them from one socket, one after the other. Nobody qualifies them, so nobody misses them after."""
    registrar = f"sip:127.0.0.1:{port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", port))
        local = sock.getsockname()[1]
        for number in numbers:
            challenge = _ask(sock, number, local, registrar, 1)
            proof = authorization(challenge, "REGISTER", registrar, number, f"pw{number}")
            answer = _ask(sock, number, local, registrar, 2, proof)
            if answer.status != 200:
                raise RuntimeError(f"phone {number} cannot register: {answer.start}")


def _ask(
    sock: socket.socket, number: str, local: int, registrar: str, sequence: int, *proof: tuple[str, str]
) -> SipMessage:
    headers = [
        ("Via", f"SIP/2.0/UDP 127.0.0.1:{local};branch=z9hG4bK{uuid.uuid4().hex};rport"),
        ("From", f"<sip:{number}@127.0.0.1>;tag={number}"),
        ("To", f"<sip:{number}@127.0.0.1>"),
        ("Call-ID", f"bench-{number}"),
        ("CSeq", f"{sequence} REGISTER"),
        ("Contact", f"<sip:{number}@127.0.0.1:{local}>"),
        *proof,
        ("Expires", "7200"),
        ("Max-Forwards", "70"),
        ("User-Agent", "Benchmark Phone 1.0"),
    ]
    sock.send(render(f"REGISTER {registrar} SIP/2.0", headers))
    while True:
        message = SipMessage.parse(sock.recv(65536))
        if message.status >= 200 and message.first("call-id") == f"bench-{number}" and message.number == sequence:
            return message
