"""Idempotency-Key with `pbxapi serve`: two workers, a store that they share, and a real Asterisk that places calls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from sqlalchemy import func, select

from pbxapi.errors import Unavailable
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from pbxapi.store.tables import calls, idempotency
from tests.real.api import KEY
from tests.real.asterisk import Asterisk
from tests.real.deadline import eventually
from tests.real.mariadb import MariaDB
from tests.real.ports import free_ports
from tests.real.test_served import answers


@dataclass(frozen=True)
class Served:
    """Two workers, their store, and the process that keeps them."""

    url: str
    store: Store
    master: int

    def place(self, key: str) -> requests.Response:
        """Over a connection of its own, so that either worker may get it."""
        headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": key, "Connection": "close"}
        body = {"from": "Local/100@from-internal", "to": "600", "timeout": 1, "external_id": key}
        return requests.post(f"{self.url}/calls", json=body, headers=headers, timeout=20)

    def count(self, key: str) -> int:
        with self.store.begin() as connection:
            found = select(func.count()).select_from(calls).where(calls.c.external_id == key)
            number: int = connection.execute(found).scalar_one()
            return number

    def workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.master}/task/{self.master}/children").read_text().split()]


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def served(
    request: pytest.FixtureRequest, asterisk22: Asterisk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("once")
    url = f"sqlite:///{folder}/store.db"
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        place = server.create_database("pbxapi_once")
        url = f"mysql+pymysql://{place.user}:{place.password}@{place.host}:{place.port}/{place.name}"
    [port] = free_ports(1)
    (folder / ".env").write_text(
        f"API_SECRET_KEY={KEY}\nAMI_PORT={asterisk22.ports.ami}\nAMI_USERNAME=least\nAMI_SECRET=least-secret\n"
        f"STORE_URL={url}\nLOG_PATH={folder}/log\nRATE_LIMIT_KEY=1000000/minute\nRATE_LIMIT_ADDRESS=1000000/minute\n"
    )
    store = Store(url)
    migrate(store)
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("AMI_", "API_", "PBX_"))}
    options = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "8"]
    with subprocess.Popen([sys.executable, "-m", "pbxapi", "serve", *options], cwd=folder, env=environ) as gunicorn:
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/health/live"), "it serves", seconds=20)
            yield Served(f"http://127.0.0.1:{port}", store, gunicorn.pid)
        finally:
            gunicorn.terminate()
            gunicorn.wait(15)
            store.close()


def test_of_many_at_once_one_places_the_call_and_all_are_told_of_it(served: Served) -> None:
    for _ in range(3):
        key = str(uuid4())
        with ThreadPoolExecutor(16) as threads:
            found = list(threads.map(lambda _: served.place(key), range(16)))  # noqa: B023
        statuses = [answer.status_code for answer in found]
        assert set(statuses) <= {202, 409}, [answer.text for answer in found]
        placed = [answer for answer in found if answer.status_code == 202]
        assert sum("Idempotency-Replayed" not in answer.headers for answer in placed) == 1
        assert served.count(key) == 1
        again = served.place(key)
        assert {answer.content for answer in (*placed, again)} == {placed[0].content}
        assert again.headers["Location"] == placed[0].headers["Location"]


def test_what_was_under_way_in_a_worker_that_was_killed_is_never_done_again(
    served: Served, asterisk22: Asterisk
) -> None:
    key = str(uuid4())
    asterisk22.pause()
    try:
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(served.place, key)
            eventually(lambda: served.count(key) == 1, "the call is written down and Asterisk asked")
            for pid in served.workers():
                os.kill(pid, signal.SIGKILL)
            with pytest.raises(requests.ConnectionError):
                first.result(20)
    finally:
        asterisk22.ensure_running()
    eventually(lambda: answers(served.url + "/health/live"), "new workers serve", seconds=20)
    found = {served.place(key).status_code for _ in range(8)}
    assert found == {409}
    assert served.count(key) == 1


def test_a_store_without_its_table_is_said_before_anything_is_placed(served: Served) -> None:
    key = str(uuid4())
    with served.store.begin() as connection:
        idempotency.drop(connection)
    try:
        answer = served.place(key)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/store-unavailable")
        assert answer.headers["Retry-After"]
        assert served.count(key) == 0
    finally:
        with served.store.begin() as connection:
            idempotency.create(connection)
    assert served.place(key).status_code == 202


def test_the_store_s_own_word_decides_who_is_first(served: Served) -> None:
    identity = uuid4().hex
    others = [Store(served.store.url) for _ in range(4)]
    try:
        with ThreadPoolExecutor(16) as threads:
            found = list(threads.map(lambda n: others[n % 4].idempotency.claim(identity, "print"), range(48)))
        assert found.count(None) == 1
        first = found[0] or found[1]
        assert first is not None
        served.store.idempotency.keep(identity, 201, b"\0" * 500_000)
        kept = served.store.idempotency.claim(identity, "print")
        assert kept is not None
        assert (kept.status, kept.answer) == (201, b"\0" * 500_000)
    finally:
        for store in others:
            store.close()


def test_who_comes_while_it_is_let_go_of_may_be_first_and_only_one_is(served: Served) -> None:
    """Many tries to be first, each of which lets go again, as after an answer that changed nothing."""
    identity = uuid4().hex
    store = served.store.idempotency
    inside: list[int] = []
    most = 0

    def one(number: int) -> bool:
        nonlocal most
        try:
            if store.claim(identity, "print") is not None:
                return False
        except Unavailable:
            return False  # The database breaks a tie by refusing one of them: nothing was done, and it may ask again.
        inside.append(number)
        most = max(most, len(inside))
        inside.remove(number)
        store.release(identity)
        return True

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(one, range(64)))
    assert any(found)
    assert most == 1
