"""What is added up of the calls of a queue: of all of them, of an hour, of an agent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pbxapi.pbx.queueing import Waits

ANSWERED, ABANDONED, TIMED_OUT, LEFT, WAITING = "answered", "abandoned", "timed_out", "left", "waiting"
"""What became of a call."""

UNKNOWN = Waits(average=None, percentile_95=None, longest=None)


@dataclass(slots=True)
class QueuedCall:
    """A call that entered the queue. `wait` and `talk` are seconds, None where the log does not tell.

    `rang` are the agents where it rang in vain.
    """

    entered: int
    outcome: str = WAITING
    wait: int | None = None
    agent: str | None = None
    talk: int | None = None
    transferred: bool = False
    rang: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Tally:
    """Calls that are counted together. `in_time` is a number of seconds."""

    in_time: int
    offered: int = 0
    transferred: int = 0
    answered_in_time: int = 0
    abandoned_in_time: int = 0
    outcomes: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((ANSWERED, ABANDONED, TIMED_OUT, LEFT, WAITING), 0)
    )
    waits: list[int] = field(default_factory=list)
    waits_abandoned: list[int] = field(default_factory=list)
    talks: list[int] = field(default_factory=list)

    def add(self, call: QueuedCall) -> None:
        """Count a call that has ended, or of which nothing more is known."""
        self.offered += 1
        self.outcomes[call.outcome] += 1
        self.transferred += call.transferred
        in_time = call.wait is not None and call.wait <= self.in_time
        if call.outcome == ANSWERED:
            self.answered_in_time += in_time
            _note(self.waits, call.wait)
            _note(self.talks, call.talk)
        elif call.outcome == ABANDONED:
            self.abandoned_in_time += in_time
            _note(self.waits_abandoned, call.wait)

    @property
    def service_level(self) -> float | None:
        """The percentage of the offered that was answered in time, without those who gave up in it."""
        offered = self.offered - self.abandoned_in_time
        return round(100 * self.answered_in_time / offered, 2) if offered else None


def waits(seconds: Sequence[int]) -> Waits:
    """Average and longest, and what 95 of 100 did not exceed (nearest rank)."""
    if not seconds:
        return UNKNOWN
    in_order = sorted(seconds)
    rank = math.ceil(0.95 * len(in_order))
    return Waits(
        average=round(sum(in_order) / len(in_order), 1), percentile_95=in_order[rank - 1], longest=in_order[-1]
    )


def _note(seconds: list[int], value: int | None) -> None:
    if value is not None:
        seconds.append(value)
