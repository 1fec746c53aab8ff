"""Asterisk's own configuration files, read as text.

As main/config.c reads them (16 and 22 do the same): sections, `name = value` and `name => value`, comments, templates,
includes. Two things differ on purpose. Nothing is executed: `#exec` is passed over. And a part of a configuration can
be read by itself: a line outside of any section, or a template that another file defines, is passed over too, where
Asterisk refuses the whole file. `+=` and `{a,b}` in the name of an include are not known here.
"""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger("pbxapi.pbx.asterisk_conf")

MAX_BYTES = 16 * 1024 * 1024
"""Of all files together; 1,000 extensions of FreePBX are about 1 MB."""

MAX_FILES = 1_000
MAX_OPTIONS = 1_000_000
MAX_DEPTH = 10
"""MAX_INCLUDE_LEVEL of main/config.c."""

BLANKS = "".join(map(chr, range(33)))
"""What ast_strip() takes off."""


class ConfError(ValueError):
    """A file that cannot be made sense of. The text names file and line, and nothing of what stands there."""


@dataclass(slots=True)
class Section:
    """One section: its options in order, those of its templates first. A name may come more than once.

    A template is no section of the exchange: it only lends its options.
    """

    name: str
    options: list[tuple[str, str]] = field(default_factory=list, repr=False)
    template: bool = False

    def get(self, option: str) -> str | None:
        """The value of an option, in any case; the last of several, as Asterisk applies one after the other."""
        wanted = option.lower()
        return next((value for name, value in reversed(self.options) if name.lower() == wanted), None)


def read(path: str | os.PathLike[str]) -> list[Section]:
    """Every section that is not a template, in order, those of included files where they are included.

    Raises OSError for a file that cannot be read, an included one among them, and ConfError for one that is broken or
    too large, or that includes itself.
    """
    reader = _Reader(Path(path).parent)
    reader.read(Path(path))
    return [section for section in reader.sections if not section.template]


def manager_credentials(path: str | os.PathLike[str]) -> tuple[str, str]:
    """The first user of a manager.conf, and its secret. Raises OSError and ConfError, also when there is none."""
    for section in read(path):
        secret = section.get("secret")
        if section.name.lower() != "general" and secret:
            return section.name, secret
    raise ConfError(f"{path}: no section has a secret")


class _Reader:
    """Reads files into one list of sections. Includes are relative to `folder`, whichever file they stand in."""

    def __init__(self, folder: Path) -> None:
        self.sections: list[Section] = []
        self._folder = folder
        self._named: dict[str, list[Section]] = {}
        self._begun: Section | None = None
        self._bytes = self._files = self._options = 0

    def read(self, path: Path, depth: int = 0) -> None:
        """Read a file that so many others lead to.

        It begins in the section that was begun last, in whichever file; the file that includes it goes on in its own.
        """
        if depth > MAX_DEPTH:
            raise ConfError(f"{path}: included more than {MAX_DEPTH} deep, by itself perhaps")
        section = self._begun
        for number, line in _lines(self._text(path)):
            where = f"{path}:{number}"
            if line.startswith("["):
                section = self._begun = self._section(line, where)
            elif line.startswith("#"):
                self._directive(line, where, depth)
            elif section is not None:
                self._option(line, section, where)

    def _text(self, path: Path) -> str:
        self._files += 1
        if self._files > MAX_FILES:
            raise ConfError(f"{path}: more than {MAX_FILES} files are included")
        if not path.is_file():
            # Also keeps us from waiting for a pipe. A missing file is told by open() in its own words.
            path.stat()
            raise ConfError(f"{path}: not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1 - self._bytes)
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            raise ConfError(f"{path}: more than {MAX_BYTES} bytes with what it includes")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")

    def _section(self, line: str, where: str) -> Section:
        """Begin a section: `[name]`, `[name](!)` a template, `[name](a,b)` with templates, `[name](+)` more of one."""
        name, closed, rest = line[1:].partition("]")
        words, bracket, _ = rest[1:].partition(")") if rest.startswith("(") else ("", ")", "")
        if not closed or not bracket:
            raise ConfError(f"{where}: a bracket of the section's name is not closed")
        section, is_new = Section(name.strip(BLANKS)), True
        for word in filter(None, words.split(",")):
            if word == "!":
                section.template = True
            elif word.startswith("+"):
                earlier = self._find(section.name, word[1:])
                section, is_new = earlier or section, earlier is None
            elif lender := self._find(word):
                self._count(len(lender.options), where)
                section.options += lender.options
        if is_new:
            self._count(1, where)
            self.sections.append(section)
            self._named.setdefault(section.name.lower(), []).append(section)
        return section

    def _find(self, name: str, condition: str = "") -> Section | None:
        """The first section of a name, in any case, whose options are as `condition` (`type=endpoint&...`) says."""
        wanted = [part.partition("=") for part in condition.split("&") if part]
        for section in self._named.get(name.lower(), ()):
            if all(section.get(option) == value for option, _, value in wanted):
                return section
        return None

    def _option(self, line: str, section: Section, where: str) -> None:
        name, equals, value = line.removeprefix("\\").partition("=")
        name = name.strip(BLANKS)
        if name and equals:
            self._count(1, where)
            section.options.append((name, value.removeprefix(">").strip(BLANKS)))

    def _directive(self, line: str, where: str, depth: int) -> None:
        word, _, argument = line[1:].replace("\t", " ").partition(" ")
        argument = argument.strip(BLANKS)
        if word.lower() == "exec":
            log.warning("%s: #exec is not executed", where)
        elif word.lower() in {"include", "tryinclude"} and argument:
            if argument[0] + argument[-1] in {'""', "<>"}:
                argument = argument[1:-1]
            found = self._matching(argument)
            if not found and word.lower() == "include":
                raise FileNotFoundError(f"{where}: the file that is included is not there")
            for path in found:
                self.read(path, depth + 1)

    def _matching(self, pattern: str) -> list[Path]:
        try:
            found = sorted(glob.glob(pattern, root_dir=self._folder))  # noqa: PTH207 (Path.glob takes no absolute one)
        except ValueError:
            return []  # a NUL in the name
        return [path for path in map(self._folder.joinpath, found) if path.is_file()]

    def _count(self, options: int, where: str) -> None:
        """Templates of templates can double what they hold with every line: it is not only the files' size."""
        self._options += options
        if self._options > MAX_OPTIONS:
            raise ConfError(f"{where}: more than {MAX_OPTIONS} options")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are left without comments and blanks, with their numbers."""
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        left, depth = uncommented(line, depth)
        stripped = left.strip(BLANKS)
        if stripped:
            yield number, stripped


def uncommented(line: str, depth: int) -> tuple[str, int]:
    r"""Take comments off a line: `;` to its end, `;-- --;` over lines, nested; `\;` is a plain `;`."""
    left, done = "", 0
    while (at := line.find(";", done)) >= 0:
        before = line[done:at] if not depth else ""
        if at > done and line[at - 1] == "\\":
            left += before[:-1] + ";" if not depth else ""
            done = at + 1
        elif line[at + 1 : at + 3] == "--" and line[at + 3 : at + 4] != "-":
            left, depth, done = left + before, depth + 1, at + 3
        elif depth:
            depth -= at - done >= 2 and line[at - 2 : at] == "--"
            done = at + 1
        else:
            return left + before, depth
    return (left if depth else left + line[done:]), depth
