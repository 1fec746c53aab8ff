"""What an exchange remembers: call records, recordings and statistics. Protocols and frozen results.

A record is a row of Asterisk's table `cdr`: one leg of a call. What the table lacks, or leaves empty, is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from pbxapi.pbx.interfaces import Party, record

if TYPE_CHECKING:
    from pbxapi.pbx.cdr_survey import Survey

CONTAINS = (
    "src", "dst", "clid", "cnum", "cnam", "channel", "dstchannel", "lastapp", "lastdata", "dcontext", "accountcode",
    "userfield", "did", "recordingfile", "outbound_cnum", "outbound_cnam", "dst_cnam", "peeraccount",
)  # fmt: skip
"""The columns that can be searched for a text in them."""


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

    `callee` is who was talked to in the end, `dialed` what the caller dialled (the DID, for a call from outside).
    `status` is completed, voicemail, abandoned (in a queue), busy, no_answer or failed. `ring_time` lasts until the
    callee answered, or to the end; `talk_time` from there to the end of that leg.
    """

    id: str
    started_at: datetime | None
    ended_at: datetime | None
    caller: Party
    callee: Party
    dialed: str | None
    status: str
    ring_time: int
    talk_time: int
    duration: int
    recordings: tuple[str, ...]
    legs: tuple[Cdr, ...]


STEPS = (
    "start", "ring", "answer", "pbx_answer", "ivr", "announcement", "queue", "queue_leave", "conference", "voicemail",
    "bridge", "blind_transfer", "attended_transfer", "pickup", "forward", "park", "unpark", "hangup", "end",
)  # fmt: skip
"""What can happen to a call. `pbx_answer`: the exchange answered by itself; `bridge`: these hear each other now."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a channel of a call, and `by` which channel where that is told.

    `number` and `name` are the channel's; `peer` names the channels on the other side, with commas between them.
    `extension` is what was dialled or reached: a number, a queue, a mailbox. `cause` is one of Q.850. `detail` is
    Asterisk's word for how a dialled leg ended, the sound that was played, the parking lot, or why it was unparked;
    and `answered` or `unanswered` for a call that left a queue.
    """

    at: datetime | None
    kind: str
    channel: str | None = None
    number: str | None = None
    name: str | None = None
    peer: str | None = None
    by: str | None = None
    extension: str | None = None
    context: str | None = None
    application: str | None = None
    cause: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Journey:
    """The path of a call in time. `source` is cel, or cdr where there is no channel event log of it."""

    linkedid: str
    source: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """A page of records as JSON texts, and the cursor of the next page."""

    items: Sequence[str]
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
    def report(
        self, filters: Filters, *, limit: int, between: tuple[str, str] | None = None
    ) -> list[dict[str, str]]: ...
    def survey(self) -> Survey: ...


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """A file of sound. `state` is available, empty, recording (still being written), unreadable or gone.

    `size` is in bytes. `name` is the file's own name, with no folder; `format` is Asterisk's word for its kind.
    """

    id: str
    name: str
    format: str | None
    state: str
    size: int | None
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedRecording:
    """A recording and the call that it is of: as its record tells, or as far as the file's name does."""

    id: str
    uniqueid: str | None
    linkedid: str | None
    calldate: datetime | None
    src: str | None
    dst: str | None
    duration: int | None
    name: str
    format: str | None
    state: str
    size: int | None
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """A recording, open for reading: who asked for it closes `file`.

    `path` is relative to the recordings' folder, for a web server in front; it is for no client to see.
    """

    file: BinaryIO
    path: str
    name: str
    format: str | None
    media_type: str
    size: int
    modified_at: datetime
    etag: str


CONVERTED = {"mp3": "audio/mpeg", "ogg": "audio/ogg"}
"""The formats that a recording can be asked for in, and their media types."""


class Sound(Protocol):
    """A stream of sound. It holds a process until it is closed."""

    def __iter__(self) -> Iterator[bytes]: ...
    def __next__(self) -> bytes: ...
    def close(self) -> None: ...


class Recordings(Protocol):
    """Files below the recordings' folder, by opaque ids. NotFound, Conflict and NotSupported say what is wrong."""

    def id_of(self, recordingfile: str, userfield: str, calldate: str) -> str | None: ...
    def look(self, recording_id: str) -> RecordingFile: ...
    def open(self, recording_id: str) -> OpenRecording: ...
    def open_named(self, name: str) -> OpenRecording: ...
    def delete(self, recording_id: str, check: Callable[[str], None]) -> None: ...
    def converts(self, opened: OpenRecording, form: str) -> None: ...
    def convert(self, opened: OpenRecording, form: str) -> Sound: ...
    def scan(
        self, filters: Filters, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[ListedRecording], str | None]: ...


KeptTally = tuple[str, int, str, int, int, str]
"""Calls that a roll-up counted together: dimension, number of the hour or day, key, calls, talk time, ring times.

Hours and days are numbered from 1970 on, by the exchange's clock. Ring times are `seconds:calls`, with blanks between.
"""


@dataclass(frozen=True, slots=True)
class RollUpState:
    """How far a roll-up is: it holds the hours from `first` on up to `until`, not included; None while it has none.

    `oldest` is the hour of the oldest record, `complete` says that nothing is before `first`, and `failed` that the
    last step did not succeed.
    """

    first: int | None = None
    until: int | None = None
    oldest: int | None = None
    complete: bool = False
    failed: bool = False


class RollUp(Protocol):
    """Where tallies of hours and days are kept. `source` names the table that they are of.

    One `owner` at a time writes: who claimed it, until his lease ends. Each method raises Unavailable.
    """

    def state(self, source: str) -> RollUpState: ...
    def claim(self, source: str, owner: str, lease: timedelta) -> RollUpState | None: ...
    def release(self, source: str, owner: str) -> None: ...
    def note(self, source: str, owner: str, **changes: int | bool) -> bool: ...
    def write(
        self, source: str, owner: str, hours: range, of_hours: Sequence[KeptTally], of_days: Sequence[KeptTally]
    ) -> bool: ...
    def hours(self, source: str, dimension: str, hours: range) -> Sequence[KeptTally]: ...
    def days(self, source: str, dimension: str, days: range) -> Sequence[KeptTally]: ...


class CallStatistics(Protocol):
    """Totals of calls in the half-open range from `start` to `end`, by what the resource calls `group_by`.

    Raises Invalid, NotSupported for what the table does not tell, Unavailable, and Timeout for too long a range.
    """

    def totals(self, start: datetime, end: datetime, group_by: str) -> dict[str, Any]: ...
    def progress(self) -> dict[str, Any]: ...
