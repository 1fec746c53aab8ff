"""voicemail.conf as text: its lines are found, put in and taken out, and everything else stays byte for byte.

Only what stands in the file itself: boxes of a file that it includes are not seen here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pbxapi.errors import Conflict
from pbxapi.pbx.asterisk_conf import BLANKS, uncommented
from pbxapi.pbx.plan import Secret
from pbxapi.pbx.provisioning import Mailbox
from pbxapi.pbx.voicemail_line import DEFAULTS, edited, key_of, mailbox_of, new_line, separator_of

NO_CONTEXTS = frozenset({"general", "zonemessages", "pbxaliases", "device"})
"""Sections that hold no boxes: the first two are Asterisk's own (app_voicemail), the others FreePBX's."""

ALIASES = "pbxaliases"
"""Where FreePBX keeps which box a device's own (`201@device`) stands for: `[general] aliasescontext`, Asterisk 16.2."""

LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(slots=True, eq=False)
class _Row:
    """A line. `raw` has its line end, `text` neither that nor comments; `key` is what stands before its `=`.

    `shared`: a comment over several lines begins or ends in it; `in_comment`: it goes on in the next.
    """

    raw: str
    text: str
    key: str | None
    shared: bool = False
    in_comment: bool = False

    @property
    def line(self) -> str:
        return self.raw.rstrip("\r\n")


@dataclass(slots=True, eq=False)
class _Section:
    """The lines of a section, its head first; `keyed` are those with a key, by it."""

    name: str
    rows: list[_Row] = field(default_factory=list)
    keyed: dict[str, list[_Row]] = field(default_factory=dict)

    def add(self, row: _Row, place: int | None = None) -> None:
        """Put a line in; at the end unless a place is given."""
        self.rows.insert(len(self.rows) if place is None else place, row)
        if row.key is not None:
            self.keyed.setdefault(row.key, []).append(row)

    def swap(self, row: _Row, new: _Row) -> None:
        """Put a line in the place of another."""
        place = self.rows.index(row)
        if row.key is None or row.key != new.key:
            self.remove(row)
            self.add(new, place)
        else:
            self.rows[place] = new
            same = self.keyed[row.key]
            same[same.index(row)] = new

    def remove(self, row: _Row) -> None:
        """Take a line out."""
        self.rows.remove(row)
        if row.key is not None:
            self.keyed[row.key].remove(row)

    @property
    def end(self) -> int:
        """Where a new line belongs: behind the last that means something, before blank lines and comments."""
        for place in range(len(self.rows), 0, -1):
            row = self.rows[place - 1]
            if row.text and not row.in_comment:
                return place
        for place, row in enumerate(self.rows, 1):
            if not row.in_comment:
                return place
        raise Conflict("A comment at the end of voicemail.conf is not closed")


class VoicemailConf:
    """The text of a voicemail.conf. `text` is decoded with surrogateescape, so that any bytes survive."""

    def __init__(self, text: str) -> None:
        self._sections = list(_sections(text))
        self._line_end = "\r\n" if "\r\n" in text else "\n"

    @property
    def text(self) -> str:
        """All of it, as it is now."""
        return "".join(row.raw for section in self._sections for row in section.rows)

    @property
    def aliases(self) -> bool:
        """Whether there is a section of aliases to be kept up."""
        return any(section.name == ALIASES for section in self._sections)

    def mailboxes(self) -> dict[tuple[str, str], Mailbox]:
        """Every box by context and number; the first counts where a number is there twice, as for Asterisk."""
        found: dict[tuple[str, str], Mailbox] = {}
        general = self._general()
        for section in self._sections:
            if section.name and section.name.lower() not in NO_CONTEXTS:
                for key, rows in section.keyed.items():
                    if rows and (section.name, key) not in found:
                        found[section.name, key] = mailbox_of(rows[0].line, section.name, general)
        return found

    def lines(self, section: str, keys: Iterable[str]) -> tuple[str, ...]:
        """The lines of a section that begin with one of these keys, without their ends."""
        return tuple(row.line for _, row in self._found(section, keys))

    def box_lines(self, context: str, number: str) -> tuple[Secret, ...]:
        """The lines of a box; there should be one at most."""
        return tuple(map(Secret, self.lines(context, [number])))

    def changed(self, context: str, number: str, mailbox: Mailbox, name: str | None) -> tuple[Secret, ...]:
        """What the lines of a box have to be, whether it is there or not; those of a number twice stay. Raises Invalid.

        A new line is written as the file's others are: `201=` by newer ones, `201 => ` by older ones and Issabel.
        """
        lines = self.box_lines(context, number)
        if lines:
            return Secret(edited(lines[0], mailbox, name, self._general())), *lines[1:]
        return (Secret(new_line(number, self._separator(context), mailbox, name or number)),)

    def _general(self) -> dict[str, str]:
        """What holds for every box whose line does not say it."""
        found = dict(DEFAULTS)
        for name in DEFAULTS:
            for _, row in self._found("general", [name])[:1]:
                found[name] = row.text.partition("=")[2].removeprefix(">").strip(BLANKS)
        return found

    def _separator(self, section: str) -> str:
        """As the section's last line has it, else any box's."""
        every = [each for each in self._sections if each.name and each.name.lower() not in NO_CONTEXTS]
        for sections in (self._named(section), every):
            rows = (row for each in reversed(sections) for row in reversed(each.rows))
            if last := next((row for row in rows if row.key), None):
                return separator_of(last.line)
        return " => "

    def replace(self, section: str, before: Sequence[str], after: Sequence[str]) -> None:
        """Put lines in the place of others. Raises Conflict unless `before` is all that there is of their keys."""
        found = self._rows(section, before, after)
        if [row.line for _, row in found] != list(before):
            raise Conflict("voicemail.conf was changed meanwhile: try again")
        if any(row.shared for _, row in found):
            raise Conflict("A comment over several lines of voicemail.conf begins or ends beside this mailbox")
        for (each, row), line in zip(found, after, strict=False):
            each.swap(row, _row(line + row.raw[len(row.line) :]))
        for each, row in found[len(after) :]:
            self._remove(each, row)
        for line in after[len(found) :]:
            each = found[-1][0] if found else self._section(section)
            self._insert(each, each.end, line)

    def found(self, section: str, before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
        """Every line that there is of the keys of these lines."""
        return tuple(row.line for _, row in self._rows(section, before, after))

    def _rows(self, section: str, before: Sequence[str], after: Sequence[str]) -> list[tuple[_Section, _Row]]:
        keys = dict.fromkeys(_row(line).key for line in (*before, *after))
        return self._found(section, [key for key in keys if key is not None])

    def _found(self, section: str, keys: Iterable[str]) -> list[tuple[_Section, _Row]]:
        return [(each, row) for key in keys for each in self._named(section) for row in each.keyed.get(key, ())]

    def _insert(self, section: _Section, place: int, line: str) -> None:
        row = _row(line + self._line_end)
        last = self._last
        section.add(row, place)
        if last is not None and not last.raw.endswith("\n") and self._last is row:
            last.raw, row.raw = last.raw + self._line_end, line

    def _remove(self, section: _Section, row: _Row) -> None:
        """A file whose last line had no end keeps to that."""
        was_last = self._last is row
        section.remove(row)
        last = self._last
        if was_last and last is not None and not row.raw.endswith("\n"):
            last.raw = last.line

    @property
    def _last(self) -> _Row | None:
        return next((each.rows[-1] for each in reversed(self._sections) if each.rows), None)

    def _named(self, name: str) -> list[_Section]:
        return [section for section in self._sections if section.name.lower() == name.lower()]

    def _section(self, name: str) -> _Section:
        """One to put lines in, made at the end of the file if there is none."""
        named = self._named(name)
        if named:
            return named[-1]
        section, last = _Section(name), self._last
        if last is not None:
            if last.in_comment:
                raise Conflict("A comment at the end of voicemail.conf is not closed")
            if not last.raw.endswith("\n"):
                last.raw += self._line_end
            if last.text:
                section.add(_row(self._line_end))
        section.add(_row(f"[{name}]{self._line_end}"))
        self._sections.append(section)
        return section


def _row(raw: str, text: str | None = None, *, before: int = 0, after: int = 0) -> _Row:
    """A line; `before` and `after` it are so many comments open."""
    text = (uncommented(raw, 0)[0] if text is None else text).strip(BLANKS)
    return _Row(raw, text, key_of(text), bool(before or after), bool(after))


def _sections(text: str) -> Iterator[_Section]:
    """The sections in order, the first without a name; of a template and of what is no section's the name is empty."""
    section, depth = _Section(""), 0
    for match in LINE.finditer(text):
        raw, before = match[0], depth
        left, depth = uncommented(raw.removeprefix("\ufeff"), depth)
        row = _row(raw, left, before=before, after=depth)
        if row.text.startswith("["):
            yield section
            name, _, rest = row.text[1:].partition("]")
            section = _Section("" if "!" in rest else name.strip(BLANKS))
        section.add(row)
    yield section
