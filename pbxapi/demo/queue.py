"""A queue as Asterisk keeps it: its settings, its members and callers, and the figures of its calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbxapi.demo.queue_calls import Waiting

QUEUES = {"800": "Support", "801": "Sales"}
"""Names, which are numbers as on a FreePBX, and descriptions."""

MEMBERS = {"800": ("100", "101"), "801": ("107", "109")}
"""Extensions of the static members."""

DYNAMIC = {"800": {"110": 0, "112": 0, "114": 1}, "801": {"111": 0, "118": 0, "119": 0}}
"""Extensions that may log in, with their penalties."""

PAUSED = {"100": "Lunch", "101": "Training", "107": "Meeting", "109": "Lunch"}
"""Why those who are free for other things serve no queue while there is life in it."""

RING_TIME = 15.0  # seconds that a member rings
RETRY = 2.0  # seconds between two rounds
LEAVE_AFTER = 60.0  # seconds that a caller waits at most


@dataclass(frozen=True, kw_only=True)
class Options:
    """What queues.conf says of a queue. `timeout`, `retry` and `wrapup` are in seconds, `maxlen` 0 is no limit."""

    strategy: str = "ringall"
    timeout: float = RING_TIME
    retry: float = RETRY
    wrapup: int = 0
    maxlen: int = 0
    service_level: int = 0
    weight: int = 0
    ring_in_use: bool = False
    autofill: bool = True
    auto_pause: str = "no"
    join_empty: str = "yes"
    leave_when_empty: str = "no"


@dataclass(eq=False)
class Member:
    """Somebody who takes a queue's calls. Moments are whole seconds since the epoch, 0 for never."""

    interface: str
    name: str
    penalty: int
    login_time: int
    state_interface: str = ""
    dynamic: bool = False
    ring_in_use: bool = False
    paused: bool = False
    in_call: bool = False
    reason: str = ""
    calls_taken: int = 0
    last_call: int = 0
    last_pause: int = 0

    def __post_init__(self) -> None:
        self.state_interface = self.state_interface or self.interface


@dataclass
class Figures:
    """What a queue counts, as app_queue does it: recalc_holdtime, update_queue, record_abandoned. Times in seconds."""

    holdtime: int = 0
    talktime: int = 0
    completed: int = 0
    abandoned: int = 0
    completed_in_time: int = 0
    abandoned_in_time: int = 0

    def connect(self, wait: int) -> None:
        """A caller is answered."""
        first = self.completed + self.abandoned == 0
        self.holdtime = wait if first else (3 * self.holdtime + wait) >> 2

    def complete(self, talked: int, *, in_time: bool) -> None:
        """An answered call ends."""
        self.completed += 1
        self.completed_in_time += in_time
        self.talktime = talked if self.completed == 1 else (3 * self.talktime + talked) >> 2

    def abandon(self, *, in_time: bool) -> None:
        """A caller leaves who was not answered."""
        self.abandoned += 1
        self.abandoned_in_time += in_time

    @property
    def percent(self) -> float:
        """Of the answered calls, those within the service level."""
        return 100 * self.completed_in_time / self.completed if self.completed else 0.0

    @property
    def percent_of_all(self) -> float:
        """Of all calls, those answered or given up within it."""
        of = self.completed + self.abandoned
        return 100 * (self.completed_in_time + self.abandoned_in_time) / of if of else 0.0


@dataclass(eq=False)
class Queue:
    """A queue with its members in the order they were added, and its callers. `last_called` is who rang last."""

    name: str
    options: Options = field(default_factory=Options)
    members: list[Member] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)
    last_called: Member | None = None

    def member(self, interface: str) -> Member | None:
        """The member with this interface."""
        return next((one for one in self.members if one.interface.lower() == interface.lower()), None)

    def reset(self) -> None:
        """Count from nothing."""
        self.figures = Figures()
        for member in self.members:
            member.calls_taken = member.last_call = 0
