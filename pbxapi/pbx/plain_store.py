"""Where a plain Asterisk keeps its phones: what a store has to do, and what both read of Asterisk's own files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pbxapi.ami import AmiDenied, AmiRefused, Client
from pbxapi.pbx.asterisk_conf import Section
from pbxapi.pbx.config_file import ConfigFile
from pbxapi.pbx.dialect import SIP_TRANSPORTS, Dialect, Objects
from pbxapi.pbx.plan import Plan, Value

SECRETS = frozenset({"password", "secret", "md5_cred", "md5secret", "oauth_secret", "refresh_token"})
"""Options and columns that nobody may see in a plan."""

JOINED = {"allow": ",", "disallow": ",", "permit": ",", "deny": ",", "set_var": ";", "setvar": ";"}
"""Options that may stand on several lines, and what comes between them when they are one value."""


@dataclass(frozen=True)
class Found:
    """A number as its store has it; `raw` are the rows, where there are rows."""

    objects: Objects
    raw: Mapping[str, Mapping[str, Value]] = field(default_factory=dict, repr=False)


class PlainStore(Protocol):
    """Everything raises AmiError, Unavailable and Timeout."""

    loads: bool
    """Whether Asterisk has to be told to load what was written."""

    def why_not(self) -> str | None:
        """Why nothing can be written, in words for a caller."""
        ...

    def prepare(self, *, only_look: bool) -> None:
        """Be ready to write, or to plan a write; raises NotSupported. The caller holds the write lock."""
        ...

    def read(self, numbers: Collection[str] | None) -> dict[str, Found]:
        """Those of the numbers that are there, all of them for None."""
        ...

    def plan(self, number: str, old: Found | None, new: Objects | None) -> Plan:
        """What makes new of old. Raises Invalid for what the store cannot hold. `prepare` comes first."""
        ...


def objects_of(sections: Sequence[Section], dialect: Dialect) -> Objects:
    """The sections of one number, by their kind. Of what stands there twice the last counts, as in Asterisk."""
    found: dict[str, dict[str, str]] = {}
    for section in sections:
        kind = dialect.main_kind if len(dialect.kinds) == 1 else section.get("type")
        if kind not in dialect.kinds:
            continue
        options = found.setdefault(str(kind), {})
        for option, value in section.options:
            joint = JOINED.get(option)
            again = joint is not None and option in options and not value.startswith("!all,")
            options[option] = f"{options[option]}{joint}{value}" if again else value.removeprefix("!all,")
        if len(dialect.kinds) > 1:
            options.pop("type", None)
    return found


def numbered(sections: Sequence[Section]) -> dict[str, list[Section]]:
    """Sections by their name, where that is an extension's number."""
    found: dict[str, list[Section]] = {}
    for section in sections:
        if section.name.isascii() and section.name.isdigit() and len(section.name) <= 20 and not section.template:
            found.setdefault(section.name, []).append(section)
    return found


def in_files(ami: Client, dialect: Dialect) -> dict[str, Objects]:
    """The phones in Asterisk's own file and all that it includes; none where the manager user may not read it."""
    try:
        sections = ConfigFile(ami, dialect.main).sections()
    except (AmiDenied, AmiRefused):
        return {}
    found = {number: objects_of(some, dialect) for number, some in numbered(sections or []).items()}
    return {number: objects for number, objects in found.items() if dialect.main_kind in objects}


def transports(ami: Client, dialect: Dialect) -> Collection[str] | None:
    """The transports that a phone may be bound to; None where they cannot be known."""
    if dialect.technology == "sip":
        return SIP_TRANSPORTS
    try:
        sections = ConfigFile(ami, dialect.main).sections(("Filter", "type=transport"))
    except (AmiDenied, AmiRefused):
        return None
    return {section.name for section in sections} if sections is not None else None
