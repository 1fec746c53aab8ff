"""Phones in a configuration file of ours, which Asterisk's own includes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pbxapi.pbx.dialect import Dialect, Objects
from pbxapi.pbx.plain_store import JOINED, SECRETS, Found, numbered, objects_of
from pbxapi.pbx.plan import FileChange, Plan, Secret
from pbxapi.pbx.section_file import Lines, SectionFile

PREFIX = "pbxapi"
"""What the names of our templates begin with. Whoever edits one changes all phones that have not their own value."""

FIRST = frozenset({"deny", "disallow"})
FEW = 20


def templates(dialect: Dialect) -> dict[str, dict[str, str]]:
    """What all phones have, so that a section holds only what is its own: a file of 1,000 is a third as long."""
    typed = len(dialect.kinds) > 1
    return {
        f"{PREFIX}-{kind}": ({"type": kind} if typed else {}) | dict(dialect.defaults[kind]) for kind in dialect.kinds
    }


class FileStore:
    """`PlainStore` over one SectionFile."""

    loads = True

    def __init__(self, file: SectionFile, dialect: Dialect) -> None:
        self._file = file
        self._dialect = dialect
        self._templates: Mapping[str, Mapping[str, str]] = templates(dialect)

    def why_not(self) -> str | None:
        """See PlainStore."""
        return self._file.why_not()

    def prepare(self, *, only_look: bool) -> None:
        """See PlainStore."""
        self._templates = self._file.prepare(only_look=only_look)

    def read(self, numbers: Collection[str] | None) -> dict[str, Found]:
        """See PlainStore."""
        if numbers is None or len(numbers) > FEW:
            sections = numbered(self._file.file.sections() or [])
        else:
            sections = {}
            for number in numbers:
                sections |= numbered(self._file.file.sections(("Category", number)) or [])
        wanted = set(sections) if numbers is None else set(numbers)
        found = {number: Found(objects_of(sections[number], self._dialect)) for number in sections if number in wanted}
        return {number: each for number, each in found.items() if each.objects}

    def plan(self, number: str, old: Found | None, new: Objects | None) -> Plan:
        """See PlainStore."""
        before, after = (self._lines(number, each) for each in (old.objects if old else None, new))
        if before == after:
            return Plan()
        return Plan(files=(FileChange(self._file.file.name, number, before, after),), reload=True)

    def _lines(self, number: str, objects: Objects | None) -> Lines:
        return () if objects is None else tuple(self._each_line(number, objects))

    def _each_line(self, number: str, objects: Objects) -> Iterator[str]:
        for kind in self._dialect.kinds:
            if kind not in objects:
                continue
            name = f"{PREFIX}-{kind}"
            yield f"[{number}]({name})"
            common = self._templates.get(name, {})
            # Asterisk takes one after the other, and what a later line says counts.
            for option, value in sorted(objects[kind].items(), key=lambda each: each[0] not in FIRST):
                if value == common.get(option, "").removeprefix("!all,"):
                    continue
                for line in _options(option, value, inherited=option in common):
                    yield Secret(line) if option in SECRETS else line


def _options(option: str, value: str, *, inherited: bool) -> list[str]:
    """Lines for an option. What a template says before it does not go away by itself where a list only grows."""
    if option == "allow" and inherited:
        return [f"{option}=!all,{value}"]
    if JOINED.get(option) == ";":
        return [f"{option}={part}" for part in value.split(";") if part]
    return [f"{option}={value}"]
