"""What is there at the end, held against what clients were told: nothing lost, nothing done in secret."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.soak.client import Answer, Client
from tests.soak.ledger import ASTDB_LATE, Entry, Register
from tests.soak.traffic import PIN
from tests.soak.world import World


@dataclass
class Verdict:
    """`broken` are promises that were not kept. `mended` were half done and named so, until `repair`.

    `lost` are entries of AstDB that a killed Asterisk forgot, `unclear` writes of which clients were not told the end.
    """

    broken: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unclear: int = 0

    def __str__(self) -> str:
        words = [f"{len(self.broken)} promises broken" if self.broken else "nothing lost"]
        words += [f"{self.unclear} numbers with a write whose end was not told"] if self.unclear else []
        words += [f"{len(self.mended)} half done, named and repaired"] if self.mended else []
        words += [f"{len(self.lost)} entries of AstDB lost by Asterisk"] if self.lost else []
        return ", ".join(words)


class Settling:
    """Looks behind the API at every number. `killed` is when Asterisk was killed, None when it was not."""

    def __init__(self, world: World, port: int, killed: float | None = None) -> None:
        self._exchange = world.exchange
        self._api = Client(port)
        self._killed = killed
        self.verdict = Verdict()

    def look(self, entries: list[Entry]) -> Verdict:
        """Look at all of them."""
        for entry in entries:
            self._look(entry)
        self._api.close()
        return self.verdict

    def _look(self, entry: Entry) -> None:
        verdict, number = self.verdict, entry.number
        name = self._name(number)
        if entry.name.unclear or entry.half_done:
            verdict.unclear += 1
        if name not in entry.name.may_be:
            verdict.broken.append(f"{number} is called {name}, told was {entry.name.may_be}")
        faults = self._faults(number, name)
        if faults:
            self._repair(entry, name, faults)
        forward = self._exchange.astdb("CF").get(f"/CF/{number}")
        told = f"{number} is forwarded to {forward}, told was {entry.forward.last}"
        if forward not in entry.forward.may_be:
            verdict.broken.append(told)
        elif self._late(entry.forward) and forward != entry.forward.last:
            verdict.lost.append(told)

    def _repair(self, entry: Entry, name: str | None, faults: list[str]) -> None:
        verdict, number = self.verdict, entry.number
        drift = self._api.ask("drift", "GET", f"/extensions/{number}/drift")
        named = drift.good and bool(drift.body["items"])
        self._api.ask("repair", "POST", f"/extensions/{number}/repair?apply=false")
        left = self._faults(number, name)
        told = f"{number}: {', '.join(faults)}; drift: {_words(drift)}"
        if left or not named:
            verdict.broken.append(f"{told}; left after repair: {left}")
        elif self._late(entry.name):
            verdict.lost.append(told)
        elif entry.half_done:
            verdict.mended.append(told)
        else:
            verdict.broken.append(f"{told}: nobody was told")

    def _name(self, number: str) -> str | None:
        rows = self._exchange.sql("SELECT name FROM users WHERE extension = %s", number)
        return str(rows[0]["name"]) if rows else None

    def _faults(self, number: str, name: str | None) -> list[str]:
        """Where rows, AstDB and voicemail.conf disagree."""
        found = []
        devices = len(self._exchange.rows("devices", number))
        secrets = "secret" in self._exchange.keywords(number)
        if (devices == 1, secrets) != (name is not None,) * 2:
            found.append(f"{devices} devices, a secret: {secrets}")
        astdb = self._exchange.astdb(number)
        if astdb.get(f"/AMPUSER/{number}/cidname") != name:
            found.append(f"AstDB has the name {astdb.get(f'/AMPUSER/{number}/cidname')}, not {name}")
        if (f"/DEVICE/{number}/dial" in astdb) != (name is not None):
            found.append("AstDB has the device" if name is None else "AstDB lacks the device")
        box = self._box(number)
        wanted = None if name is None else f"{PIN},{name}"
        if box != wanted:
            found.append(f"voicemail.conf has {box}, not {wanted}")
        return found

    def _box(self, number: str) -> str | None:
        for line in (self._exchange.etc / "voicemail.conf").read_text().splitlines():
            left, _, right = line.partition("=")  # the platform's own reload writes no arrow
            if left.strip() == number:
                return ",".join(right.removeprefix(">").strip().split(",")[:2])
        return None

    def _late(self, register: Register) -> bool:
        """Whether it was written so shortly before Asterisk was killed that AstDB may not have it."""
        killed = self._killed
        return killed is not None and register.written(killed - ASTDB_LATE, killed)


def _words(answer: Answer) -> str:
    if not answer.good:
        return f"{answer.status} {answer.problem}"
    return "; ".join(f"{each['place']}: {each['what']}" for each in answer.body["items"])
