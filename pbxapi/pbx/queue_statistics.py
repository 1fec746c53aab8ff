"""What a queue did, out of the events of its log. Knows nothing of where they come from."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from pbxapi.pbx import queue_log as log
from pbxapi.pbx.queue_agents import AgentNames
from pbxapi.pbx.queue_hours import Hours
from pbxapi.pbx.queue_log import Event
from pbxapi.pbx.queue_pauses import Pauses
from pbxapi.pbx.queue_reading import natural
from pbxapi.pbx.queue_tallies import (
    ABANDONED,
    ANSWERED,
    LEFT,
    TIMED_OUT,
    WAITING,
    QueuedCall,
    Tally,
    waits,
)
from pbxapi.pbx.queueing import AgentStatistics, HourStatistics, QueueStatistics

SECONDS_WAITED = {log.ABANDONED: 2, log.TIMED_OUT: 2, "EXITEMPTY": 2, "EXITWITHKEY": 3}
"""Where the data of an event that ends a call without an answer have them."""

OUTCOMES = {log.ABANDONED: ABANDONED, log.TIMED_OUT: TIMED_OUT, **dict.fromkeys(log.LEFT | log.DROPPED, LEFT)}


class StatisticsBuilder:
    """Takes the events of one queue, and those of all queues, in the order of time.

    A call counts in the hour, and in the range, in which it entered: events from after the range tell how it ended,
    events from before it who was paused. A call that enters twice is two.
    """

    def __init__(
        self, queue: str, start: datetime, end: datetime, service_level: int, *, zone: tzinfo, names: AgentNames
    ) -> None:
        self._queue = queue
        self._start, self._end, self._zone = start, end, zone
        self._range = range(seconds(start), seconds(end))
        self._in_time = service_level
        self._names = names
        self._hours = Hours(zone)
        self._pauses = Pauses(self._range.start, min(self._range.stop, int(datetime.now(UTC).timestamp())))
        self._open: dict[str, QueuedCall] = {}
        self._all = Tally(service_level)
        hours = self._hours.between(self._range.start, self._range.stop)
        self._by_hour = {hour: Tally(service_level) for hour in hours}
        self._by_agent: dict[str, Tally] = {}
        self._missed: dict[str, int] = {}
        self._events: dict[str, Callable[[Event, QueuedCall], None]] = {
            log.CONNECTED: self._connect,
            log.UNANSWERED: lambda event, call: call.rang.add(event.agent),
            **dict.fromkeys(log.COMPLETED, self._complete),
            **dict.fromkeys(log.TRANSFERRED, self._transfer),
            **dict.fromkeys(OUTCOMES, self._leave),
        }

    def add(self, event: Event) -> None:
        """Take the next event; those of other queues, and those that tell nothing here, do no harm."""
        name = event.name
        if event.queue == self._queue:
            if name == log.ENTERED:
                self._enter(event)
            elif handle := self._events.get(name):
                call = self._open.get(event.call)
                if call is not None:
                    handle(event, call)
            else:
                self._pause(event)
        elif event.queue == log.NOBODY:
            if name == log.STARTED:
                self._restart()
            else:
                self._pause(event)

    def statistics(self, source: str, warnings: tuple[str, ...] = ()) -> QueueStatistics:
        """Count what is still open as it is. To be called once, after the last event."""
        for call in list(self._open):
            self._close(call)
        tally = self._all
        return QueueStatistics(
            queue=self._queue,
            source=source,
            start=self._start.astimezone(self._zone),
            end=self._end.astimezone(self._zone),
            service_level_seconds=self._in_time,
            offered=tally.offered,
            answered=tally.outcomes[ANSWERED],
            abandoned=tally.outcomes[ABANDONED],
            timed_out=tally.outcomes[TIMED_OUT],
            left=tally.outcomes[LEFT],
            waiting=tally.outcomes[WAITING],
            transferred=tally.transferred,
            answered_in_time=tally.answered_in_time,
            abandoned_in_time=tally.abandoned_in_time,
            service_level=tally.service_level,
            wait=waits(tally.waits),
            wait_abandoned=waits(tally.waits_abandoned),
            talk=waits(tally.talks),
            agents=self._agents(),
            hours=tuple(_of_hour(hour, tally) for hour, tally in self._by_hour.items()),
            warnings=warnings,
        )

    def _enter(self, event: Event) -> None:
        self._close(event.call)
        if event.at in self._range:
            self._open[event.call] = QueuedCall(event.at)

    def _connect(self, event: Event, call: QueuedCall) -> None:
        self._answer(event, call, 0)

    def _complete(self, event: Event, call: QueuedCall) -> None:
        self._answer(event, call, 0)
        call.talk = event.number(1)
        self._close(event.call)

    def _transfer(self, event: Event, call: QueuedCall) -> None:
        self._answer(event, call, 2)
        call.talk, call.transferred = event.number(3), True
        self._close(event.call)

    def _answer(self, event: Event, call: QueuedCall, place: int) -> None:
        # Each of these events tells it, should one of them be lost.
        if call.outcome != ANSWERED:
            call.outcome, call.agent, call.wait = ANSWERED, event.agent, _waited(event, call, place)

    def _leave(self, event: Event, call: QueuedCall) -> None:
        if call.outcome != ANSWERED:
            call.outcome = OUTCOMES[event.name]
            call.wait = _waited(event, call, SECONDS_WAITED.get(event.name, 0))
        # Of a call that was dropped, what became of it may yet follow.
        if event.name not in log.DROPPED:
            self._close(event.call)

    def _restart(self) -> None:
        for call_id, call in list(self._open.items()):
            if call.outcome == WAITING:
                call.outcome = LEFT
            self._close(call_id)

    def _pause(self, event: Event) -> None:
        self._pauses.add(event, self._names.of(event.agent).agent)

    def _close(self, call_id: str) -> None:
        call = self._open.pop(call_id, None)
        if call is None:
            return
        self._all.add(call)
        self._by_hour[self._hours.of(call.entered)].add(call)
        taken = None
        if call.agent is not None:
            taken = self._logged(call.agent)
            self._by_agent.setdefault(taken, Tally(self._in_time)).add(call)
        for agent in {self._logged(each) for each in call.rang} - {taken}:
            self._missed[agent] = self._missed.get(agent, 0) + 1

    def _logged(self, name: str) -> str:
        return self._names.of(name).agent

    def _agents(self) -> tuple[AgentStatistics, ...]:
        found = {*self._by_agent, *self._missed, *self._pauses.agents()}
        return tuple(self._of_agent(agent) for agent in sorted(found, key=natural))

    def _of_agent(self, agent: str) -> AgentStatistics:
        tally = self._by_agent.get(agent) or Tally(self._in_time)
        who = self._names.agent(agent)
        return AgentStatistics(
            agent=agent,
            extension=who.extension,
            name=who.name,
            answered=tally.offered,
            missed=self._missed.get(agent, 0),
            talk=waits(tally.talks),
            talk_time=sum(tally.talks),
            paused_time=self._pauses.of(agent),
        )


def seconds(moment: datetime) -> int:
    """The first whole second since 1970 that is not before this: events are dated in whole ones."""
    return math.ceil(moment.timestamp())


def _waited(event: Event, call: QueuedCall, place: int) -> int:
    found = event.number(place)
    return max(0, event.at - call.entered) if found is None else found


def _of_hour(hour: datetime, tally: Tally) -> HourStatistics:
    return HourStatistics(
        hour=hour,
        offered=tally.offered,
        answered=tally.outcomes[ANSWERED],
        abandoned=tally.outcomes[ABANDONED],
        answered_in_time=tally.answered_in_time,
        wait=waits(tally.waits),
        talk=waits(tally.talks),
    )
