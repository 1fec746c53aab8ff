"""A configuration file of Asterisk, read and changed over the manager interface, with what that does not do by itself.

`UpdateConfig` works on all sections of a name at once, is not locked, reads 128 headers, and says Success to lines
that no module takes (all seen on 16 and 22). So sections are built under a name of their own, and take their place by
a rename; the caller holds the write lock, and looks afterwards whether Asterisk has what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pbxapi.ami import AmiRefused, Client, Message
from pbxapi.ami.protocol import MAX_SENT_HEADERS
from pbxapi.errors import Invalid
from pbxapi.pbx.asterisk_conf import Section

ROOM = MAX_SENT_HEADERS - 4
"""Headers for operations: all but Action, ActionID, SrcFilename and DstFilename."""

LONGEST = 900
"""Bytes of a value; a whole line of an action may have 1,022."""

TIMEOUT = 30.0
"""Seconds. The whole file is read and written at each action: 0.1 s where it holds 1,000 extensions."""

MISSING = "Config file not found"
TEMPLATES_ONLY = ("Filter", "TEMPLATES=restrict")

_SECTION = re.compile(r"[0-9A-Za-z_.~-]{1,79}")
_OPTION = re.compile(r"[0-9A-Za-z_-]{1,79}")

Operation = Sequence[tuple[str, str]]
"""Its headers without their number: `[("Action", "NewCat"), ("Cat", "200")]`."""

Group = Sequence[Operation]
"""What has to stand in one action, which is done all or not at all."""


def value_fault(value: str) -> str | None:
    """Why a value would not come back as it was written, in words for a caller; None when it would."""
    if not value.isprintable() and any(ord(character) < 32 or ord(character) == 127 for character in value):
        return "Control characters cannot be written."
    if ";" in value:
        return "A ; cannot be written."
    if value != value.strip() or value.startswith(">"):
        return "Blanks at the ends, and a > at the beginning, cannot be written."
    return "Longer than can be written." if len(value.encode()) > LONGEST else None


def new_section(name: str, templates: Sequence[str] = (), *, template: bool = False) -> Operation:
    """Begin a section at the file's end."""
    options = [*(["template"] if template else []), *([f'inherit="{",".join(templates)}"'] if templates else [])]
    for each in (name, *templates):
        _check(_SECTION, each)
    return [("Action", "NewCat"), ("Cat", name), *([("Options", ",".join(options))] if options else [])]


def append(section: str, option: str, value: str, *, template: bool = False) -> Operation:
    """Add a line to the section. Raises Invalid for a value that would not come back as it is."""
    _check(_SECTION, section)
    _check(_OPTION, option)
    fault = value_fault(value)
    if fault:
        raise Invalid("A value cannot be written", {option: [fault]})
    where = [("Options", 'catfilter="TEMPLATES=restrict"')] if template else []
    return [("Action", "Append"), ("Cat", section), ("Var", option), ("Value", value), *where]


def delete(section: str) -> Operation:
    """Remove every section of the name."""
    _check(_SECTION, section)
    return [("Action", "DelCat"), ("Cat", section)]


def rename(section: str, name: str) -> Operation:
    """Give the sections of a name another one, which may be there already."""
    _check(_SECTION, section)
    _check(_SECTION, name)
    return [("Action", "RenameCat"), ("Cat", section), ("Value", name)]


def _check(pattern: re.Pattern[str], name: str) -> None:
    if not pattern.fullmatch(name):
        raise Invalid("Not a name that a configuration file can hold")


class ConfigFile:
    """One file in Asterisk's configuration folder, by its bare name. Everything raises AmiError; needs class config."""

    def __init__(self, ami: Client, name: str) -> None:
        self._ami = ami
        self.name = name

    def sections(self, *where: tuple[str, str]) -> list[Section] | None:
        """Its sections, those of a name with `("Category", name)`; None when there is no such file."""
        try:
            reply = self._ami.request("GetConfig", [("Filename", self.name), *where], timeout=TIMEOUT, slow=not where)
        except AmiRefused as error:
            if error.words == MISSING:
                return None
            raise
        return parse(reply.response)

    def names(self) -> set[str]:
        """Of all sections but templates."""
        reply = self._ami.request("ListCategories", [("Filename", self.name)], timeout=TIMEOUT)
        return {value for header, value in reply.response.items() if header.startswith("Category-")}

    def create(self) -> None:
        """Make the file, empty. One that is there would be emptied."""
        self._ami.request("CreateConfig", [("Filename", self.name)])

    def update(self, groups: Iterable[Group]) -> None:
        """Do the operations, each group of them all or not at all, in as few actions as may be."""
        for fields in actions(groups):
            file = [("SrcFilename", self.name), ("DstFilename", self.name)]
            self._ami.request("UpdateConfig", [*file, *fields], timeout=TIMEOUT)


def actions(groups: Iterable[Group]) -> Iterator[list[tuple[str, str]]]:
    """The headers of each action. A group that fills more than one is spread over several."""
    held: list[Operation] = []
    for group in groups:
        if held and _size([*held, *group]) > ROOM:
            yield _numbered(held)
            held = []
        for operation in group:
            if _size([*held, operation]) > ROOM:
                yield _numbered(held)
                held = []
            held.append(operation)
    if held:
        yield _numbered(held)


def _size(operations: Iterable[Operation]) -> int:
    return sum(map(len, operations))


def _numbered(operations: Sequence[Operation]) -> list[tuple[str, str]]:
    return [(f"{name}-{place:06d}", value) for place, operation in enumerate(operations) for name, value in operation]


def parse(message: Message) -> list[Section]:
    """The answer to GetConfig; of sections that are named alike each by itself, as GetConfigJSON cannot tell them."""
    found: dict[str, Section] = {}
    for header, value in message.items():
        what, _, place = header.partition("-")
        place = place.partition("-")[0]
        if what == "Category":
            found[place] = Section(value)
        elif what == "IsTemplate" and place in found:
            found[place].template = value == "1"
        elif what == "Line" and place in found:
            option, _, text = value.partition("=")
            found[place].options.append((option.strip(), text))
    return list(found.values())


def includes(ami: Client, main: str, section: str, template: Mapping[str, str]) -> bool:
    """Whether a file that others include brings along this template: whether the file that holds it is included."""
    found = ConfigFile(ami, main).sections(TEMPLATES_ONLY, ("Category", section)) or []
    return any(all(each.get(option) == value for option, value in template.items()) for each in found)
