"""TLS: who is trusted, and two threads on one session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pbxapi.ami import AmiUnavailable, Client
from tests.ami.certificates import ELSEWHERE, LOOPBACK, Authority
from tests.ami.scripted import Action, ScriptedManager, Session


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def manager(authority: Authority) -> Iterator[ScriptedManager]:
    with ScriptedManager(context=authority.context(LOOPBACK)) as manager:
        yield manager


@pytest.fixture
def client(manager: ScriptedManager, authority: Authority) -> Iterator[Client]:
    client = manager.client(tls=True, ca_file=str(authority.file))
    yield client
    client.close()


def test_a_certificate_of_the_authority_for_this_host_is_trusted(manager: ScriptedManager, client: Client) -> None:
    manager.on("Ping", lambda session, action: session.answer(action, "Ping: Pong"))
    assert client.request("Ping").response["Ping"] == "Pong"


def test_a_certificate_for_another_host_is_refused(authority: Authority) -> None:
    with ScriptedManager(context=authority.context(ELSEWHERE)) as manager:
        client = manager.client(tls=True, ca_file=str(authority.file))
        with pytest.raises(AmiUnavailable, match="certificate verify failed"):
            client.request("Ping")
        client.close()
        assert manager.actions == []


def test_the_host_check_alone_can_be_left_out(authority: Authority, tmp_path: Path) -> None:
    with ScriptedManager(context=authority.context(ELSEWHERE)) as manager:
        client = manager.client(tls=True, ca_file=str(authority.file), check_hostname=False)
        client.request("Ping")
        client.close()
        other = Authority(tmp_path, "other")
        client = manager.client(tls=True, ca_file=str(other.file), check_hostname=False)
        with pytest.raises(AmiUnavailable, match="certificate verify failed"):
            client.request("Ping")
        client.close()


def test_an_unknown_authority_is_refused(manager: ScriptedManager, tmp_path: Path) -> None:
    for ca_file in (str(Authority(tmp_path, "other").file), None):
        client = manager.client(tls=True, ca_file=ca_file)
        with pytest.raises(AmiUnavailable, match="certificate verify failed"):
            client.request("Ping")
        client.close()
    assert manager.sessions == []


def test_an_authority_that_cannot_be_read_is_unavailable(manager: ScriptedManager, tmp_path: Path) -> None:
    client = manager.client(tls=True, ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(AmiUnavailable, match="No such file"):
        client.request("Ping")


def test_plain_text_to_a_tls_port_is_unavailable(manager: ScriptedManager) -> None:
    client = manager.client(connect_timeout=1)
    with pytest.raises(AmiUnavailable):
        client.request("Ping")
    client.close()


def test_tls_to_a_plain_port_is_unavailable(authority: Authority) -> None:
    with ScriptedManager() as manager:
        client = manager.client(tls=True, ca_file=str(authority.file))
        with pytest.raises(AmiUnavailable):
            client.request("Ping")
        client.close()


def test_big_answers_and_big_actions_cross_on_one_session(manager: ScriptedManager, client: Client) -> None:
    def send_list(session: Session, action: Action) -> None:
        session.answer(action, "EventList: start")
        for number in range(100):
            session.event("Item", f"Of: {action.headers['Of']}", "Filler: " + "y" * 500, f"N: {number}", action=action)
        session.event("ItemsComplete", "EventList: Complete", action=action)

    manager.on("List", send_list)
    filler = [("Variable", "x" * 1000)] * 100

    def work(worker: int) -> None:
        for turn in range(5):
            of = f"{worker}.{turn}"
            items = client.request("List", [("Of", of), *filler], until="ItemsComplete", timeout=20).events
            assert [(item["Of"], item["N"]) for item in items] == [(of, str(number)) for number in range(100)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(manager.sessions) == 1


def test_the_items_of_a_list_are_read_together(
    manager: ScriptedManager, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # each is a record of its own; were each read by itself, with the pause of a long list after it, this took minutes
    monkeypatch.setattr("pbxapi.ami.connection.GATHER", 0.1)

    def send_list(session: Session, action: Action) -> None:
        session.answer(action, "EventList: start")
        for _ in range(2000):
            session.event("Item", action=action)
        session.event("ItemsComplete", "EventList: Complete", action=action)

    manager.on("List", send_list)
    assert len(client.request("List", until="ItemsComplete", timeout=20).events) == 2000


def test_answers_arrive_while_a_writer_waits_for_the_server_to_read(
    manager: ScriptedManager, authority: Authority
) -> None:
    client = manager.client(tls=True, ca_file=str(authority.file), write_timeout=20)
    filling, released = threading.Event(), threading.Event()

    def stall(session: Session, action: Action) -> None:
        session.answer(action, "EventList: start")
        filling.wait(10)
        for number in range(2000):
            session.event("Item", f"N: {number}", "Filler: " + "y" * 500, action=action)
        session.event("ItemsComplete", "EventList: Complete", action=action)
        released.wait(10)

    def write() -> None:
        filler = [("Variable", "x" * 1000)] * 120
        for _ in range(200):  # 24 MB, more than the kernel keeps for a server that does not read
            client.start("Fill", filler, slow=True, timeout=30)
            filling.set()

    manager.on("Stall", stall)
    pending = client.start("Stall", until="ItemsComplete", timeout=20)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        assert len(pending.result().events) == 2000
        assert not writing.done()
        released.set()
        writing.result(30)
    client.close()


def test_a_tls_server_that_goes_is_noticed(manager: ScriptedManager, client: Client) -> None:
    manager.on("Stop", lambda session, action: session.hang_up())
    with pytest.raises(AmiUnavailable) as lost:
        client.request("Stop", timeout=20)
    assert lost.value.may_have_run
    client.request("Ping")
