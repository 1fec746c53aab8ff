"""Placing a call when the exchange does not answer, over a manager made of bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pbxapi.errors import Timeout, Unavailable
from pbxapi.pbx.calls import AmiCalls
from pbxapi.pbx.channels import AmiChannels
from pbxapi.pbx.interfaces import CallRequest
from pbxapi.pbx.peers import AmiPeers
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from tests.ami.scripted import Answer, ScriptedManager
from tests.pbx.test_peers import UNKNOWN, endpoint, listing, with_pjsip

REQUEST = CallRequest("200", "201", "from-internal")


@pytest.fixture
def manager() -> Iterator[ScriptedManager]:
    with ScriptedManager() as manager:
        with_pjsip(manager, [endpoint("200")])
        for action in ("SIPpeers", "IAXpeerlist"):
            manager.on(action, UNKNOWN)
        manager.on("Status", listing("StatusComplete"))
        yield manager


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    yield store
    store.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [(lambda session, action: None, Timeout), (lambda session, action: session.hang_up(), Unavailable)],
)
def test_a_call_that_may_be_on_its_way_is_named_and_kept(
    manager: ScriptedManager, store: Store, answer: Answer, error: type[Exception]
) -> None:
    manager.on("Originate", answer)
    client = manager.client(timeout=0.5)
    channels = AmiChannels(client, contexts=frozenset(["from-internal"]), ttl=0)
    keep = timedelta(hours=1)
    peers = AmiPeers(client, channels, ttl=0)
    calls = AmiCalls(client, channels, peers, store.calls, contexts=["from-internal"], keep=keep, ttl=0)
    try:
        with pytest.raises(error) as caught:
            calls.place(REQUEST)
        named = re.search(r"/calls/(pbxapi-[0-9a-f]+)", str(caught.value))
        assert named, caught.value
        assert store.calls.get(named[1]) is not None
    finally:
        calls.close()
        client.close()
