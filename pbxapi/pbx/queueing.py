"""Queues, their members and callers, agents, and what a queue did: what the REST interface shows of them.

Fields are those of the REST interface. A value that an exchange does not have, or nobody has set, is None. Times are
aware datetimes, durations whole seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pbxapi.pbx.interfaces import Party, record

if TYPE_CHECKING:
    from pbxapi.pbx.live import Snapshot
    from pbxapi.pbx.provisioning import Outcome, Values, Write

STRATEGIES = (
    "ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "rrordered", "linear", "wrandom",
)  # fmt: skip
"""int2strat of apps/app_queue.c; Asterisk shows rrmemory for roundrobin."""


@dataclass(frozen=True, slots=True)
class StaticMember:
    """A member that the configuration holds. `extension` is the number behind the interface, where there is one."""

    interface: str
    penalty: int = 0
    extension: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """A queue as FreePBX and Issabel keep it (queues_config, queues_details, QPENALTY).

    `ring_time` is for how long a member rings (timeout), `retry` None for not at all; `max_callers` 0 and `max_wait`
    None are no limit; `music_class` None is the caller's own. `dynamic_agents` are the extensions that are listed for
    logging in, with their penalties; with `only_listed_agents` nobody else may. `options` are the keywords of
    queues.conf that no field stands for.
    """

    queue: str
    description: str | None = None
    strategy: str = "ringall"
    ring_time: int = 15
    retry: int | None = 5
    wrapup_time: int = 0
    max_callers: int = 0
    max_wait: int | None = None
    join_empty: str = "yes"
    leave_when_empty: str = "no"
    weight: int = 0
    autofill: bool = False
    skip_busy: bool = False
    ring_in_use: bool = True
    auto_pause: str = "no"
    auto_pause_delay: int = 0
    auto_pause_busy: bool = False
    auto_pause_unavailable: bool = False
    service_level: int = 60
    member_delay: int = 0
    timeout_restart: bool = False
    report_hold_time: bool = False
    ringing: str = "music"
    music_class: str | None = None
    announce_frequency: int = 0
    min_announce_frequency: int = 15
    announce_hold_time: str = "no"
    announce_position: str = "no"
    periodic_announce_frequency: int = 0
    join_announcement_id: int | None = None
    agent_announcement_id: int | None = None
    caller_id_prefix: str | None = None
    alert_info: str | None = None
    password: str | None = field(default=None, repr=False)
    recording: str | None = None
    destination_if_no_answer: str | None = None
    only_listed_agents: bool = False
    dynamic_agents: Mapping[str, int] = field(default_factory=dict)
    static_members: tuple[StaticMember, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


@record
class QueueCaller:
    """Who waits. `wait` is since `joined_at`."""

    position: int
    channel: str
    channel_id: str
    caller: Party
    wait: int
    joined_at: datetime
    priority: int


@record
class QueueMember:
    """Who takes calls. `extension` is the number behind `interface`, where there is one.

    `membership` is what Asterisk says: static, dynamic, realtime; None: it does not run this member. `configured` is
    whether the platform's tables hold it; None where there are none. `state` is the device's, as of a peer. `in_call`
    is whether it talks with a caller of this queue.
    """

    interface: str
    extension: str | None
    name: str | None
    membership: str | None
    configured: bool | None
    state_interface: str | None
    state: str
    paused: bool
    paused_reason: str | None
    paused_since: datetime | None
    penalty: int
    in_call: bool | None
    calls_taken: int
    last_call: datetime | None
    logged_in_at: datetime | None
    wrapup_time: int | None

    @property
    def free(self) -> bool:
        """Whether a call would be offered to it now (is_member_available of apps/app_queue.c, without wrapup)."""
        return not self.paused and self.membership is not None and self.state in {"not_inuse", "unknown"}

    @property
    def busy(self) -> bool:
        """Whether it talks or rings."""
        return bool(self.in_call) or self.state in {"inuse", "busy", "ringing", "ringinuse", "onhold"}


@record
class Queue:
    """A queue, as it is configured and as it is now.

    `running` is whether Asterisk has it; what only Asterisk knows is None or empty where it has not. `settings` are
    the platform's; None: its tables do not have this queue, and `configured` says so, or there are no tables, and
    `configured` is None. `completed`, `abandoned` and the averages `holdtime` and `talktime` count since Asterisk
    started or the queue was reset. `service_level` in seconds; `service_level_percent` of the answered calls were
    answered within it, `service_level_percent_2` of all that were offered.
    """

    queue: str
    configured: bool | None
    running: bool
    settings: QueueSettings | None
    strategy: str | None
    max_callers: int | None
    weight: int | None
    service_level: int | None
    service_level_percent: float | None
    service_level_percent_2: float | None
    completed: int | None
    abandoned: int | None
    holdtime: int | None
    talktime: int | None
    callers: tuple[QueueCaller, ...]
    members: tuple[QueueMember, ...]

    @property
    def longest_wait(self) -> int:
        """Of those who wait now."""
        return max((caller.wait for caller in self.callers), default=0)


@record
class AgentMembership:
    """An agent in one queue."""

    queue: str
    interface: str
    membership: str
    paused: bool
    paused_reason: str | None
    paused_since: datetime | None
    penalty: int
    in_call: bool | None
    calls_taken: int
    last_call: datetime | None
    logged_in_at: datetime | None


@record
class Agent:
    """Somebody who serves queues. `agent` is the extension, or the interface where there is none behind it.

    `paused` is whether it is in every queue that it serves; `state` as of a peer.
    """

    agent: str
    extension: str | None
    name: str | None
    state: str
    paused: bool
    in_call: bool | None
    calls_taken: int
    last_call: datetime | None
    queues: tuple[AgentMembership, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """Who is to take calls: an extension or an interface. No `penalty`: what the queue lists for it, else 0."""

    extension: str | None = None
    interface: str | None = None
    name: str | None = None
    penalty: int | None = None
    paused: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChange:
    """None is what stays as it is. `reason` goes with a pause; an empty one takes it away."""

    paused: bool | None = None
    reason: str | None = None
    penalty: int | None = None
    ring_in_use: bool | None = None


class Queues(Protocol):
    """Queues as they are. `member` is an extension's number or an interface.

    NotFound for a queue or member that is not there; Conflict for a member that already is, or that its being static
    keeps from going; Refused in Asterisk's words. `changed` drops what is kept, after the tables were written.
    """

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Queue, ...]]: ...
    def get(self, queue: str, *, fresh: bool = False) -> Queue: ...
    def member(self, queue: str, member: str, *, fresh: bool = False) -> QueueMember: ...
    def add(self, queue: str, member: NewMember) -> QueueMember: ...
    def change(self, queue: str, member: str, change: MemberChange) -> QueueMember: ...
    def remove(self, queue: str, member: str) -> None: ...
    def rows(self) -> list[dict[str, str]]: ...
    def changed(self) -> None: ...


class QueueSetup(Protocol):
    """The platform's own queues, in its tables. NotFound for a number that has none there.

    `put` replaces, and with `merge` changes, what `values` name. `add_member` and its like write static members; a
    `member` is an extension's number or an interface. Conflict where it is there already, or the number is taken.
    `rows` are those of the tables for the old interface.
    """

    def all(self) -> tuple[QueueSettings, ...]: ...
    def get(self, queue: str) -> QueueSettings: ...
    def rows(self) -> list[dict[str, str]]: ...
    def create(self, queue: str, values: Values, how: Write) -> tuple[QueueSettings, Outcome]: ...
    def put(self, queue: str, values: Values, how: Write, *, merge: bool = False) -> tuple[QueueSettings, Outcome]: ...
    def delete(self, queue: str, how: Write) -> Outcome: ...
    def add_member(self, queue: str, member: NewMember, how: Write) -> tuple[StaticMember, Outcome]: ...
    def change_member(self, queue: str, member: str, penalty: int, how: Write) -> tuple[StaticMember, Outcome]: ...
    def remove_member(self, queue: str, member: str, how: Write) -> Outcome: ...


class Agents(Protocol):
    """Agents over all queues. `agent` is an extension's number or an interface; `queues` None is all that concern it.

    NotFound for one that serves no queue (and for `login`, for an extension that is not there). Each gives the agent
    as it then is.
    """

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Agent, ...]]: ...
    def get(self, agent: str, *, fresh: bool = False) -> Agent: ...
    def login(self, agent: str, queues: Sequence[str] | None, penalty: int | None) -> Agent: ...
    def logout(self, agent: str, queues: Sequence[str] | None) -> Agent: ...
    def pause(self, agent: str, reason: str | None, queues: Sequence[str] | None) -> Agent: ...
    def unpause(self, agent: str, queues: Sequence[str] | None) -> Agent: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long it took: seconds. None where nobody was counted."""

    average: float | None
    percentile_95: int | None
    longest: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatistics:
    """What one agent did for a queue. `missed` are the calls that rang there and were not answered."""

    agent: str
    extension: str | None
    name: str | None
    answered: int
    missed: int | None
    talk: Waits
    talk_time: int
    paused_time: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HourStatistics:
    """What a queue did with the calls that came to it in one hour, which begins at `hour`."""

    hour: datetime
    offered: int
    answered: int
    abandoned: int
    answered_in_time: int
    wait: Waits
    talk: Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatistics:
    """What a queue did with the calls that came to it from `start` until before `end`.

    `source` says where from: queue_log (the file), queue_log_table, or cdr, which does not know everything: what it
    does not know is None. `offered` are answered, abandoned, timed out, left otherwise (by a key, because the queue
    was empty), and still `waiting`. `service_level` is the percentage of the offered that was answered within
    `service_level_seconds`; those who gave up within it do not count as offered for it.
    """

    queue: str
    source: str
    start: datetime
    end: datetime
    service_level_seconds: int
    offered: int
    answered: int
    abandoned: int
    timed_out: int | None
    left: int | None
    waiting: int | None
    transferred: int | None
    answered_in_time: int
    abandoned_in_time: int
    service_level: float | None
    wait: Waits
    wait_abandoned: Waits
    talk: Waits
    agents: tuple[AgentStatistics, ...]
    hours: tuple[HourStatistics, ...]
    warnings: tuple[str, ...] = ()


class QueueStatistician(Protocol):
    """Reads what queues did. `service_level` in seconds; None: the queue's own, else 60.

    Raises NotFound for a queue that is not there now and did nothing in the range, NotSupported where nothing was
    written, Unavailable, Timeout.
    """

    def of(self, queue: str, start: datetime, end: datetime, service_level: int | None) -> QueueStatistics: ...
