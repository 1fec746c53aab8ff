"""Agents as queue_log names them: by interface, or by the name that a member has in the queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pbxapi.pbx.queue_reading import extension_of
from pbxapi.pbx.queueing import QueueMember


@dataclass(frozen=True, slots=True)
class LoggedAgent:
    """`agent` is the extension, or else what the log says; `name` is what a member goes by."""

    agent: str
    extension: str | None
    name: str | None


class AgentNames:
    """Tells that `Alice` and `Local/200@from-queue/n` are one, by the members that the queue has now.

    A name that two of them have tells nothing.
    """

    def __init__(self, members: Iterable[QueueMember] = ()) -> None:
        self._found: dict[str, LoggedAgent] = {}
        self._agents: dict[str, LoggedAgent] = {}
        named: dict[str, set[str]] = {}
        for each in members:
            agent = LoggedAgent(each.extension or each.interface, each.extension, each.name)
            self._found[each.interface] = self._agents[agent.agent] = agent
            if each.name:
                named.setdefault(each.name, set()).add(each.interface)
        for name, interfaces in named.items():
            if len(interfaces) == 1:
                self._found.setdefault(name, self._found[interfaces.pop()])

    def of(self, logged: str) -> LoggedAgent:
        """The agent of this name or interface."""
        found = self._found.get(logged)
        if found is None:
            extension = extension_of(logged)
            name = None if extension or "/" in logged else logged
            found = LoggedAgent(extension or logged, extension, name)
            # The extension may be that of a member, by another of its interfaces.
            found = self._found[logged] = self._agents.setdefault(found.agent, found)
        return found

    def agent(self, agent: str) -> LoggedAgent:
        """One of those that `of` gave."""
        return self._agents[agent]
