"""Call records of a database that is slow, locked, changed under way, full, wrong or gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest
from werkzeug.test import TestResponse

from pbxapi.errors import Timeout
from pbxapi.pbx.history import Filters
from pbxapi.settings import Settings
from tests.real.api import KEY, Api, app_for
from tests.real.cdr_table import CdrTable
from tests.real.deadline import eventually
from tests.real.mariadb import PASSWORD, USER, MariaDB
from tests.things_cdr import CdrReader, row

VARIANT = "freepbx17-InnoDB-utf8mb4"
CONNECTIONS = 15
"""What the pool holds at most."""

Apps = Callable[..., Api]


@pytest.fixture
def table(cdr_tables: Callable[[str], CdrTable]) -> CdrTable:
    made = cdr_tables(VARIANT)
    made.add(*(row(n=n, calldate=f"2026-11-22 19:49:{n:02d}") for n in range(10)))
    return made


@pytest.fixture
def spoilt(mariadb: MariaDB) -> Iterator[CdrTable]:
    """A table of the test's own, that it may change."""
    made = CdrTable(mariadb, VARIANT, "cdr_spoilt")
    made.add(*(row(n=n, calldate=f"2026-11-22 19:49:{n:02d}") for n in range(10)))
    yield made
    made.close()
    mariadb.run("DROP DATABASE cdr_spoilt")


@pytest.fixture
def over(tmp_path: Path) -> Iterator[Apps]:
    """An application over a database of call records."""
    made: list[Api] = []

    def make(url: str, **more: str) -> Api:
        environ = {
            "API_SECRET_KEY": KEY, "AMI_USERNAME": "nobody", "STORE_URL": f"sqlite:///{tmp_path}/store.db",
            "CDR_DATABASE_URL": url, "CDR_QUERY_TIMEOUT": "0.5", "CDR_ROLL_UP": "false", "ACCESS_LOG": "false",
            "PBX_TIMEZONE": "Europe/Berlin", **more,
        }  # fmt: skip
        made.append(Api(app_for(Settings.from_environ(environ))))
        return made[-1]

    yield make
    for api in made:
        api.close()


@contextmanager
def locked(table: CdrTable) -> Iterator[None]:
    """Nobody else can read the table meanwhile."""
    place = table.place
    connection = pymysql.connect(
        host=place.host, port=place.port, user=place.user, password=place.password, database=place.name,
        ssl_disabled=True,
    )  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES cdr WRITE")
        yield


def slow(table: CdrTable) -> None:
    """Each row takes 0.2 s from now on."""
    table.run("RENAME TABLE cdr TO cdr_kept")
    table.run("CREATE VIEW cdr AS SELECT * FROM cdr_kept WHERE SLEEP(0.2) = 0")


def running(table: CdrTable) -> list[dict[str, object]]:
    """What the server is doing for us in that database."""
    return table.run(
        "SELECT id, info FROM information_schema.processlist WHERE db = %s AND command <> 'Sleep' AND user = %s",
        table.place.name,
        USER,
    )


def ask(api: Api, path: str = "/cdr") -> TestResponse:
    return api.app.test_client().get(path, headers={"Authorization": f"Bearer {KEY}"})


def told_nothing(text: str, *more: str) -> None:
    for secret in (PASSWORD, USER, "127.0.0.1", "cdr_", "SELECT", "pymysql", *more):
        assert secret not in text, secret


@pytest.mark.parametrize("path", ["/cdr", "/cdr?group=call", "/cdr?include_total=true"])
def test_a_question_that_takes_too_long_is_a_504_that_says_what_to_narrow(
    spoilt: CdrTable, over: Apps, path: str
) -> None:
    slow(spoilt)
    api = over(spoilt.url)
    problem = api.get(path, status=504)
    assert "Narrow start and end" in problem["detail"]
    told_nothing(problem["detail"])
    assert eventually(lambda: not running(spoilt), "the statement was ended")


def test_a_locked_table_is_a_504_and_nothing_waits_for_it_any_more(table: CdrTable, over: Apps) -> None:
    api = over(table.url)
    api.get("/cdr")
    with locked(table):
        assert "Narrow" in api.get("/cdr", status=504)["detail"]
        assert eventually(lambda: not running(table), "the statement was ended")
    assert len(api.items("/cdr")) == 10


@pytest.mark.parametrize("hold", ["slow", "locked"])
def test_a_statement_is_killed_where_the_server_has_no_limit(spoilt: CdrTable, hold: str) -> None:
    # A limit of 0 is none: as on MySQL 5.6 and MariaDB 10.0, which have no such setting.
    reader = CdrReader(spoilt.engine(timeout=0.5, limit=0))
    reader.tables.get()
    if hold == "slow":
        slow(spoilt)
        with pytest.raises(Timeout, match="Narrow"):
            reader.records.page(Filters(), limit=10, cursor=None)
        assert eventually(lambda: not running(spoilt), "the statement was ended")
    else:
        with locked(spoilt):
            with pytest.raises(Timeout, match="Narrow"):
                reader.records.page(Filters(), limit=10, cursor=None)
            assert eventually(lambda: not running(spoilt), "the statement was ended")
        assert len(reader.records.page(Filters(), limit=10, cursor=None).items) == 10
    reader.close()


def in_parallel(count: int, do: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return [future.result(30) for future in [pool.submit(do) for _ in range(count)]]


def test_more_requests_than_connections_are_503_or_504_and_all_is_well_after(table: CdrTable, over: Apps) -> None:
    api = over(table.url, CDR_QUERY_TIMEOUT="4")
    api.get("/cdr")
    with locked(table):
        answers = in_parallel(CONNECTIONS + 5, lambda: ask(api))
        assert eventually(lambda: not running(table), "the statements were ended", seconds=10)
    turned_away = [answer for answer in answers if answer.status_code == 503]
    assert len(turned_away) == 5
    assert sum(answer.status_code == 504 for answer in answers) == CONNECTIONS
    for answer in turned_away:
        assert int(answer.headers["Retry-After"]) >= 1
        told_nothing(answer.text)
    assert {answer.status_code for answer in in_parallel(CONNECTIONS, lambda: ask(api))} == {200}


def test_all_statements_are_killed_while_others_wait_for_a_connection(table: CdrTable) -> None:
    reader = CdrReader(table.engine(timeout=0.5, limit=0))
    reader.tables.get()

    def read() -> str:
        try:
            reader.records.page(Filters(), limit=10, cursor=None)
        except Exception as error:
            return type(error).__name__
        return "read"

    with locked(table):
        answers = in_parallel(2 * CONNECTIONS, read)
        assert eventually(lambda: not running(table), "the statements were ended", seconds=10)
    assert set(answers) <= {"Timeout", "Unavailable"}
    assert read() == "read"
    reader.close()


def test_a_wrong_password_is_503_and_no_secret_is_told(
    table: CdrTable, over: Apps, caplog: pytest.LogCaptureFixture
) -> None:
    api = over(table.url.replace(PASSWORD, "not-the-word"), LOG_LEVEL="debug")
    for path in ("/cdr", "/cdr?group=call", "/cdr/1.1", "/cdr/1.1/journey"):
        answer = api.send("GET", path, status=503)
        assert answer.get_json()["type"] == "/problems/database-unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
        told_nothing(answer.text, "not-the-word")
    assert "1045" in caplog.text
    assert "not-the-word" not in caplog.text


def test_a_database_that_does_not_exist_is_503(table: CdrTable, over: Apps) -> None:
    told_nothing(over(table.url + "_not").send("GET", "/cdr", status=503).text)


def test_a_table_that_is_not_there_yet_is_named_and_found_when_it_is(spoilt: CdrTable, over: Apps) -> None:
    api = over(spoilt.url)
    spoilt.run("RENAME TABLE cdr TO cdr_kept")
    assert "no table cdr" in api.get("/cdr", status=503)["detail"]
    spoilt.run("RENAME TABLE cdr_kept TO cdr")
    assert len(api.items("/cdr")) == 10


def test_a_table_without_what_is_needed_names_it(spoilt: CdrTable, over: Apps) -> None:
    spoilt.run("ALTER TABLE cdr DROP COLUMN disposition, DROP COLUMN calldate")
    assert "disposition, calldate" in over(spoilt.url).get("/cdr", status=503)["detail"]


def test_an_upgrade_of_the_table_needs_no_restart(spoilt: CdrTable, over: Apps) -> None:
    api = over(spoilt.url)
    [first, *_] = api.items("/cdr")
    assert (first["did"], first["linkedid"]) == (None, first["uniqueid"])

    spoilt.run("ALTER TABLE cdr DROP COLUMN linkedid, DROP COLUMN did, DROP COLUMN sequence")
    eventually(lambda: ask(api).status_code == 200, "the new table is read", seconds=2)
    assert api.items("/cdr")[0]["linkedid"] is None
    assert api.items("/cdr?group=call")[0]["id"] == first["uniqueid"]
    assert "did" in api.get("/cdr?did=1", status=501)["detail"]

    spoilt.run("ALTER TABLE cdr ADD COLUMN did VARCHAR(50) NOT NULL DEFAULT '555'")
    eventually(lambda: ask(api, "/cdr?did=555").status_code == 200, "the new column is read", seconds=2)
    assert api.items("/cdr?did=555")[0]["did"] == "555"


@pytest.fixture(scope="module")
def mortal(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server of this module's own, to kill."""
    server = MariaDB(tmp_path_factory.mktemp("mortal"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def doomed(mortal: MariaDB) -> Iterator[CdrTable]:
    if not mortal.running:
        mortal.start()
    mortal.run("DROP DATABASE IF EXISTS cdr_doomed")
    mortal.run("SET GLOBAL innodb_flush_log_at_trx_commit = 1")  # what was written is there after a crash
    made = CdrTable(mortal, VARIANT, "cdr_doomed")
    made.add(*(row(n=n, calldate=f"2026-11-22 19:49:{n:02d}") for n in range(10)))
    yield made
    made.close()


@pytest.mark.parametrize("group", ["", "&group=call"])
def test_a_server_that_dies_between_pages_is_503_and_the_next_page_comes_once_it_is_back(
    doomed: CdrTable, mortal: MariaDB, over: Apps, group: str
) -> None:
    api = over(doomed.url)
    first = api.get(f"/cdr?limit=4{group}")
    mortal.kill()
    for _ in range(3):
        answer = api.send("GET", f"/cdr?limit=4&cursor={first['next']}{group}", status=503)
        assert answer.get_json()["type"] == "/problems/database-unavailable"
        told_nothing(answer.text)
    mortal.start()
    following = f"/cdr?limit=100&cursor={first['next']}{group}"
    eventually(lambda: ask(api, following).status_code == 200, "it is back", seconds=5)
    name = "id" if group else "uniqueid"
    seen = [item[name] for item in first["items"] + api.items(following)]
    assert len(seen) == len(set(seen)) == 10


def test_a_server_that_dies_in_a_query_is_503(doomed: CdrTable, mortal: MariaDB, over: Apps) -> None:
    slow(doomed)
    api = over(doomed.url, CDR_QUERY_TIMEOUT="20")
    answers: list[TestResponse] = []
    asking = threading.Thread(target=lambda: answers.append(ask(api)))
    asking.start()
    eventually(lambda: [each for each in running(doomed) if "SLEEP" in str(each) or "cdr" in str(each)], "it runs")
    mortal.kill()
    asking.join(10)
    assert answers[0].status_code == 503
    told_nothing(answers[0].text)
    mortal.start()
    doomed.run("DROP VIEW cdr")
    doomed.run("RENAME TABLE cdr_kept TO cdr")
    eventually(lambda: ask(api).status_code == 200, "it is back", seconds=5)
