"""AstDB and the custom states that Asterisk keeps in it, over the manager interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pbxapi.ami import AmiError, AmiRefused, AmiUnavailable, AmiUnknownAction, Client
from pbxapi.ami.pending import Pending
from pbxapi.errors import Invalid
from pbxapi.pbx.plan import KeyChange, StateChange
from pbxapi.pbx.text import LINE_ENDS

T = TypeVar("T")

Action = tuple[str, list[tuple[str, str]]]
"""Its name, and its headers."""

AT_ONCE = 100
"""Actions sent in one go; twice as many are under way. Enough to hide the way there and back, few enough for their
deadline."""

NOT_THERE = ("Database entry not found", "Database entry could not be deleted")
FAMILIES = {"Custom": "CustomDevstate", "CustomPresence": "CustomPresence"}
FUNCTIONS = {"Custom": "DEVICE_STATE", "CustomPresence": "PRESENCE_STATE"}
NEUTRAL = {"Custom": "NOT_INUSE", "CustomPresence": "not_set,,"}


class AstDb:
    """The database of a running Asterisk: there is no other way to it (FreePBX and Issabel keep half of it here).

    Needs `write = system` (DBPut, DBDel, DBGet) and `call` (Setvar). Everything raises AmiError.
    """

    def __init__(self, ami: Client) -> None:
        self._ami = ami

    def ping(self) -> None:
        """Raises AmiError when Asterisk does not answer: before anything is written elsewhere."""
        self._ami.request("Ping")

    def get(self, family: str, key: str) -> str | None:
        """One value; None when there is no such entry."""
        return self.ask(entries=[(family, key)])()[0].get(key)

    def tree(self, family: str, key: str = "") -> dict[str, str]:
        """Everything at or below a key, by key without the family: `{"200/cidname": "Alice"}`."""
        return self.trees([(family, key)])[0]

    def trees(self, places: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
        """Several, by family and key: all are asked for before any answer is awaited."""
        return self.ask(places)()

    def ask(
        self, trees: Sequence[tuple[str, str]] = (), entries: Sequence[tuple[str, str]] = ()
    ) -> Callable[[], list[dict[str, str]]]:
        """Ask for trees and single entries, by family and key; what is given back awaits the answers, in that order.

        For each tree Asterisk looks through all of AstDB (main/db.c: no index serves its LIKE), 3 ms among 14,000
        entries; for an entry it does not.
        """
        under_way = []
        for action, places in (("DBGetTree", trees), ("DBGet", entries)):
            for family, key in places:
                where = [("Family", family), *([("Key", key)] if key else [])]
                under_way.append(self._ami.start(action, where, until=f"{action}Complete"))

        def answers() -> list[dict[str, str]]:
            found = [self._tree(*place, one) for place, one in zip(trees, under_way, strict=False)]
            return found + [_entry(key, one) for (_, key), one in zip(entries, under_way[len(trees) :], strict=True)]

        return answers

    def _tree(self, family: str, key: str, pending: Pending) -> dict[str, str]:
        try:
            events = pending.result().events
        except AmiUnknownAction:
            return self._shown(family, key)
        start = len(family) + 2
        return {event.get("Key")[start:]: event.get("Val") for event in events}

    def _shown(self, family: str, key: str) -> dict[str, str]:
        """By the command line, for an Asterisk too old for DBGetTree. It pads values with blanks."""
        shown = self._ami.command(f"database show {family} {key}".rstrip())
        found = {}
        for line in shown:
            name, mark, value = line.partition(": ")
            if mark and name.startswith(f"/{family}/"):
                found[name[len(family) + 2 :].rstrip()] = value.rstrip()
        return found

    def write(self, changes: Iterable[KeyChange], sent: list[KeyChange] | None = None) -> None:
        """Make each entry what its `after` says. When one fails, `sent` holds those that may have been written."""
        changes = list(changes)
        if any(LINE_ENDS.search(f"{change.key}{change.after}") for change in changes):
            raise Invalid("A value holds a line end or a NUL, which cannot be written")
        places: list[int] = []
        try:
            self._run(changes, _action, places)
        finally:
            if sent is not None:
                sent.extend(changes[place] for place in places)

    def put_back(self, changes: Sequence[KeyChange]) -> None:
        """Make each entry what its `before` says, the last first."""
        if changes:
            self.write(KeyChange(c.family, c.key, c.after, c.before) for c in reversed(changes))

    def _run(self, changes: Sequence[T], action: Callable[[T], Action], may_have_run: list[int]) -> None:
        """Start them all, and wait. `may_have_run` gets the places of those that did, or of which it is not known."""
        under_way: list[tuple[int, list[Pending]]] = []
        failures: list[AmiError] = []
        for first in range(0, len(changes), AT_ONCE):
            some = [action(change) for change in changes[first : first + AT_ONCE]]
            under_way.append((first, self._start(some, first, may_have_run, failures)))
            if len(under_way) > 1:
                # Asterisk works on some while we wait for those before them.
                _wait(*under_way.pop(0), may_have_run, failures)
            if failures:
                break
        for one in under_way:
            _wait(*one, may_have_run, failures)
        if failures:
            raise failures[0]

    def _start(
        self, some: Sequence[Action], first: int, may_have_run: list[int], failures: list[AmiError]
    ) -> list[Pending]:
        may_have_run.extend(range(first, first + len(some)))
        try:
            return self._ami.start_all(some)
        except AmiError as error:
            failures.append(error)
            if not (isinstance(error, AmiUnavailable) and error.may_have_run):
                del may_have_run[-len(some) :]
            return []

    def state(self, device: str) -> str | None:
        """What a custom device or presence state was last set to; None when nobody has set it."""
        kind, _, name = device.partition(":")
        return self.get(FAMILIES[kind], name)

    def set_states(self, changes: Iterable[StateChange]) -> None:
        """Set each, so that whoever watches is told at once. One that goes back to None leaves no entry behind."""
        changes = list(changes)
        self._run(changes, _setter, [])
        gone = [change.device.partition(":") for change in changes if change.after is None]
        self.write(KeyChange(FAMILIES[kind], name, None, None) for kind, _, name in gone)


def _entry(key: str, pending: Pending) -> dict[str, str]:
    try:
        events = pending.result().events
    except AmiRefused as error:
        if error.words in NOT_THERE:
            return {}
        raise
    return {key: events[0].get("Val")} if events else {}


def _wait(first: int, some: Sequence[Pending], may_have_run: list[int], failures: list[AmiError]) -> None:
    for place, pending in enumerate(some, first):
        try:
            pending.result()
        except AmiRefused as error:
            if error.words not in NOT_THERE:
                may_have_run.remove(place)
                failures.append(error)
        except AmiError as error:
            if isinstance(error, AmiUnavailable) and not error.may_have_run:
                may_have_run.remove(place)
            failures.append(error)


def _action(change: KeyChange) -> Action:
    where = [("Family", change.family), ("Key", change.key)]
    if change.after is None:
        return "DBDel", where
    return "DBPut", [*where, ("Val", str(change.after))]


def _setter(change: StateChange) -> Action:
    kind = change.device.partition(":")[0]
    # Asterisk remembers the state beside the entry: deleting that alone would leave the lamp as it is.
    value = NEUTRAL[kind] if change.after is None else change.after
    return "Setvar", [("Variable", f"{FUNCTIONS[kind]}({change.device})"), ("Value", value)]
