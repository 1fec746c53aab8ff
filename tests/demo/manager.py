"""A manager session in bytes, for looking at the demo exchange from the other side of the wire."""

from __future__ import annotations

import itertools
import re
import socket
import time
from collections.abc import Callable, Iterable
from typing import Self

SECONDS = 5.0
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


class Message(list[tuple[str, str]]):
    """The headers of one message, in order."""

    def __init__(self, block: str) -> None:
        pairs = (line.partition(":") for line in block.split("\r\n") if line)
        super().__init__((name, value.removeprefix(" ")) for name, _, value in pairs)

    def get(self, name: str) -> str:
        return next((value for header, value in self if header == name), "")

    @property
    def event(self) -> str:
        return self.get("Event")

    def names(self) -> list[str]:
        return [name for name, _ in self]


class Manager:
    """One session; it reads only when it is asked to. `heard` is all that it ever read."""

    def __init__(
        self, port: int, *, login: bool = True, events: str = "off", receive_buffer: int | None = None
    ) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(SECONDS)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self.bytes = b""
        self.heard: list[Message] = []
        self._numbers = itertools.count(1)
        if login:
            answer = self.ask("Login", Username="demo", Secret="demo", Events=events)[0]
            assert answer.get("Response") == "Success"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def act(self, action: str, headers: Iterable[tuple[str, str]] = (), /, **more: str) -> str:
        """Send an action and give its ActionID."""
        number = f"a{next(self._numbers)}"
        lines = [("Action", action), ("ActionID", number), *headers, *more.items()]
        self.send("".join(f"{name}: {value}\r\n" for name, value in lines).encode() + b"\r\n")
        return number

    def ask(self, action: str, headers: Iterable[tuple[str, str]] = (), /, **more: str) -> list[Message]:
        """Send an action; give its response and, of a list, all that follows with the same ActionID."""
        number = self.act(action, headers, **more)
        answer: list[Message] = []

        def complete(message: Message) -> bool:
            if message.get("ActionID") == number and not (message.event and not answer):
                answer.append(message)
            return bool(answer) and (answer[0].get("EventList") != "start" or message.get("EventList") == "Complete")

        self.until(complete)
        return answer

    def until(self, enough: Callable[[Message], bool], seconds: float = SECONDS) -> list[Message]:
        """Read messages up to and including the one that is enough."""
        seen: list[Message] = []
        deadline = time.monotonic() + seconds
        while True:
            block = self.read_block(deadline)
            assert block is not None, f"the session ended after {seen}"
            seen.append(Message(block))
            self.heard.append(seen[-1])
            if enough(seen[-1]):
                return seen

    def until_event(self, name: str, seconds: float = SECONDS, **headers: str) -> list[Message]:
        """Read up to an event with these headers."""

        def fits(message: Message) -> bool:
            return message.event == name and all(message.get(key) == value for key, value in headers.items())

        return self.until(fits, seconds)

    def read_block(self, deadline: float) -> str | None:
        """The next message's text, None at the end of the session. The banner is passed over."""
        if self.bytes.startswith(BANNER[: len(self.bytes)]):
            self.bytes = self.bytes.removeprefix(BANNER)
        while b"\r\n\r\n" not in self.bytes.removeprefix(BANNER):
            remaining = deadline - time.monotonic()
            assert remaining > 0, f"nothing came in time; read so far: {self.bytes!r}"
            self.socket.settimeout(remaining)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                continue
            if not data:
                return None
            self.bytes += data
        block, _, self.bytes = self.bytes.removeprefix(BANNER).partition(b"\r\n\r\n")
        return block.decode()

    def read_to_end(self, seconds: float = SECONDS) -> bytes:
        """All bytes until the server closes the session."""
        deadline = time.monotonic() + seconds
        data, self.bytes = self.bytes, b""
        while True:
            remaining = deadline - time.monotonic()
            assert remaining > 0, "the session was not ended in time"
            self.socket.settimeout(remaining)
            try:
                more = self.socket.recv(65536)
            except ConnectionError:
                return data
            except TimeoutError:
                continue
            if not more:
                return data
            data += more

    def originate(
        self, channel: str, exten: str, headers: Iterable[tuple[str, str]] = (), /, **more: str
    ) -> list[Message]:
        """Place an asynchronous call into from-internal."""
        place = {"Channel": channel, "Context": "from-internal", "Exten": exten, "Priority": "1", "Async": "true"}
        return self.ask("Originate", headers, **{**place, **more})

    def channels(self) -> list[Message]:
        return self.ask("CoreShowChannels")[1:-1]

    def talk(self, number: str = "101", channel_id: str = "a-leg") -> tuple[str, str]:
        """Let 100 call a number that answers; give both channels' names."""
        self.originate("PJSIP/100", number, ChannelId=channel_id, CallerID="Desk <555>")
        deadline = time.monotonic() + SECONDS
        while len(bridged := [one for one in self.channels() if one.get("BridgeId")]) < 2:
            assert time.monotonic() < deadline, "the call was not answered"
        names = sorted(one.get("Channel") for one in bridged)
        return names[0], names[1]


def masked(data: bytes) -> bytes:
    """What no two answers share is made the same."""
    return re.sub(rb"Timestamp: [\d.]+", b"Timestamp: ...", data)


def eventually(condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)
