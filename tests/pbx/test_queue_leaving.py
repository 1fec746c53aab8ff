"""An extension that goes is logged out of its queues, and nobody else is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.queue_leaving import QueueLeaving
from pbxapi.pbx.queueing import NewMember
from tests.pbx.queue_floor import DENIED
from tests.pbx.queued import Queued, queued


@pytest.fixture
def here() -> Iterator[Queued]:
    with queued() as made:
        for queue in ("400", "401"):
            for number in ("200", "201"):
                made.queues.add(queue, NewMember(interface=f"PJSIP/{number}"))
        yield made


def members(here: Queued) -> list[list[str | None]]:
    return [[each.extension for each in here.queues.get(name, fresh=True).members] for name in ("400", "401")]


def leave(here: Queued, *numbers: str) -> list[str]:
    return list(QueueLeaving(here.client, AstDb(here.client)).leave(numbers))


def test_it_leaves_every_queue(here: Queued) -> None:
    assert leave(here, "200") == []
    assert members(here) == [["201"], ["201"]]


def test_nobody_leaves_where_nobody_goes(here: Queued) -> None:
    assert leave(here) == []
    assert members(here) == [["200", "201"], ["200", "201"]]


def test_who_cannot_be_logged_out_is_told(here: Queued) -> None:
    here.floor.refuse("QueueRemove", DENIED)
    assert [words.partition(":")[0] for words in leave(here, "200")] == [
        "PJSIP/200 is still logged in to queue 400",
        "PJSIP/200 is still logged in to queue 401",
    ]


def test_that_it_could_not_be_seen_is_told(here: Queued) -> None:
    here.client.close()
    assert leave(here, "200") == ["Whether it is logged in to queues could not be seen"]
