"""A client that is shared with forks of its process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path

import pytest

from pbxapi.ami import AmiUnavailable, Client
from tests.ami.certificates import LOOPBACK, Authority
from tests.ami.scripted import SECRET, USER, ScriptedManager
from tests.real.deadline import eventually

# Python 3.12 warns of every fork with threads. The child of a preloading gunicorn is such a fork.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def in_child(work: Callable[[], None]) -> int:
    """Run `work` in a fork and return its process id. It ends with status 0 when nothing was raised."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def ended_well(child: int) -> bool:
    status: list[int] = []

    def ended() -> bool:
        pid, code = os.waitpid(child, os.WNOHANG)
        status.append(code)
        return pid == child

    eventually(ended, "the child has ended", 20)
    return status[-1] == 0


@pytest.fixture(params=["plain", "tls"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[ScriptedManager, Client]]:
    authority = Authority(tmp_path, "authority")
    tls = request.param == "tls"
    with ScriptedManager(context=authority.context(LOOPBACK) if tls else None) as manager:
        client = manager.client(tls=tls, ca_file=str(authority.file))
        yield manager, client
        client.close()


def test_a_child_opens_its_own_session_and_leaves_the_parents(shared: tuple[ScriptedManager, Client]) -> None:
    manager, client = shared
    client.request("Ping")

    def use_it() -> None:
        assert client.status() == {"quick": "idle", "lists": "idle", "events": "idle"}
        client.request("FromChild")
        client.close()

    assert ended_well(in_child(use_it))
    client.request("FromParent")
    names = [[action.name for action in session.actions[2:]] for session in manager.sessions]
    assert names == [["Ping", "FromParent"], ["FromChild"]]
    ids = [action.id for action in manager.actions]
    assert len({each.rpartition(".")[0] for each in ids}) == 2


def test_what_was_under_way_in_the_parent_is_unavailable_in_the_child(
    shared: tuple[ScriptedManager, Client],
) -> None:
    manager, client = shared
    manager.on("Slow", lambda session, action: None)
    pending = client.start("Slow", timeout=30)
    events = client.subscribe("Hangup")

    def find_them_gone() -> None:
        with pytest.raises(AmiUnavailable, match="parent"):
            pending.result()
        with pytest.raises(AmiUnavailable, match="parent"):
            events.get(30)

    assert ended_well(in_child(find_them_gone))
    assert client.status()["quick"] == client.status()["events"] == "up"
    manager.sessions[0].answer(manager.actions[0])
    manager.sessions[1].event("Hangup")
    pending.result()
    assert events.get(5) is not None


def test_forks_amid_the_work_of_other_threads(manager: ScriptedManager, client: Client) -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            client.request("Ping")

    def ask_from_child() -> None:
        client.request("FromChild")

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work) for _ in range(4)]
        children = [in_child(ask_from_child) for _ in range(10)]
        well = [ended_well(child) for child in children]
        stop.set()
        for each in working:
            each.result(10)
    assert all(well)
    assert Counter(action.name for action in manager.actions)["FromChild"] == 10
    assert len(manager.sessions) == 11


def test_gunicorn_that_preloads_with_3_workers_of_8_threads(manager: ScriptedManager) -> None:
    manager.on("Echo", lambda session, action: session.answer(action, f"Number: {action.headers['Number']}"))
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers=3", "--threads=8", "--log-level=warning"]
        if int(version("gunicorn").partition(".")[0]) >= 27:
            command += ["--no-control-socket"]
        server = subprocess.Popen(
            [*command, f"--bind=fd://{listener.fileno()}", "tests.ami.preloaded_app:app"],
            pass_fds=[listener.fileno()],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "AMI_PORT": str(manager.port), "AMI_USER": USER, "AMI_SECRET": SECRET},
        )
        try:
            port = listener.getsockname()[1]
            with ThreadPoolExecutor(24) as pool:
                workers = Counter(pool.map(lambda number: ask(port, number), range(480)))
        finally:
            server.terminate()
            server.wait(20)
    assert sum(workers.values()) == 480
    ids = [action.id for action in manager.actions]
    assert len(ids) == len(set(ids)) == 481  # and the one of the master, before it forked
    assert len(workers) == 3
    assert len(manager.sessions) == 4


def ask(port: int, number: int) -> str:
    """Ask the preloaded app; the number of its process."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/{number}")
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200, text
    got, process = text.split()
    assert got == str(number)
    return process
