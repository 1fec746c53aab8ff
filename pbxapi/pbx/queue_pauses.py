"""For how long agents were paused, by what queue_log tells of it."""

from __future__ import annotations

from pbxapi.pbx.queue_log import ADDED, NOBODY, PAUSED, REMOVED, UNPAUSED, Event


class Pauses:
    """The pauses of agents in one queue, inside of a range of seconds since 1970.

    Events come in the order of time; some from before the range, which tell who was paused when it began.
    """

    def __init__(self, start: int, end: int) -> None:
        self._range = range(start, end)
        self._since: dict[str, int] = {}
        self._paused: dict[str, int] = {}
        self._here: set[str] = set()

    def add(self, event: Event, agent: str) -> None:
        """Note an event of this queue, or one of all queues (PAUSEALL)."""
        name = event.name
        if event.queue != NOBODY and (name in PAUSED or name in UNPAUSED):
            self._here.add(agent)
        if name in PAUSED or (name == ADDED and "PAUSED" in event.data):
            self._since.setdefault(agent, event.at)
        elif name in UNPAUSED or name == REMOVED:
            self._end(agent, event.at)

    def of(self, agent: str) -> int:
        """Seconds. Who is paused still is so until the range ends."""
        return self._paused.get(agent, 0) + self._length(self._since.get(agent, self._range.stop), self._range.stop)

    def agents(self) -> set[str]:
        """Those who were paused in the range, in this queue: who was in all may serve others alone."""
        return {agent for agent in self._here if self.of(agent)}

    def _end(self, agent: str, at: int) -> None:
        since = self._since.pop(agent, None)
        if since is not None:
            self._paused[agent] = self._paused.get(agent, 0) + self._length(since, at)

    def _length(self, since: int, until: int) -> int:
        return max(0, min(until, self._range.stop) - max(since, self._range.start))
