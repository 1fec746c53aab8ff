"""What is provisioned on an exchange: extensions, their follow-me and their features; how they are changed and applied.

Fields are those of the REST interface. A value that an exchange does not have, or nobody has set, is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pbxapi.pbx.plan import Plan

Values = Mapping[str, Any]
"""Fields by name as a caller sent them, each of its field's type; only what was sent is there. None clears a field."""

TECHNOLOGIES = ("pjsip", "sip", "iax2", "dahdi", "custom", "virtual")
"""What an extension may be. Only the first two can be created here; the others are shown, and deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A voicemail box. `password` is its PIN. `options` are the line's other options, as they stand in the file."""

    context: str = "default"
    password: str | None = field(default=None, repr=False)
    email: str | None = None
    pager: str | None = None
    attach: bool = False
    say_caller_id: bool = False
    envelope: bool = False
    delete: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPolicy:
    """Which calls are recorded: force, yes, dontcare, no or never a kind; on demand: disabled, enabled, override.

    Issabel says `always` where FreePBX says `force`; both are `force` here.
    """

    inbound_external: str = "dontcare"
    inbound_internal: str = "dontcare"
    outbound_external: str = "dontcare"
    outbound_internal: str = "dontcare"
    on_demand: str = "disabled"
    priority: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A number with its phone. Times are in seconds; `caller_id` is what calls to the outside show.

    `options` are the settings of the device that no field stands for, by the platform's own keyword.
    `ring_time` 0 is the exchange's own default; `call_limit` 0 is no limit. `managed` False: it is shown, and cannot be
    changed here (it stands in a file that somebody else writes).
    """

    extension: str
    name: str | None
    technology: str
    secret: str | None = field(default=None, repr=False)
    context: str | None = None
    caller_id: str | None = None
    voicemail: Mailbox | None = None
    codecs: tuple[str, ...] = ()
    transport: str | None = None
    dtmf_mode: str | None = None
    call_group: str | None = None
    pickup_group: str | None = None
    recording: RecordingPolicy | None = None
    max_contacts: int | None = None
    permit: str | None = None
    deny: str | None = None
    emergency_caller_id: str | None = None
    account_code: str | None = None
    ring_time: int | None = None
    call_limit: int | None = None
    webrtc: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    managed: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """`op` is create, replace (what was not sent gets its default, but for secrets), update (merge patch) or delete.

    `number` is the extension; `values` are empty for delete.
    """

    op: str
    number: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """How to write. `check` is called under the write lock with what a single operation is about to change.

    `force` deletes what others still mention; `erase_messages` lets a mailbox's messages go with it.
    """

    apply: bool = True
    dry_run: bool = False
    force: bool = False
    erase_messages: bool = False
    check: Callable[[Any], None] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one operation: the extension after it, None after a delete; and what was worth a word."""

    op: str
    number: str
    extension: Extension | None
    changed: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a write did, or would do. `applied` is whether Asterisk runs it now; if not, `reason` says why.

    `results` are one an operation, in their order; empty for what is no extension.
    """

    plan: Plan
    results: tuple[Result, ...] = ()
    applied: bool = True
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two places disagree: `place` says which (`astdb AMPUSER/200/cidname`), and what is and ought to be there.

    `repairable` is whether `repair` can put it right.
    """

    place: str
    expected: str | None
    found: str | None
    what: str
    repairable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowMe:
    """Where calls to an extension go on to. `numbers` are as dialled, without the `#` that marks those outside.

    `ring_time` and `initial_ring_time` in seconds. `ringing` is `Ring` or a class of music on hold. Announcements are
    ids of the platform's recordings. `destination_if_no_answer` is a dialplan place as `ext-local,200,dest`.
    """

    extension: str
    enabled: bool
    strategy: str
    ring_time: int
    initial_ring_time: int
    numbers: tuple[str, ...]
    ringing: str | None = None
    caller_name_prefix: str | None = None
    alert_info: str | None = None
    announcement_id: int | None = None
    remote_announcement_id: int | None = None
    too_late_announcement_id: int | None = None
    confirm_calls: bool = False
    caller_id_mode: str | None = None
    fixed_caller_id: str | None = None
    destination_if_no_answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForward:
    """Where calls are forwarded to: all of them, when busy, when nobody answers or no phone is there. None: not."""

    all: str | None = None
    busy: str | None = None
    unavailable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a user switches at the phone. `ring_time` in seconds, 0 for the exchange's default."""

    extension: str
    do_not_disturb: bool
    call_forward: CallForward
    call_waiting: bool
    ring_time: int | None


@dataclass(frozen=True, slots=True)
class Applied:
    """How an attempt to apply ended; `seconds` it took. `reason` says why it failed, in words fit for a caller."""

    ok: bool
    seconds: float
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ApplyStatus:
    """Whether changes wait to be applied (`since`: the oldest of ours), and how the last attempt ended."""

    pending: bool
    running: bool
    since: datetime | None
    last: Applied | None
    method: str


WRITING, WRITTEN, LEFT, ABANDONED = "writing", "written", "left", "abandoned"
"""A change is under way; done and not applied yet; the same, and the platform's own flag tells whether it still waits;
or it was left by a process that died in the midst of it."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the journal: which extensions a change is about, and how far it is (WRITING, ...)."""

    id: int
    numbers: tuple[str, ...]
    state: str
    at: datetime


class Journal(Protocol):
    """Changes that are not in effect yet, for every process, oldest first; raises Unavailable. Holds no values.

    `request` notes that somebody wants an apply, as a change of nothing that is written. `ran` notes how a run ended
    that was for all changes up to that one; those of a run that went well are gone. `newest` is 0 where there is none.
    """

    def begin(self, numbers: Sequence[str]) -> int: ...
    def written(self, change: int) -> None: ...
    def forget(self, change: int) -> None: ...
    def abandon(self, change: int) -> None: ...
    def looked_after(self, number: str) -> None: ...
    def leave(self, some: Sequence[int]) -> None: ...
    def request(self) -> int: ...
    def ran(self, until: int, how: Applied) -> None: ...
    def last_run(self) -> tuple[int, Applied] | None: ...
    def open(self, *states: str) -> list[Change]: ...
    def has(self, change: int) -> bool: ...
    def newest(self) -> int: ...


class Extensions(Protocol):
    """Provisioned extensions. Everything raises Unavailable and Timeout; NotFound for a number that is not there.

    `write` is all or nothing: it raises Conflict for a number that is taken, or that others mention when it is deleted
    without force, Invalid for what cannot be written, Inconsistent for what could not be undone. In a batch the fields
    of Invalid begin with the operation's place: `operations.3.secret`. `options` are the keywords
    that `Extension.options` may have, by technology.
    """

    def all(self) -> tuple[Extension, ...]: ...
    def get(self, number: str) -> Extension: ...
    def options(self, technology: str) -> frozenset[str]: ...
    def write(self, operations: Sequence[Operation], how: Write) -> Outcome: ...
    def drift(self, number: str) -> tuple[Difference, ...]: ...
    def repair(self, number: str, how: Write) -> Outcome: ...


class FollowMes(Protocol):
    """Follow-me of extensions; `get` raises NotFound where there is none. `rows` are the platform's own."""

    def all(self) -> tuple[FollowMe, ...]: ...
    def get(self, number: str) -> FollowMe: ...
    def put(self, number: str, values: Values, how: Write, *, merge: bool = False) -> tuple[FollowMe, Outcome]: ...
    def delete(self, number: str, how: Write) -> Outcome: ...
    def rows(self, number: str | None = None) -> list[dict[str, str]]: ...


class FeatureStates(Protocol):
    """Do not disturb, forwards, call waiting: in effect at once."""

    def get(self, number: str) -> Features: ...
    def change(self, number: str, values: Values, how: Write) -> tuple[Features, Outcome]: ...


class Applying(Protocol):
    """Letting the platform write its configuration and Asterisk load it, one run for many changes.

    `settle` waits until the change of that number, from the store's journal, is in effect, by its own run or another's.
    """

    def status(self) -> ApplyStatus: ...
    def run(self) -> Applied: ...
    def settle(self, change: int) -> Applied: ...
    def leave(self, change: int) -> None: ...
