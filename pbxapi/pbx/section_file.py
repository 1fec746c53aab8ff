"""A file of which we own the sections, changed and loaded within a step that can be taken back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from pbxapi.ami import AmiDenied, AmiRefused, Client
from pbxapi.errors import NotSupported, Refused
from pbxapi.pbx import config_file as conf
from pbxapi.pbx.plan import FileChange
from pbxapi.pbx.step import Step

Lines = tuple[str, ...]
"""Of all sections of one number: `[200](pbxapi-endpoint)`, `auth=200`, ... `[200](pbxapi-auth)`, ..."""

RELOAD_TIMEOUT = 30.0
"""Seconds; 0.2 for 1,000 extensions, and others may be reloading."""

PAUSE = 0.1
LOADED_WITHIN, LOOK_AGAIN = 3.0, 0.02
"""Seconds in which what was loaded is to be there, and until another look."""

NO_RIGHTS = "the manager user needs the class config"

_HEAD = re.compile(r"\[([^\]]+)\](?:\(([^)]*)\))?")


class SectionFile:
    """A `ConfFile` of `change.py`. The section of a FileChange is the number; its lines are as in `Lines`.

    `templates` are made in a new file; `module` reads it, and `lacking` tells which numbers it then has not got right.
    """

    def __init__(
        self,
        ami: Client,
        name: str,
        module: str,
        *,
        main: str | None = None,
        templates: Mapping[str, Mapping[str, str]] | None = None,
        lacking: Callable[[Collection[str]], Mapping[str, str]] | None = None,
    ) -> None:
        self._ami = ami
        self._main = main
        self._module = module
        self._templates = templates or {}
        self._lacking = lacking
        self._included = main is None
        self.file = conf.ConfigFile(ami, name)

    def why_not(self) -> str | None:
        """Why nothing can be written here, in words for a caller; None when it can. Raises AmiError."""
        # GetConfig is there for the class system, too.
        if "UpdateConfig" not in dict(self._ami.request("ListCommands").response.items()):
            return NO_RIGHTS
        try:
            templates = self.file.sections(conf.TEMPLATES_ONLY)
        except AmiDenied:
            return NO_RIGHTS
        except AmiRefused as error:
            return f"{self.file.name} cannot be read: {error.words}"
        if templates is None:
            return None if self._main is None else self._not_included()
        name, options = next(iter(self._templates.items()), ("", {}))
        if self._main is None or not {each.name for each in templates} or not name:
            return None
        held = next((dict(each.options) for each in templates if each.name == name), dict(options))
        return None if conf.includes(self._ami, self._main, name, held) else self._not_included()

    def _not_included(self) -> str:
        return f"{self._main} has no line `#include {self.file.name}`, with that file there"

    def prepare(self, *, only_look: bool = False) -> dict[str, dict[str, str]]:
        """Make the file if it is not there, and the templates that it lacks; give the templates as they stand there.

        With `only_look` nothing is made. Raises NotSupported when Asterisk would not read it.
        """
        found = self.file.sections(conf.TEMPLATES_ONLY)
        if only_look:
            return {name: dict(options) for name, options in self._templates.items()} | {
                each.name: dict(each.options) for each in found or ()
            }
        if found is None:
            self.file.create()
        there = {each.name: dict(each.options) for each in found or ()}
        missing = {name: options for name, options in self._templates.items() if name not in there}
        if missing:
            self.file.update([[operation for name in missing for operation in _template(name, missing[name])]])
        there |= {name: dict(options) for name, options in missing.items()}
        if not self._included:
            self._check_included(there)
        return there

    def _check_included(self, templates: Mapping[str, Mapping[str, str]]) -> None:
        """Once is enough: whether Asterisk has each extension is looked at anyway."""
        name = next(iter(self._templates))
        if self._main and not conf.includes(self._ami, self._main, name, templates[name]):
            raise NotSupported(f"Asterisk does not read {self.file.name}: {self._not_included()}")
        self._included = True

    def step(self, changes: Sequence[FileChange], *, load: bool = True) -> Step:
        """Make these changes and, with `load`, let Asterisk take them; raises Refused when it does not."""
        after = {change.section: change.after for change in changes}
        before = {change.section: change.before for change in changes}

        def do() -> None:
            self._write(after)
            if load:
                self.reload()
                self._look([number for number, lines in after.items() if lines])

        def undo() -> None:
            self._write(before)
            if load:
                self.reload()

        return Step(self.file.name, do, undo)

    def load(self) -> None:
        """Nothing: it was loaded as it was written, or was not to be."""

    def unloaded(self) -> Unloaded:
        """The same file, for changes that are not to be loaded now."""
        return Unloaded(self)

    def reload(self) -> None:
        """Let Asterisk read it, and wait until it has. Raises AmiError."""
        deadline = time.monotonic() + RELOAD_TIMEOUT
        while True:
            left = deadline - time.monotonic()
            try:
                self._ami.request("Reload", [("Module", self._module)], timeout=max(left, 1.0))
                break
            except AmiDenied:
                raise
            except AmiRefused as error:
                if "progress" not in error.words or left <= 0:
                    raise
            time.sleep(PAUSE)
        # The answer may come before it is done; what is asked after it waits on the same session.
        self._ami.request("Ping", timeout=RELOAD_TIMEOUT)

    def _look(self, numbers: Sequence[str]) -> None:
        """Nobody reports an option that is wrong: the object is left out, and only the log says so."""
        lacking = self._lacking(numbers) if self._lacking and numbers else {}
        deadline = time.monotonic() + LOADED_WITHIN
        while lacking and self._lacking and time.monotonic() < deadline:
            # chan_sip reads its file in a thread of its own, some time after it has said that it did.
            time.sleep(LOOK_AGAIN)
            lacking = self._lacking(list(lacking))
        if lacking:
            what = "; ".join(f"{number}: {words}" for number, words in list(lacking.items())[:5])
            raise Refused(f"Asterisk did not take what was written, and it was taken back ({what})")

    def _write(self, wanted: Mapping[str, Lines]) -> None:
        self.file.update(groups(wanted, self.file.names()))


class Unloaded:
    """A `ConfFile` whose changes wait until somebody reloads."""

    def __init__(self, file: SectionFile) -> None:
        self._file = file

    def step(self, changes: Sequence[FileChange]) -> Step:
        """Make these changes."""
        return self._file.step(changes, load=False)

    def load(self) -> None:
        """Not now."""


def groups(wanted: Mapping[str, Lines], there: Collection[str]) -> Iterator[conf.Group]:
    """The operations that make the sections of each number what is wanted, whatever is there.

    Where it fits, a number's are one group; else its sections are built first, and the last group puts them in place.
    """
    for number, lines in wanted.items():
        built: list[conf.Operation] = []
        placed: list[conf.Operation] = [conf.delete(number)] if number in there else []
        built += [conf.delete(name) for name in sorted(there) if name.startswith(f"{number}~")]
        for place, (templates, options) in enumerate(sections(lines)):
            name = f"{number}~{place}"
            built.append(conf.new_section(name, templates))
            built += [conf.append(name, option, value) for option, value in options]
            placed.append(conf.rename(name, number))
        if sum(map(len, [*built, *placed])) <= conf.ROOM:
            yield [*built, *placed]
        else:
            yield built
            yield placed


def sections(lines: Lines) -> list[tuple[list[str], list[tuple[str, str]]]]:
    """Templates and options of each section."""
    found: list[tuple[list[str], list[tuple[str, str]]]] = []
    for line in lines:
        head = _HEAD.fullmatch(line)
        if head:
            found.append((head[2].split(",") if head[2] else [], []))
        else:
            option, _, value = line.partition("=")
            found[-1][1].append((option, value))
    return found


def _template(name: str, options: Mapping[str, str]) -> Iterator[conf.Operation]:
    yield conf.new_section(name, template=True)
    for option, value in options.items():
        yield conf.append(name, option, value, template=True)
