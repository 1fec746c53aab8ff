"""What an exchange remembers: call records, recordings and statistics. Protocols and frozen results.

A record is a row of Asterisk's table `cdr`: one leg of a call. What the table lacks, or leaves empty, is None.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Protocol

from pbxapi.pbx.interfaces import Party, record


@record
class Cdr:
    """One row of `cdr`, under its columns' own names. `recording` is the id of its recording, not a path."""

    calldate: datetime | None
    clid: str | None
    src: str | None
    dst: str | None
    dcontext: str | None
    channel: str | None
    dstchannel: str | None
    lastapp: str | None
    lastdata: str | None
    duration: int
    billsec: int
    disposition: str | None
    amaflags: str | None
    accountcode: str | None
    uniqueid: str | None
    userfield: str | None
    did: str | None
    recordingfile: str | None
    cnum: str | None
    cnam: str | None
    outbound_cnum: str | None
    outbound_cnam: str | None
    dst_cnam: str | None
    linkedid: str | None
    peeraccount: str | None
    sequence: int | None
    recording: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which records; all that is not None has to hold. `start` is the first moment, `end` the first one after.

    `contains` are pairs of a column and a text in it. The dispositions are Asterisk's words (NO ANSWER).
    """

    start: datetime | None = None
    end: datetime | None = None
    src: str | None = None
    dst: str | None = None
    either: str | None = None
    src_prefix: str | None = None
    dst_prefix: str | None = None
    contains: tuple[tuple[str, str], ...] = ()
    disposition: tuple[str, ...] = ()
    min_duration: int | None = None
    max_duration: int | None = None
    accountcode: str | None = None
    did: str | None = None
    linkedid: str | None = None
    uniqueid: str | None = None
    has_recording: bool | None = None


@dataclass(frozen=True, slots=True)
class PastCall:
    """The records that share a linkedid, as the one call they were. Durations are seconds.

    `ring_time` lasts to the first answer, or to the end when nobody answered; `talk_time` is the longest of the legs'.
    """

    id: str
    started_at: datetime | None
    ended_at: datetime | None
    caller: Party
    callee: Party
    status: str
    ring_time: int
    talk_time: int
    duration: int
    recordings: tuple[str, ...]
    legs: tuple[Cdr, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a call: ring, answer, queue, bridge, transfer, voicemail, hangup, ..."""

    at: datetime | None
    kind: str
    channel: str | None
    peer: str | None
    extension: str | None
    context: str | None
    application: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Journey:
    """The path of a call in time. `source` is cel, or cdr where there is no channel event log of it."""

    linkedid: str
    source: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """A page of records as JSON texts, and the cursor of the next page."""

    items: Sequence[bytes]
    next: str | None


class CallRecords(Protocol):
    """The table `cdr`. Raises Unavailable, Timeout (naming what to narrow), and Invalid for a cursor that is none."""

    def page(self, filters: Filters, *, limit: int, cursor: str | None, oldest_first: bool = False) -> Texts: ...
    def records(
        self, filters: Filters, *, limit: int, cursor: str | None, oldest_first: bool = False
    ) -> tuple[Sequence[Cdr], str | None]: ...
    def calls(
        self, filters: Filters, *, limit: int, cursor: str | None, oldest_first: bool = False
    ) -> tuple[Sequence[PastCall], str | None]: ...
    def total(self, filters: Filters, *, calls: bool = False) -> int: ...
    def of_channel(self, uniqueid: str) -> Sequence[Cdr]: ...
    def of_call(self, linkedid: str) -> Sequence[Cdr]: ...
    def call(self, linkedid: str) -> PastCall: ...
    def journey(self, linkedid: str) -> Journey: ...
    def export(self, filters: Filters, form: str, *, oldest_first: bool = False) -> Iterator[bytes]: ...
    def report(self, filters: Filters, *, limit: int) -> list[dict[str, str]]: ...


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """A file of sound. `state` is available, empty, recording (still being written), unreadable or gone.

    `size` is in bytes. `name` is the file's own name, with no folder.
    """

    id: str
    name: str
    format: str
    state: str
    size: int | None
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """A recording, open for reading. `path` is relative to the recordings' folder, for a web server in front."""

    file: BinaryIO
    path: str
    name: str
    media_type: str
    size: int
    modified_at: datetime
    etag: str


class Recordings(Protocol):
    """Files below the recordings' folder, by opaque ids. NotFound, Conflict and Refused say what is wrong with one."""

    def id_of(self, recordingfile: str, userfield: str, calldate: str) -> str | None: ...
    def look(self, recording_id: str) -> RecordingFile: ...
    def open(self, recording_id: str) -> AbstractContextManager[OpenRecording]: ...
    def open_named(self, name: str) -> AbstractContextManager[OpenRecording]: ...
    def delete(self, recording_id: str) -> None: ...
    def convert(self, recording_id: str, form: str) -> Iterator[bytes]: ...
    def scan(self, *, start: datetime | None, end: datetime | None, q: str | None) -> Iterator[RecordingFile]: ...


class CallStatistics(Protocol):
    """Totals of calls. `start` and `end` are a half-open range; `group_by` as the resource names it."""

    def totals(self, start: datetime, end: datetime, group_by: str, **filters: Any) -> Mapping[str, Any]: ...
    def progress(self) -> Mapping[str, Any]: ...
