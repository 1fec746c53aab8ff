"""SIP messages as text (RFC 3261) and the answer to a digest challenge (RFC 2617), for the phones of the tests."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

Header = tuple[str, str]

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


@dataclass(frozen=True)
class SipMessage:
    """A request or a response; header names are in lower case."""

    start: str
    headers: tuple[Header, ...]
    body: str

    @classmethod
    def parse(cls, datagram: bytes) -> SipMessage:
        head, _, body = datagram.decode("utf-8", "replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        headers = []
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            headers.append((COMPACT.get(name, name), value.strip()))
        return cls(start, tuple(headers), body)

    @property
    def status(self) -> int:
        """The status of a response; 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/") else 0

    @property
    def method(self) -> str:
        """The method of a request, or the one that a response answers."""
        return self.first("cseq").split()[1] if self.status else self.start.split()[0]

    @property
    def number(self) -> int:
        return int(self.first("cseq").split()[0])

    @property
    def contact(self) -> str:
        """The address to send the next request of this dialog to."""
        found = re.search(r"<([^>]+)>", self.first("contact"))
        return found[1] if found else self.first("contact")

    def first(self, name: str) -> str:
        """Return the first value of a header, or ""."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header == name]


def render(start: str, headers: Iterable[Header], body: str = "") -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join([*lines, "", body]).encode()


def authorization(challenge: SipMessage, method: str, uri: str, user: str, password: str) -> Header:
    """Return the header that answers a 401 or a 407."""
    asked, answer = (
        ("www-authenticate", "Authorization")
        if challenge.status == 401
        else ("proxy-authenticate", "Proxy-Authorization")
    )
    given = dict(re.findall(r'(\w+)="?([^",\s]+)"?', challenge.first(asked)))
    secret = _md5(f"{user}:{given['realm']}:{password}")
    request = _md5(f"{method}:{uri}")
    fields = f'username="{user}", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{uri}", algorithm=MD5'
    if "qop" in given:
        nonce = uuid.uuid4().hex
        response = _md5(f"{secret}:{given['nonce']}:00000001:{nonce}:auth:{request}")
        fields += f', qop=auth, nc=00000001, cnonce="{nonce}"'
    else:
        response = _md5(f"{secret}:{given['nonce']}:{request}")
    if "opaque" in given:
        fields += f', opaque="{given["opaque"]}"'
    return answer, f'Digest {fields}, response="{response}"'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def session_description(port: int, direction: str = "sendrecv") -> str:
    """Offer (or answer with) G.711 mu-law and RFC 4733 digits on loopback."""
    lines = [
        *("v=0", "o=phone 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"),
        *(f"m=audio {port} RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000"),
        *("a=fmtp:101 0-16", "a=ptime:20", f"a={direction}", ""),
    ]
    return "\r\n".join(lines)


def described_media(body: str) -> tuple[tuple[str, int], str] | None:
    """Return where the other side takes its sound, and its direction; None when the body says nothing of it."""
    address, port = re.search(r"c=IN IP4 (\S+)", body), re.search(r"m=audio (\d+)", body)
    if not address or not port:
        return None
    direction = re.search(r"a=(sendrecv|sendonly|recvonly|inactive)", body)
    return (address[1], int(port[1])), direction[1] if direction else "sendrecv"
