"""What a conformance test gets: an exchange, whichever it is, and what its numbers do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.real.asterisk import Asterisk
from tests.real.raw_manager import RawManager
from tests.real.sip_phone import Phone


@dataclass(frozen=True)
class Role:
    """What happens when a number is called. A phone that is not ``registered`` is configured and never there."""

    registered: bool = True
    answer_after: float | None = None
    reject: int | None = None


ANSWERS = Role(answer_after=0.2)
BUSY = Role(reject=486)
RINGS = Role()
OFFLINE = Role(registered=False)
DECLINES = Role(reject=603)

# The same on every exchange, the demo's too. 105 is the one whose latency the exchange measures.
ROLES: Mapping[str, Role] = {
    "100": ANSWERS,
    "101": ANSWERS,
    "102": BUSY,
    "103": RINGS,
    "104": OFFLINE,
    "105": ANSWERS,
    "106": DECLINES,
}


@dataclass(frozen=True)
class Exchange:
    """An exchange that runs, on loopback, with its phones registered.

    ``phones`` holds the telephones of a real one by number; the demo's are built in, so there it is empty. ``asterisk``
    is the server to pause or kill, None for the demo. ``version`` is the one that the server says of itself. 800 leads
    to ``queue``, whose static members are the phones 100 and 101, and 801 to ``other_queue``, which they do not serve.
    """

    name: str
    host: str
    ami_port: int
    username: str
    secret: str = field(repr=False)
    version: str
    queue: str = "support"
    other_queue: str = "sales"
    ari_port: int | None = None
    phones: Mapping[str, Phone] = field(default_factory=dict, repr=False)
    asterisk: Asterisk | None = field(default=None, repr=False)

    def manager(self, events: str = "off") -> RawManager:
        """Open a manager session of plain bytes, to look at the exchange from behind the API."""
        return RawManager(self.ami_port, username=self.username, secret=self.secret, events=events)


def server_version(port: int, username: str, secret: str) -> str:
    with RawManager(port, username=username, secret=secret) as manager:
        return manager.ask("CoreSettings")[0]["AsteriskVersion"]


@contextlib.contextmanager
def with_phones(server: Asterisk) -> Iterator[Exchange]:
    """Put the phones of ROLES in front of a real server."""
    phones = {number: Phone(number, f"pw{number}", server.ports.sip) for number in ROLES}
    try:
        yield Exchange(
            name=server.version,
            host="127.0.0.1",
            ami_port=server.ports.ami,
            username="api",
            secret="api-secret",
            version=server_version(server.ports.ami, "api", "api-secret"),
            ari_port=server.ports.http,
            phones=phones,
            asterisk=server,
        )
    finally:
        for number, phone in phones.items():
            if server.running and ROLES[number].registered:
                phone.unregister()
            phone.close()


@contextlib.contextmanager
def start_demo() -> Iterator[Exchange]:
    """Run the built-in exchange, which has the numbers of ROLES. To test it, add "demo" to ``EXCHANGES``."""
    from pbxapi.demo.exchange import DemoExchange

    demo = DemoExchange(seed=1)
    demo.start()
    try:
        version = server_version(demo.port, "demo", "demo")
        yield Exchange("demo", "127.0.0.1", demo.port, "demo", "demo", version, queue="800", other_queue="801")
    finally:
        demo.stop()


# The exchanges that the fixture `exchange` runs a test on, by name; the real ones have telephones in this process.
REAL = ("22", "16")
EXCHANGES = (*REAL, "demo")
