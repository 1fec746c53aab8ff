"""Follow-me of an Asterisk with no platform around it: sections of followme.conf, which the dialplan runs by
`FollowMe(${EXTEN})`.

A section is named as its extension, or `off-200` while it is switched off: then `FollowMe(200)` finds nothing, and the
dialplan goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any

from pbxapi.ami import AmiRefused
from pbxapi.errors import Conflict, Invalid, NotFound
from pbxapi.pbx.asterisk_conf import Section
from pbxapi.pbx.change import Changes
from pbxapi.pbx.follow_me_check import check
from pbxapi.pbx.follow_me_numbers import clean, join
from pbxapi.pbx.plan import FileChange, Plan
from pbxapi.pbx.provisioning import FollowMe, Outcome, Values, Write
from pbxapi.pbx.section_file import Lines, SectionFile
from pbxapi.pbx.single_write import write_one

OFF = "off-"
MODULE = "app_followme.so"
MAIN = "followme.conf"
STRATEGIES = ("ringall", "hunt")
RING_TIME = 20
RING = "Ring"

HERE = ("enabled", "strategy", "ring_time", "numbers", "ringing", "confirm_calls")
"""Fields that app_followme has something for."""

OWN = frozenset({"number", "context", "musicclass", "enable_callee_prompt"})
_NAME = re.compile(rf"(?:{OFF})?([0-9]{{1,20}})")


class PlainFollowMe:
    """`provisioning.FollowMes` over one file. `known` tells which of some numbers are extensions."""

    def __init__(
        self,
        file: SectionFile,
        changes: Callable[[Write], Changes],
        known: Callable[[Collection[str]], Collection[str]],
        context: str,
    ) -> None:
        self._file = file
        self._changes = changes
        self._known = known
        self._context = context

    def all(self) -> tuple[FollowMe, ...]:
        """Every follow-me, by number."""
        sections = self._file.file.sections() or []
        found = {each.extension: each for each in map(view, sections) if each is not None}
        return tuple(found[number] for number in sorted(found, key=lambda each: (len(each), each)))

    def get(self, number: str) -> FollowMe:
        """One. Raises NotFound."""
        sections = self._read(number)
        found = view(sections[0]) if sections else None
        if found is None:
            raise NotFound(f"Extension {number} has no follow-me")
        return found

    def rows(self, number: str | None = None) -> list[dict[str, str]]:
        """As FreePBX would keep them."""
        found = self.all()
        known = self._known([each for follow in found for each in follow.numbers])
        return [row(each, known) for each in found if number in {None, each.extension}]

    def put(self, number: str, values: Values, how: Write, *, merge: bool = False) -> tuple[FollowMe, Outcome]:
        """Set it; with `merge` only what is given changes, and it has to be there. Raises NotFound and Invalid."""
        return write_one(self._changes(how), number, partial(self._put, number, values, how, merge=merge), how)

    def delete(self, number: str, how: Write) -> Outcome:
        """Remove it. Raises NotFound."""
        _, outcome = write_one(self._changes(how), number, partial(self._delete, number, how), how)
        return outcome

    def removal(self, numbers: Collection[str], *, force: bool) -> Plan:
        """Take away the follow-me of extensions that go. Raises Conflict when others ring them, unless forced."""
        try:
            sections = self._file.file.sections() or []
        except AmiRefused:
            return Plan()  # no rights to the file: it holds nothing of ours
        gone = set(numbers)
        found = {section.name: section for section in sections if _owner(section.name) in gone}
        others = [each for each in map(view, sections) if each is not None and each.extension not in gone]
        for each in others:
            mentioned = gone.intersection(each.numbers)
            if mentioned and not force:
                raise Conflict(f"{min(mentioned)} is still mentioned by the follow-me of {each.extension}: "
                               "?force=true deletes it all the same, and leaves that as it is")  # fmt: skip
        files = [FileChange(self._file.file.name, name, _as_lines(each), ()) for name, each in found.items()]
        return Plan(files=tuple(files), reload=bool(files))

    def _put(self, number: str, values: Values, how: Write, *, merge: bool) -> tuple[FollowMe, Plan]:
        check(values, None)
        if not self._known([number]):
            raise NotFound(f"There is no extension {number}")
        self._file.prepare(only_look=how.dry_run)
        sections = self._read(number)
        old = view(sections[0]) if sections else None
        if merge and old is None:
            raise NotFound(f"Extension {number} has no follow-me")
        if how.check and old:
            how.check(old)
        default = FollowMe(extension=number, enabled=True, strategy="ringall", ring_time=RING_TIME,
                           initial_ring_time=0, numbers=())  # fmt: skip
        new = _changed(old if merge and old else default, values)
        return new, self._plan(number, sections, self._lines(new, sections))

    def _delete(self, number: str, how: Write) -> tuple[None, Plan]:
        self._file.prepare(only_look=how.dry_run)
        sections = self._read(number)
        if not sections:
            raise NotFound(f"Extension {number} has no follow-me")
        if how.check and (old := view(sections[0])):
            how.check(old)
        return None, self._plan(number, sections, {})

    def _read(self, number: str) -> list[Section]:
        """The section that counts, and another one that may be there by hand."""
        found = []
        for name in (number, f"{OFF}{number}"):
            found += self._file.file.sections(("Category", name)) or []
        return found

    def _plan(self, number: str, sections: list[Section], after: dict[str, Lines]) -> Plan:
        before = {each.name: _as_lines(each) for each in reversed(sections)}
        names = [name for name in (number, f"{OFF}{number}") if before.get(name, ()) != after.get(name, ())]
        files = tuple(
            FileChange(self._file.file.name, name, before.get(name, ()), after.get(name, ())) for name in names
        )
        return Plan(files=files, reload=bool(files))

    def _lines(self, follow: FollowMe, sections: list[Section]) -> dict[str, Lines]:
        name = follow.extension if follow.enabled else f"{OFF}{follow.extension}"
        kept = [each for each in sections[0].options if each[0] not in OWN] if sections else []
        context = (sections[0].get("context") if sections else None) or self._context
        options = [("context", context), ("enable_callee_prompt", "yes" if follow.confirm_calls else "no")]
        options += [("musicclass", follow.ringing)] if follow.ringing not in {None, RING} else []
        options += [("number", step) for step in _steps(follow)]
        return {name: (f"[{name}]", *(f"{option}={value}" for option, value in [*options, *kept]))}


def view(section: Section) -> FollowMe | None:
    """A section as callers see it; None for one that is no extension's."""
    number = _owner(section.name)
    if number is None or section.template:
        return None
    steps = [value.split(",") for option, value in section.options if option == "number"]
    numbers = tuple(number for step in steps for number in step[0].split("&") if number)
    times = [int(step[1]) for step in steps if len(step) > 1 and step[1].isdigit()]
    in_turn = any(len(step) > 2 for step in steps) or len(steps) > 1
    return FollowMe(
        extension=number,
        enabled=not section.name.startswith(OFF),
        strategy="hunt" if in_turn else "ringall",
        ring_time=times[0] if times else RING_TIME,
        initial_ring_time=0,
        numbers=numbers,
        ringing=section.get("musicclass") or RING,
        confirm_calls=section.get("enable_callee_prompt") not in {"no", "off", "false", "0"},
    )


def row(follow: FollowMe, known: Collection[str]) -> dict[str, str]:
    """The columns of FreePBX's findmefollow."""
    return {
        "grpnum": follow.extension, "strategy": follow.strategy, "grptime": str(follow.ring_time), "grppre": "",
        "grplist": join(follow.extension, follow.numbers, known), "annmsg_id": "0", "postdest": "", "dring": "",
        "remotealert_id": "0", "needsconf": "CHECKED" if follow.confirm_calls else "", "toolate_id": "0",
        "pre_ring": "0", "ringing": follow.ringing or RING,
    }  # fmt: skip


def _owner(name: str) -> str | None:
    found = _NAME.fullmatch(name)
    return found[1] if found else None


def _as_lines(section: Section) -> Lines:
    return (f"[{section.name}]", *(f"{name}={value}" for name, value in section.options))


def _steps(follow: FollowMe) -> list[str]:
    """All at once is one step; in turn, each has its place, also where there is only one."""
    if follow.strategy == "ringall":
        return [f"{'&'.join(follow.numbers)},{follow.ring_time}"]
    return [f"{number},{follow.ring_time},{place}" for place, number in enumerate(follow.numbers, 1)]


def _changed(follow: FollowMe, values: Values) -> FollowMe:
    faults: dict[str, list[str]] = {}
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name in HERE:
            if value is not None:
                given[name] = value
        elif value not in {None, "", 0, "default"} and name != "extension" and value != getattr(follow, name, None):
            faults[name] = ["Not on an Asterisk without a platform."]
    if "ringing" in values and values["ringing"] is None:
        given["ringing"] = RING
    if given.get("strategy", "ringall") not in STRATEGIES:
        faults["strategy"] = [f"Must be one of: {', '.join(STRATEGIES)}."]
    if "numbers" in given:
        found = [(clean(each) or "").removesuffix("#") for each in given["numbers"]]
        given["numbers"] = tuple(dict.fromkeys(found))
    new = replace(follow, **given)
    if not new.numbers:
        faults["numbers"] = ["At least one number is needed."]
    elif follow.extension in new.numbers:
        faults["numbers"] = ["Its own number would come back here: the dialplan rings its phone before FollowMe()."]
    if faults:
        raise Invalid("The follow-me cannot be used as it is", faults)
    return new
