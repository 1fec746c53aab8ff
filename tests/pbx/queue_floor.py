"""The queues of an Asterisk made of bytes: who is in them changes as app_queue changes it, in its words (16 and 22)."""

from __future__ import annotations

from collections.abc import Mapping

from tests.ami.scripted import Action, Answer, ScriptedManager, Session

Row = dict[str, str]

USERS = {
    "200": {"cidnum": "200", "cidname": "Alice", "device": "200"},
    "201": {"cidnum": "201", "cidname": "Bob", "device": "201&2201"},
    "202": {"cidnum": "202", "device": "202", "queues/qnostate": "ignorestate"},
    "203": {"cidnum": "203", "cidname": 'Eve; "x"', "device": "203"},
}
"""AMPUSER of AstDB."""


def refusing(words: str) -> Answer:
    """An error of Asterisk's."""
    return lambda session, action: session.answer(action, f"Message: {words}", response="Error")


UNKNOWN = refusing("Invalid/unknown command: X. Use Action: ListCommands to show available commands.")
DENIED = refusing("Permission denied")


class QueueFloor:
    """`members` are rows of QueueMember by queue and interface; `done` is what changed something, as it came."""

    def __init__(self, manager: ScriptedManager, *queues: str) -> None:
        self.manager = manager
        self.members: dict[str, dict[str, Row]] = {queue: {} for queue in queues}
        manager.on("QueueStatus", self._status)
        manager.on("QueueAdd", self._add)
        manager.on("QueueRemove", self._remove)
        manager.on("QueuePause", self._pause)
        manager.on("DBGetTree", _tree)

    def sit(self, queue: str, interface: str, membership: str = "dynamic", **row: str) -> None:
        """Let somebody be in a queue from the beginning."""
        there = {"Location": interface, "Membership": membership, "Status": "1", "Paused": "0", "Penalty": "0"}
        self.members[queue][interface] = there | row

    @property
    def done(self) -> list[tuple[str, ...]]:
        """Name and values of every action that is no question, in order."""
        asking = {"QueueStatus", "DBGetTree", "PJSIPShowEndpoint", "PJSIPShowEndpoints"}
        return [
            (action.name, *(value for name, value in action.headers.items() if name not in {"Action", "ActionID"}))
            for action in self.manager.actions
            if action.name not in asking
        ]

    def refuse(self, name: str, answer: Answer, **when: str) -> None:
        """Answer an action so when its headers are these, and as usual otherwise."""
        usual = getattr(self, f"_{name.removeprefix('Queue').lower()}", Session.answer)

        def either(session: Session, action: Action) -> None:
            fits = all(action.headers.get(header) == value for header, value in when.items())
            (answer if fits else usual)(session, action)

        self.manager.on(name, either)

    def _status(self, session: Session, action: Action) -> None:
        session.answer(action, "EventList: start", "Message: Queue status will follow")
        for queue, members in self.members.items():
            params = {"Queue": queue, "Max": "0", "Strategy": "ringall", "Calls": "0"}
            _event(session, "QueueParams", params, action)
            for row in members.values():
                _event(session, "QueueMember", {"Queue": queue, **row}, action)
        session.event("QueueStatusComplete", "EventList: Complete", action=action)

    def _add(self, session: Session, action: Action) -> None:
        sent = action.headers
        there = self.members.get(sent["Queue"])
        if there is None:
            refusing("Unable to add interface to queue: No such queue")(session, action)
        elif sent["Interface"] in there:
            refusing("Unable to add interface: Already there")(session, action)
        else:
            row = {"Name": sent.get("MemberName", sent["Interface"]), "Penalty": sent["Penalty"]}
            row |= {"StateInterface": sent.get("StateInterface", ""), "Paused": _flag(sent["Paused"])}
            self.sit(sent["Queue"], sent["Interface"], **row)
            session.answer(action, "Message: Added interface to queue")

    def _remove(self, session: Session, action: Action) -> None:
        there = self.members[action.headers["Queue"]]
        row = there.get(action.headers["Interface"])
        if row is None:
            refusing("Unable to remove interface: Not there")(session, action)
        elif row["Membership"] != "dynamic":
            refusing("Member not dynamic")(session, action)
        else:
            del there[action.headers["Interface"]]
            session.answer(action, "Message: Removed interface from queue")

    def _pause(self, session: Session, action: Action) -> None:
        sent = action.headers
        rows = [
            members[sent["Interface"]]
            for queue, members in self.members.items()
            if sent.get("Queue", queue) == queue and sent["Interface"] in members
        ]
        for row in rows:
            row |= {"Paused": _flag(sent["Paused"]), "PausedReason": sent.get("Reason", "")}
        if rows:
            session.answer(action, "Message: Interface paused successfully")
        else:
            refusing("Interface not found")(session, action)


def _flag(word: str) -> str:
    return "1" if word == "true" else "0"


def _event(session: Session, name: str, row: Mapping[str, str], action: Action) -> None:
    # The ActionID comes last, as app_queue writes it.
    session.event(name, *(f"{header}: {value}" for header, value in row.items()), f"ActionID: {action.id}")


def _tree(session: Session, action: Action) -> None:
    number = action.headers["Key"]
    session.answer(action, "EventList: start", "Message: Result will follow")
    for key, value in USERS.get(number, {}).items():
        _event(session, "DBGetTreeResponse", {"Key": f"/AMPUSER/{number}/{key}", "Val": value}, action)
    session.event("DBGetTreeComplete", "EventList: Complete", action=action)
