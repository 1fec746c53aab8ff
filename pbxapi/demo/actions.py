"""The registry of actions: one small function each, with the words and classes that ListCommands shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pbxapi.demo.session import Answer, Later, Session
from pbxapi.demo.wire import NO_ACTION, Message, Request
from pbxapi.demo.world import World


@dataclass(frozen=True)
class Asked:
    """One request as an action sees it, and the ways to answer it."""

    world: World
    session: Session
    request: Request

    @property
    def action_id(self) -> list[tuple[str, str]]:
        """The ActionID header, or none."""
        value = self.request.get("ActionID")
        return [("ActionID", value)] if value else []

    def success(self, *headers: tuple[str, str]) -> Answer:
        """A single `Response: Success`."""
        return Answer([[("Response", "Success"), *self.action_id, *headers]])

    def said(self, words: str) -> Answer:
        """A success with nothing but a message."""
        return self.success(("Message", words))

    def error(self, words: str, *, close: bool = False) -> Answer:
        """A `Response: Error`."""
        return Answer([[("Response", "Error"), *self.action_id, ("Message", words)]], close)

    def item(self, event: str, headers: Iterable[tuple[str, str]] = ()) -> Message:
        """A list's event with the ActionID right after its name."""
        return [("Event", event), *self.action_id, *headers]

    def late_item(self, event: str, headers: Iterable[tuple[str, str]] = ()) -> Message:
        """A list's event with the ActionID at its end, as some modules put it."""
        return [("Event", event), *headers, *self.action_id]

    def listing(
        self, words: str, items: list[Message], complete: str, *extra: tuple[str, str], count: int | None = None
    ) -> Answer:
        """A whole list: the response, its events, and the one that completes it."""
        head = [("Response", "Success"), *self.action_id, ("EventList", "start"), ("Message", words)]
        size = len(items) if count is None else count
        end = self.item(complete, [("EventList", "Complete"), ("ListItems", str(size)), *extra])
        return Answer([head, *items, end])


@dataclass(frozen=True)
class Action:
    """An action of the manager."""

    name: str
    words: str
    classes: tuple[str, ...]
    run: Callable[[Asked], Answer | Later]
    before_login: bool = False

    @property
    def privilege(self) -> str:
        """As ListCommands shows it."""
        return ",".join((*self.classes, "all")) if self.classes else "<none>"

    def allowed(self, classes: frozenset[str]) -> bool:
        """Whether a user with these classes may run it; an action of no class is for all."""
        return not self.classes or not classes.isdisjoint(self.classes)


REGISTRY: dict[str, Action] = {}

Run = Callable[[Asked], Answer | Later]


def action(name: str, words: str, classes: str = "", *, before_login: bool = False) -> Callable[[Run], Run]:
    """Register a function under the name of an action, which is not case-sensitive."""

    def register(run: Run) -> Run:
        REGISTRY[name.lower()] = Action(name, words, tuple(filter(None, classes.split(","))), run, before_login)
        return run

    return register


def answer(world: World, session: Session, request: Request) -> Answer | Later:
    """Run one request, or say why not: in the order in which main/manager.c looks for faults."""
    asked = Asked(world, session, request)
    name = next(filter(None, request.all("Action")), "")
    if request.fault:
        return asked.error(request.fault)
    if not name:
        return asked.error(NO_ACTION)
    found = REGISTRY.get(name.lower())
    if session.user is None and not (found and found.before_login):
        return asked.error("Permission denied")
    if found is None:
        return asked.error(f"Invalid/unknown command: {name}. Use Action: ListCommands to show available commands.")
    if session.user and not found.allowed(session.user.write):
        return asked.error("Permission denied")
    with world.lock:
        return found.run(asked)
