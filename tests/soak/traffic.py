"""Mixed reads and writes of many clients, each with a number of its own, and what they were answered."""

from __future__ import annotations

import contextlib
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

from tests.soak.client import Answer, Client
from tests.soak.ledger import Entry, certain
from tests.soak.world import CALLS

PIN = "4321"
FIRST_NUMBER = 5000
LIVE_EVERY = 0.1


class Traffic:
    """Clients that ask without a pause but `pause` seconds, from `with traffic.running()` until its end.

    `apply` is how many of a hundred writes are applied at once. `wrong` are answers that belong to another question.
    """

    def __init__(
        self, port: int, clients: int, *, live: int | None = None, seed: int = 1, pause: float = 0.05, apply: int = 5
    ) -> None:
        self.entries = [Entry(str(FIRST_NUMBER + place)) for place in range(clients)]
        self.answers: list[Answer] = []
        self.lives: list[Answer] = []
        self.wrong: list[str] = []
        self._port = port
        self._live = live
        self._seed = seed
        self._pause = pause
        self._apply = apply
        self._stop = threading.Event()
        self._broken: list[BaseException] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        self._stop.clear()
        threads = [threading.Thread(target=self._client, args=(entry,)) for entry in self.entries]
        if self._live is not None:
            threads.append(threading.Thread(target=self._ask_live, args=(self._live,)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(120)
            if any(thread.is_alive() for thread in threads):
                raise AssertionError("a client hangs")
            if self._broken:
                raise self._broken[0]

    def _ask_live(self, port: int) -> None:
        """Ask whether it lives, of gunicorn itself, over a new connection each time."""
        while not self._stop.is_set():
            client = Client(port)
            self.lives.append(client.ask("live", "GET", "/health/live"))
            client.close()
            sleep(LIVE_EVERY)

    def _client(self, entry: Entry) -> None:
        try:
            with contextlib.closing(Client(self._port)) as client:
                one = OneClient(self, entry, client, random.Random(f"{self._seed} {entry.number}"))
                while not self._stop.is_set():
                    one.step(apply=self._apply)
                    sleep(self._pause)
        except BaseException as error:
            self._broken.append(error)

    def counts(self, since: float = 0.0, until: float = float("inf")) -> Counter[tuple[int, str]]:
        """How many answers of each status and type of problem to requests that were sent in this time."""
        return Counter((a.status, a.problem) for a in self.answers if since <= a.began < until)

    def latencies(self) -> dict[str, list[float]]:
        """Seconds of the good answers by operation, shortest first."""
        found: dict[str, list[float]] = defaultdict(list)
        for answer in self.answers:
            if answer.good:
                found[answer.op].append(answer.seconds)
        return {op: sorted(seconds) for op, seconds in found.items()}

    def longest(self) -> float:
        """Seconds that any answer took."""
        return max((answer.seconds for answer in self.answers), default=0.0)

    def recovered(self, after: float) -> tuple[float, float, float]:
        """Seconds from then to the first good read, the first good write, and the last bad answer to a new request."""
        good = [a for a in self.answers if a.good and a.began >= after]
        first = [
            min((a.ended - after for a in good if (a.op in WRITES) == writes), default=float("inf"))
            for writes in (False, True)
        ]
        bad = max((a.ended - after for a in self.answers if a.began >= after and failed(a)), default=0.0)
        return first[0], first[1], bad


WRITES = frozenset({"create", "rename", "forward", "delete"})


def failed(answer: Answer) -> bool:
    """Whether it is an answer that a client could not use."""
    return answer.status == 0 or answer.status >= 500


class OneClient:
    """What a client does with its number, one thing after the other."""

    def __init__(self, traffic: Traffic, entry: Entry, client: Client, dice: random.Random) -> None:
        self._traffic = traffic
        self._entry = entry
        self._client = client
        self._dice = dice
        self._serial = 0

    def step(self, *, apply: int) -> None:
        """Do one thing, chosen by the dice."""
        self._serial += 1
        there = self._entry.name.may_be != {None}
        writes = (self._rename, self._rename, self._forward, self._forward, self._delete) if there else (self._create,)
        reads = (
            self._read,
            self._read_features,
            self._read_peers,
            self._read_channels,
            self._read_list,
            self._read_calls,
        )
        if self._dice.random() < 0.4:
            self._dice.choice(writes)("true" if self._dice.randrange(100) < apply else "false")
        else:
            self._dice.choice(reads)()

    def _ask(self, op: str, method: str, path: str, body: object = None) -> Answer:
        answer = self._client.ask(op, method, path, body)
        # Bodies are not kept: hours of them are much.
        self._traffic.answers.append(Answer(op, answer.status, answer.problem, answer.detail, None,
                                            answer.began, answer.seconds))  # fmt: skip
        if op in WRITES and not answer.good and not certain(answer):
            self._entry.half_done = True
        return answer

    @property
    def _path(self) -> str:
        return f"/extensions/{self._entry.number}"

    def _name(self) -> str:
        return f"N{self._entry.number} {self._serial}"

    def _create(self, apply: str) -> None:
        name = self._name()
        body = {"extension": self._entry.number, "name": name, "voicemail": {"password": PIN}}
        answer = self._ask("create", "POST", f"/extensions?apply={apply}", body)
        if answer.status == 409:
            return  # an earlier one whose answer was lost
        self._entry.name.told(name, answer)
        if answer.good:
            self._expect(answer.body["name"] == name, answer)

    def _rename(self, apply: str) -> None:
        name = self._name()
        answer = self._ask("rename", "PATCH", f"{self._path}?apply={apply}", {"name": name})
        if answer.status == 404:
            self._gone(answer)
            return
        self._entry.name.told(name, answer)
        if answer.good:
            self._expect(answer.body["name"] == name, answer)

    def _forward(self, apply: str) -> None:
        to = f"{self._entry.number}{self._serial}"
        answer = self._ask("forward", "PATCH", f"{self._path}/features", {"call_forward": {"all": to}})
        if answer.status == 404:
            self._gone(answer)
            return
        self._entry.forward.told(to, answer)
        if answer.good:
            self._expect(answer.body["call_forward"]["all"] == to, answer)

    def _delete(self, apply: str) -> None:
        answer = self._ask("delete", "DELETE", f"{self._path}?apply={apply}")
        if answer.status == 404:
            self._gone(answer)
            return
        for register in (self._entry.name, self._entry.forward):
            register.told(None, answer)

    def _gone(self, answer: Answer) -> None:
        """The number is not there, which must be possible."""
        self._expect(None in self._entry.name.may_be, answer)
        self._entry.name.may_be = {None}
        self._entry.forward.may_be |= {None}

    def _read(self) -> None:
        answer = self._ask("read", "GET", self._path)
        if answer.good:
            number, name = answer.body["extension"], answer.body["name"]
            self._expect(number == self._entry.number and name in self._entry.name.may_be, answer)
        elif answer.status == 404:
            self._expect(None in self._entry.name.may_be, answer)

    def _read_features(self) -> None:
        answer = self._ask("features", "GET", f"{self._path}/features")
        if answer.good:
            self._expect(answer.body["call_forward"]["all"] in self._entry.forward.may_be, answer)
        elif answer.status == 404:
            self._expect(None in self._entry.name.may_be, answer)

    def _read_peers(self) -> None:
        answer = self._ask("peers", "GET", "/peers?fresh=1")
        if answer.good:
            self._expect({"items"} <= set(answer.body) and all("name" in each for each in answer.body["items"]), answer)

    def _read_channels(self) -> None:
        answer = self._ask("channels", "GET", "/channels")
        if answer.good:
            self._expect(answer.body["items"] == [], answer)

    def _read_list(self) -> None:
        answer = self._ask("list", "GET", "/extensions?limit=20")
        if answer.good:
            ours = {entry.number for entry in self._traffic.entries}
            self._expect(all(self._belongs(each, ours) for each in answer.body["items"]), answer)

    def _read_calls(self) -> None:
        number = self._dice.randrange(CALLS)
        answer = self._ask("cdr", "GET", f"/cdr?start=2026-01-05T00:00:00Z&end=2026-01-06T00:00:00Z&src=7{number:03}")
        if answer.good:
            self._expect([each["dst"] for each in answer.body["items"]] == [f"8{number:03}"], answer)

    def _belongs(self, item: dict[str, Any], ours: set[str]) -> bool:
        number, name = item["extension"], item["name"]
        return number in ours and name.startswith(f"N{number} ")

    def _expect(self, right: bool, answer: Answer) -> None:
        if not right:
            entry = self._entry
            self._traffic.wrong.append(
                f"{answer.op} of {entry.number}: {answer.status} {answer.body!r:.300}, expected"
                f" {entry.name.may_be} {entry.forward.may_be}"
            )
