"""Extensions out of a CSV file: one a line, the columns named like the fields of the REST interface.

`extension,name,secret,voicemail.email,codecs,options.rtp_symmetric`: inner fields by dots, codecs with blanks between
them. An empty cell says nothing. The column `voicemail` holds yes or no: a mailbox, or none.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pbxapi.errors import Invalid
from pbxapi.http.extension_bodies import (
    ExtensionChangesSchema,
    MailboxChangesSchema,
    NewExtensionSchema,
    RecordingPolicyChangesSchema,
    loaded,
)
from pbxapi.pbx.extension_checks import check
from pbxapi.pbx.provisioning import Operation

DELIMITERS = ",;\t"
INNER = {"voicemail": MailboxChangesSchema, "recording": RecordingPolicyChangesSchema}
WHOLE = frozenset({"max_contacts", "ring_time", "call_limit", "recording.priority"})
"""Columns with whole numbers."""

IN_UTF_8 = re.compile(rb"\A\xef\xbb\xbf|\xc3[\x80-\xbf]")
"""A byte order mark, or an accented letter of Western Europe in UTF-8."""

YES, NO = {"yes", "true", "1", "on", "y"}, {"no", "false", "0", "off", "n"}

_NEW, _CHANGES = NewExtensionSchema(), ExtensionChangesSchema()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and in which line of the file; 0 is the file as a whole."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}" if self.line else self.what


@dataclass(frozen=True, slots=True)
class Line:
    """A line with an extension: its number and its fields as JSON would have them."""

    line: int
    number: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to do for a line."""

    line: int
    operation: Operation


@dataclass(slots=True)
class Parsed:
    """What a file holds."""

    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class _NotCsvError(Exception):
    def __init__(self, line: int, error: csv.Error) -> None:
        super().__init__(str(error))
        told = "a quote that begins here is not closed" if "unexpected end" in str(error) else str(error)
        self.fault = Fault(line, f'not CSV: {told}. A cell with quotes in it is written """Bob"" <201>"')


def parse(data: bytes) -> Parsed:
    """Take a file apart: UTF-8, or what older spreadsheets write; commas, semicolons or tabs."""
    found = Parsed()
    try:
        text = decoded(data)
        rows = _rows(text)
        names = [name.strip().lower() for name in next(rows, (0, []))[1]]
        found.faults += _header_faults(names)
        if found.faults:
            return found
        for line, cells in rows:
            _add(found, names, line, cells)
    except Invalid as error:
        found.faults.append(Fault(0, str(error)))
    except _NotCsvError as error:
        found.faults.append(error.fault)
    found.faults += _doubles(found.lines)
    return found


def decoded(data: bytes) -> str:
    """The text of a file. Raises Invalid for what is none, and for UTF-8 that is damaged: not a letter is guessed."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8-sig" and IN_UTF_8.search(data):
                line = data.count(b"\n", 0, error.start) + 1
                raise Invalid(f"The file is UTF-8 but for line {line}: save it as CSV in UTF-8 as a whole") from None
            continue
        if "\0" in text:
            break
        return text
    raise Invalid("The file is no text in UTF-8 or Latin-1: save it as CSV in UTF-8")


def operations(parsed: Parsed, existing: Collection[str], *, update: bool) -> list[Wanted]:
    """What to do for each line, in order; faults are added to `parsed`. With `update`, those that exist are changed."""
    made = []
    for each in parsed.lines:
        if each.number in existing and not update:
            parsed.faults.append(Fault(each.line, f"{each.number} exists already (--update changes it)"))
            continue
        op, schema = ("update", _CHANGES) if each.number in existing else ("create", _NEW)
        try:
            values = loaded(schema, {"extension": each.number, **each.fields})
            del values["extension"]
            check(each.number, values)
        except Invalid as error:
            parsed.faults += faults_of(error, each.line)
            continue
        made.append(Wanted(each.line, Operation(op, each.number, values)))
    return made


def faults_of(error: Invalid, line: int) -> list[Fault]:
    """The faults of a line, by their columns."""
    told = [Fault(line, f"{name}: {' '.join(words)}") for name, words in error.fields.items()]
    return told or [Fault(line, str(error))]


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their first line; those with nothing in them are left out."""
    first = next(filter(str.strip, re.split(r"[\r\n]", text)), "")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _NotCsvError(before + 1, error) from None
        line, before = before + 1, reader.line_num
        if any(cell.strip() for cell in cells):
            yield line, cells


def _header_faults(names: Sequence[str]) -> Iterator[Fault]:
    if not names:
        yield Fault(0, "The file is empty")
        return
    if "extension" not in names:
        yield Fault(1, "no column extension: the first line must name the columns")
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Fault(1, f"the column {_shown(name)} is there twice")
        if not _is_known(name):
            yield Fault(1, f"there is no column {_shown(name)}")


def _is_known(name: str) -> bool:
    outer, dot, inner = name.partition(".")
    if outer == "options":
        return bool(inner)
    if not dot:
        return outer == "voicemail" or (outer in _CHANGES.fields and outer not in INNER and outer != "managed")
    if outer not in INNER:
        return False
    if inner.startswith("options."):
        return outer == "voicemail" and len(inner) > len("options.")
    return inner in INNER[outer]().fields and inner != "options"


def _add(found: Parsed, names: Sequence[str], line: int, cells: Sequence[str]) -> None:
    values = [cell.strip() for cell in cells]
    if any(values[len(names) :]):
        found.faults.append(Fault(line, f"{len(cells)} cells, and only {len(names)} columns"))
        return
    fields: dict[str, Any] = {}
    try:
        for name, value in zip(names, values, strict=False):
            if value:
                _put(fields, name, value)
    except Invalid as error:
        found.faults += faults_of(error, line)
        return
    number = fields.pop("extension", "")
    if not number:
        found.faults.append(Fault(line, "extension: is empty"))
        return
    found.lines.append(Line(line, number, fields))


def _put(fields: dict[str, Any], name: str, value: str) -> None:
    """Set a field, by dots, to a cell. Raises Invalid."""
    if name == "voicemail":
        if value.lower() not in YES | NO:
            raise Invalid("no word", {name: ["Must be yes or no; PIN, e-mail, ... have columns of their own."]})
        if value.lower() in YES:
            fields.setdefault(name, {})
        elif fields.setdefault(name, None) is not None:
            raise Invalid("both", {name: ["Is no, and other columns say what it holds."]})
        return
    if name == "codecs":
        fields[name] = [codec for codec in re.split(r"[\s,;&|]+", value.lower()) if codec]
        return
    first, *inner = name.split(".", 1 if name.startswith("options.") else 2)
    if inner:
        outer = fields.setdefault(first, {})
        if outer is None:
            raise Invalid("both", {first: ["Is no, and other columns say what it holds."]})
        fields = outer
        for part in inner[:-1]:
            fields = fields.setdefault(part, {})
        first = inner[-1]
    fields[first] = int(value) if name in WHOLE and re.fullmatch(r"[0-9]{1,9}", value) else value


def _doubles(lines: Sequence[Line]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for each in lines:
        if each.number in first:
            yield Fault(each.line, f"{each.number} stands in line {first[each.number]} already")
        first.setdefault(each.number, each.line)


def _shown(name: str) -> str:
    return ascii(name[:40]) if name else "without a name"
