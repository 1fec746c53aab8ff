"""Queues put back as they were before a test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.real.exchange import Exchange
from tests.real.raw_manager import RawManager

Row = dict[str, str]


@contextlib.contextmanager
def restored(exchange: Exchange) -> Iterator[None]:
    """Count from nothing, and take back who came in and who was paused."""
    with exchange.manager() as manager:
        for queue in (exchange.queue, exchange.other_queue):
            manager.ask("QueueReset", Queue=queue)
        before = _members(manager)
    try:
        yield
    finally:
        if exchange.asterisk:
            exchange.asterisk.ensure_running()
        with exchange.manager() as manager:
            for place, row in _members(manager).items():
                _put_back(manager, place, row, before.get(place))


def _members(manager: RawManager) -> dict[tuple[str, str], Row]:
    rows = [row for row in manager.ask("QueueStatus") if row.get("Event") == "QueueMember"]
    return {(row["Queue"], row["Location"]): row for row in rows}


def _put_back(manager: RawManager, place: tuple[str, str], now: Row, before: Row | None) -> None:
    queue, interface = place
    if before is None:
        manager.ask("QueueRemove", Queue=queue, Interface=interface)
        return
    manager.ask("QueuePenalty", Queue=queue, Interface=interface, Penalty=before["Penalty"])
    if (now["Paused"], now["PausedReason"]) != (before["Paused"], before["PausedReason"]):
        paused = "true" if before["Paused"] == "1" else "false"
        manager.ask("QueuePause", Queue=queue, Interface=interface, Paused=paused, Reason=before["PausedReason"])
