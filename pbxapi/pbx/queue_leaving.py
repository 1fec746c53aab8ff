"""Extensions that go leave the queues they are logged in to: the next owner of the number would get their calls."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator

from pbxapi.ami import AmiError, AmiRefused, AmiUnknownAction, Client
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.plan import StateChange
from pbxapi.pbx.queue_reading import extension_of

log = logging.getLogger("pbxapi.queues")


class QueueLeaving:
    """Needs the class `agent`; without it, or without app_queue, a warning is all that comes of it."""

    def __init__(self, ami: Client, astdb: AstDb) -> None:
        self._ami = ami
        self._astdb = astdb

    def leave(self, numbers: Collection[str]) -> Iterator[str]:
        """Log them out everywhere, and give what could not be done, in words for a caller."""
        if not numbers:
            return
        try:
            members = self._ami.request("QueueStatus", until="QueueStatusComplete").events
        except AmiUnknownAction:
            return
        except AmiError as error:
            log.error("queues of deleted extensions: %s", error)  # noqa: TRY400
            yield "Whether it is logged in to queues could not be seen"
            return
        for each in members:
            number = extension_of(each.get("Location")) if each.event == "QueueMember" else None
            if number in numbers and each.get("Membership") == "dynamic":
                yield from self._log_out(each.get("Queue"), each.get("Location"), number or "")

    def _log_out(self, queue: str, interface: str, number: str) -> Iterator[str]:
        try:
            self._ami.request("QueueRemove", [("Queue", queue), ("Interface", interface)])
            self._astdb.set_states([StateChange(f"Custom:QUEUE{number}*{queue}", None, None)])
        except AmiRefused as error:
            if "not there" not in error.words.lower():
                yield f"{interface} is still logged in to queue {queue}: {error.words}"
        except AmiError as error:
            log.error("queue %s: %s", queue, error)  # noqa: TRY400
            yield f"{interface} may still be logged in to queue {queue}"
