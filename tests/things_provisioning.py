"""Provisioning that lives in memory: a small exchange that keeps what is written to it, under one lock."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pbxapi.errors import Conflict, Invalid, NotFound
from pbxapi.pbx.plan import FileChange, KeyChange, Plan, RowChange, Secret, StateChange
from pbxapi.pbx.provisioning import (
    CallForward,
    Difference,
    Extension,
    Features,
    FollowMe,
    Mailbox,
    Operation,
    Outcome,
    RecordingPolicy,
    Result,
    Values,
    Write,
)

WIDTH = 50
"""Characters of a name, as FreePBX's column has them."""
RESET = {"caller_id", "codecs", "context", "voicemail", "ring_time", "webrtc", "recording", "max_contacts"}


class MemoryExtensions:
    """`provisioning.Extensions`. `mentions` are numbers that something else mentions, and by what."""

    def __init__(self, *extensions: Extension) -> None:
        self.stored = {each.extension: each for each in extensions}
        self.mentions: dict[str, str] = {}
        self.drifted: dict[str, tuple[Difference, ...]] = {}
        self.erased: list[str] = []
        self.applies = True
        self.applied = 0
        self.made = 0
        self.lock = threading.Lock()

    def all(self) -> tuple[Extension, ...]:
        return tuple(self.stored.values())

    def get(self, number: str) -> Extension:
        if number not in self.stored:
            raise NotFound(f"There is no extension {number}")
        return self.stored[number]

    def options(self, technology: str) -> frozenset[str]:
        return frozenset({"rtp_symmetric", "a_new_keyword"}) if technology == "pjsip" else frozenset()

    def write(self, operations: Sequence[Operation], how: Write) -> Outcome:
        with self.lock:
            if how.check and len(operations) == 1 and operations[0].number in self.stored:
                how.check(self.stored[operations[0].number])
            after = dict(self.stored)
            plan, results, gone = Plan(), [], []
            for place, each in enumerate(operations):
                with placed(place, several=len(operations) > 1):
                    before = after.get(each.number)
                    new = self._after(each, before, how)
                if new is None:
                    gone.append(each.number)
                    del after[each.number]
                else:
                    after[each.number] = new
                plan += change_of(each.number, before, new)
                left = new is None and before is not None and before.voicemail is not None and not how.erase_messages
                words = ("The messages of its mailbox were left",) if left else ()
                results.append(Result(each.op, each.number, new, before != new, words))
            if how.dry_run:
                return Outcome(plan, tuple(results))
            self.stored = after
            self.erased += gone if how.erase_messages else []
        return Outcome(plan, tuple(results), *self._apply(how))

    def _apply(self, how: Write) -> tuple[bool, str | None]:
        if not how.apply:
            return False, "It was asked to wait"
        self.applied += self.applies
        return self.applies, None if self.applies else "The exchange did not load it"

    def _after(self, operation: Operation, before: Extension | None, how: Write) -> Extension | None:
        number, values = operation.number, dict(operation.values)
        if operation.op == "create":
            if before is not None:
                raise Conflict(f"{number} exists already")
            return self._filled(Extension(extension=number, name=None, technology="pjsip"), {"secret": None, **values})
        if before is None:
            raise NotFound(f"There is no extension {number}")
        if operation.op == "delete":
            if number in self.mentions and not how.force:
                raise Conflict(f"{number} is still mentioned by {self.mentions[number]}")
            return None
        if operation.op == "replace":
            values = {**dict.fromkeys(RESET), **values}
        return self._filled(before, values)

    def _filled(self, extension: Extension, values: Values) -> Extension:
        fresh = Extension(extension=extension.extension, name=None, technology="pjsip")
        given = {name: getattr(fresh, name) if value is None else value for name, value in values.items()}
        if len(given.get("name") or "") > WIDTH:
            raise Invalid("A value cannot be stored", {"name": [f"Longer than {WIDTH} characters."]})
        if "secret" in values and values["secret"] is None:
            given["secret"] = self._make("made-secret")
        if values.get("voicemail") is not None:
            box = extension.voicemail or Mailbox(password=self._make("77"))
            wanted = {name: value for name, value in values["voicemail"].items() if value is not None}
            given["voicemail"] = dataclasses.replace(box, **wanted)
        if values.get("recording") is not None:
            given["recording"] = dataclasses.replace(extension.recording or RecordingPolicy(), **values["recording"])
        if "codecs" in given:
            given["codecs"] = tuple(given["codecs"])
        if values.get("options") is not None:
            together = {**extension.options, **values["options"]}
            given["options"] = {name: value for name, value in together.items() if value is not None}
        return dataclasses.replace(extension, **given)

    def _make(self, kind: str) -> str:
        self.made += 1
        return f"{kind}{self.made:04d}"

    def drift(self, number: str) -> tuple[Difference, ...]:
        self.get(number)
        return self.drifted.get(number, ())

    def repair(self, number: str, how: Write) -> Outcome:
        found = self.get(number)
        if how.check:
            how.check(found)
        results = (Result("repair", number, found, bool(self.drifted.get(number))),)
        if how.dry_run:
            return Outcome(Plan(reload=True), results)
        self.drifted.pop(number, None)
        return Outcome(Plan(reload=True), results, *self._apply(how))


@contextmanager
def placed(place: int, *, several: bool) -> Iterator[None]:
    try:
        yield
    except Invalid as error:
        prefix = f"operations.{place}." if several else ""
        raise Invalid(str(error), {prefix + name: words for name, words in error.fields.items()}) from error


def change_of(number: str, before: Extension | None, after: Extension | None) -> Plan:
    """What two states of an extension differ in: its row, its entry of AstDB and its mailbox's line."""
    if before == after:
        return Plan()
    rows = [
        RowChange("users", {"extension": number}, {"name": before.name} if before else None,
                  {"name": after.name} if after else None),
        RowChange("sip", {"id": number, "keyword": "secret"}, {"data": Secret(before.secret)} if before else None,
                  {"data": Secret(after.secret)} if after else None),
    ]  # fmt: skip
    names = [each.name if each else None for each in (before, after)]
    key = KeyChange("AMPUSER", f"{number}/cidname", *names)
    lines = [
        (Secret(f"{number} => {each.voicemail.password}"),) if each and each.voicemail else ()
        for each in (before, after)
    ]
    files = (FileChange("voicemail.conf", "default", *lines),) if lines[0] != lines[1] else ()
    return Plan(tuple(rows), (key,), files, reload=True)


class MemoryFollowMes:
    """`provisioning.FollowMes`, of extensions that `extensions` has."""

    def __init__(self, extensions: MemoryExtensions) -> None:
        self._extensions = extensions
        self.stored: dict[str, FollowMe] = {}

    def all(self) -> tuple[FollowMe, ...]:
        return tuple(self.stored.values())

    def get(self, number: str) -> FollowMe:
        if number not in self.stored:
            raise NotFound(f"Extension {number} has no follow-me")
        return self.stored[number]

    def rows(self, number: str | None = None) -> list[dict[str, str]]:
        return [{"grpnum": each} for each in self.stored if number in (None, each)]

    def put(self, number: str, values: Values, how: Write, *, merge: bool = False) -> tuple[FollowMe, Outcome]:
        self._extensions.get(number)
        before = self.get(number) if merge else self.stored.get(number)
        if how.check:
            how.check(before)
        fresh = FollowMe(
            extension=number, enabled=True, strategy="ringallv2", ring_time=20, initial_ring_time=7, numbers=(number,)
        )
        given = {name: getattr(fresh, name) if value is None else value for name, value in values.items()}
        if "numbers" in given:
            given["numbers"] = tuple(given["numbers"])
        after = dataclasses.replace(before if merge and before else fresh, **given)
        key = KeyChange("AMPUSER", f"{number}/followme/ddial", None, "DIRECT" if after.enabled else "EXTENSION")
        plan = Plan(keys=(key,), states=(StateChange(f"Custom:FOLLOWME{number}", None, "BUSY"),))
        if not how.dry_run:
            self.stored[number] = after
        return after, Outcome(plan)

    def delete(self, number: str, how: Write) -> Outcome:
        before = self.get(number)
        if how.check:
            how.check(before)
        if not how.dry_run:
            del self.stored[number]
        return Outcome(Plan(reload=True))


class MemoryFeatures:
    """`provisioning.FeatureStates`."""

    def __init__(self, extensions: MemoryExtensions) -> None:
        self._extensions = extensions
        self.stored: dict[str, Features] = {}

    def get(self, number: str) -> Features:
        self._extensions.get(number)
        return self.stored.get(number) or Features(
            extension=number, do_not_disturb=False, call_forward=CallForward(), call_waiting=True, ring_time=0
        )

    def change(self, number: str, values: Values, how: Write) -> tuple[Features, Outcome]:
        before = self.get(number)
        if how.check:
            how.check(before)
        given: dict[str, Any] = dict(values)
        forwards: Mapping[str, str | None] | None = values.get("call_forward", {})
        now = CallForward() if forwards is None else dataclasses.replace(before.call_forward, **forwards)
        after = dataclasses.replace(before, **{**given, "call_forward": now})
        if not how.dry_run:
            self.stored[number] = after
        state = StateChange(f"Custom:DND{number}", None, "BUSY" if after.do_not_disturb else None)
        return after, Outcome(Plan(states=(state,)))
