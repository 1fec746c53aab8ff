"""The SIP sections of the configuration, against those who really own them: MariaDB and Asterisk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from pbxapi.app import create_app
from pbxapi.db.engine import Login, connect, engine, ready
from pbxapi.errors import Timeout, Unavailable
from pbxapi.pbx.asterisk_conf import read
from pbxapi.pbx.sip_extensions import DatabaseSipExtensions
from pbxapi.settings import Settings
from tests.pbx.test_asterisk_conf import AS_ASTERISK, write
from tests.real.api import KEY, Api
from tests.real.asterisk import Asterisk
from tests.real.configuration import Database
from tests.real.mariadb import MariaDB
from tests.real.raw_manager import RawManager

# FreePBX 17: settings of chan_sip and PJSIP devices, and of chan_sip trunks.
SIP = """
CREATE TABLE sip (
  id varchar(20) NOT NULL DEFAULT '-1',
  keyword varchar(30) NOT NULL DEFAULT '',
  data varchar(8100) NOT NULL,
  flags int NOT NULL DEFAULT 0,
  PRIMARY KEY (id, keyword)
)"""
ROWS = """
INSERT INTO sip (id, keyword, data, flags) VALUES
  ('201', 'sipdriver', 'chan_sip', 2), ('201', 'secret', 'f0e1', 32), ('201', 'callerid', 'Zoë Şahin 😀 <201>', 30),
  ('200', 'secret', '0f1e', 52), ('200', 'sipdriver', 'chan_pjsip', 2), ('200', 'secret_origional', 'old', 53),
  ('200', 'md5_cred', '', 4), ('200', 'context', 'from-internal', 53),
  ('tr-peer-1', 'secret', 'trunk', 2), ('tr-reg-1', 'register', 'u:p@h', 2), ('pjsip-1', 'secret', 'trunk', 2),
  ('-1', 'secret', 'nobody', 2)"""


@pytest.fixture(scope="module")
def database(mariadb: MariaDB) -> Database:
    return mariadb.create_database("asterisk", SIP, ROWS)


@pytest.fixture
def made(database: Database) -> Iterator[Engine]:
    """An engine for it that waits for a second."""
    login = Login(host=database.host, port=database.port, username=database.user, password=database.password)
    found = engine(login, database.name, timeout=1)
    yield found
    found.dispose()


def test_the_rows_of_each_extension_become_one_object(made: Engine) -> None:
    found = DatabaseSipExtensions(made).sections()

    assert found == {
        "200": {"sipdriver": "chan_pjsip", "md5_cred": "", "context": "from-internal", "secret": "0f1e"},
        "201": {"sipdriver": "chan_sip", "callerid": "Zoë Şahin 😀 <201>", "secret": "f0e1"},
    }
    assert [list(options or ()) for options in found.values()] == [
        ["sipdriver", "md5_cred", "secret", "context"],
        ["sipdriver", "callerid", "secret"],
    ]


def test_the_shim_gives_them_with_the_login_of_freepbx_conf(database: Database, tmp_path: Path) -> None:
    conf = {"HOST": database.host, "PORT": str(database.port), "USER": database.user, "PASS": database.password}
    lines = "".join(f"$amp_conf['AMPDB{name}'] = '{value}';\n" for name, value in conf.items())
    (tmp_path / "freepbx.conf").write_text(f"<?php\n{lines}require_once('/var/www/html/admin/bootstrap.php');\n")
    environ = {
        "API_SECRET_KEY": KEY, "STORE_URL": "sqlite://", "PBX_DRIVER": "freepbx", "AMI_USERNAME": "u",
        "FREEPBX_CONF_PATH": str(tmp_path / "freepbx.conf"),
    }  # fmt: skip
    app = create_app(Settings.from_environ(environ))

    answer = app.test_client().get("/?cmd=sipextensions", headers={"Authorization": KEY})

    assert answer.get_json()["201"] == {
        "sipdriver": "chan_sip",
        "callerid": "Zoë Şahin 😀 <201>",
        "secret": "f0e1",
    }
    Api(app).close()


def test_a_database_without_the_table_is_unavailable(mariadb: MariaDB) -> None:
    empty = mariadb.create_database("empty")
    made = engine(Login(port=empty.port, username=empty.user, password=empty.password), empty.name)

    with pytest.raises(Unavailable) as raised:
        DatabaseSipExtensions(made).sections()

    assert raised.value.part == "database"
    made.dispose()


def test_a_wrong_password_is_unavailable_and_not_in_the_log(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    made = engine(Login(port=database.port, username=database.user, password="hush"), database.name)

    with pytest.raises(Unavailable), connect(made):
        pass

    assert "1045" in caplog.text
    assert "hush" not in caplog.text
    assert not ready(made)


def test_a_query_that_takes_too_long_is_a_timeout_and_the_next_one_works(made: Engine) -> None:
    with pytest.raises(Timeout), connect(made) as connection:
        connection.execute(text("SELECT SLEEP(20)"))
    with pytest.raises(Timeout), connect(made) as connection:
        connection.execute(text("SET STATEMENT max_statement_time=0.05 FOR SELECT SLEEP(20)"))

    assert ready(made)


def test_a_connection_that_the_server_closed_is_replaced(made: Engine, mariadb: MariaDB) -> None:
    with connect(made) as connection:
        number = connection.execute(text("SELECT CONNECTION_ID()")).scalar_one()
    mariadb.run(f"KILL {number}")

    with connect(made) as connection:
        assert connection.execute(text("SELECT CONNECTION_ID()")).scalar_one() != number


def test_on_this_machine_nothing_is_encrypted(made: Engine) -> None:
    with connect(made) as connection:
        assert connection.execute(text("SHOW STATUS LIKE 'Ssl_cipher'")).one()[1] == ""


def test_localhost_goes_through_the_socket(database: Database, mariadb: MariaDB) -> None:
    path = str(mariadb.run("SELECT @@socket AS path")[0]["path"])
    made = engine(Login(host="localhost", port=1, socket=path), database.name)  # root comes in by it

    with connect(made) as connection:
        assert connection.execute(text("SELECT CURRENT_USER()")).scalar_one() == "root@localhost"
    made.dispose()


def test_a_fault_of_ours_goes_through_as_it_is_and_gives_the_connection_back(made: Engine) -> None:
    for _ in range(20):  # more than the pool holds
        with pytest.raises(ZeroDivisionError), connect(made):
            raise ZeroDivisionError

    assert ready(made)


FORKING = """
import os, sys
from sqlalchemy import text
from pbxapi.db.engine import Login, connect, engine

def number():
    with connect(made) as connection:
        return connection.execute(text("SELECT CONNECTION_ID()")).scalar_one()

made = engine(Login(port=int(sys.argv[1]), username=sys.argv[2], password=sys.argv[3]), "asterisk", timeout=5)
print(number(), flush=True)
if os.fork() == 0:
    print(number(), flush=True)
    os._exit(0)
os.wait()
print(number())
"""


def test_a_child_opens_connections_of_its_own_and_leaves_its_parents_alone(database: Database) -> None:
    command = [sys.executable, "-c", FORKING, str(database.port), database.user, database.password]

    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)

    parent, child, parent_again = done.stdout.split()
    assert parent == parent_again != child


@pytest.mark.parametrize("case", AS_ASTERISK)
def test_our_reader_reads_what_asterisk_reads(asterisk: Asterisk, case: str) -> None:
    files, expected = AS_ASTERISK[case]
    name = f"{case.replace(' ', '-')}.conf"
    write(asterisk.folder / "etc", {name if file == "main.conf" else file: text for file, text in files.items()})

    with RawManager(asterisk.ports.ami) as manager:
        [answer] = manager.ask("GetConfig", Filename=name)

    assert as_sections(answer) == expected
    ours = read(asterisk.folder / "etc" / name)
    assert [(section.name, [f"{n}={v}" for n, v in section.options]) for section in ours] == expected


def as_sections(answer: dict[str, str]) -> list[tuple[str, list[str]]]:
    """The sections that the answer to GetConfig lists."""
    found: dict[str, tuple[str, list[str]]] = {}
    for header, value in answer.items():
        kind, *numbers = header.split("-")
        if kind == "Category":
            found[numbers[0]] = (value, [])
        elif kind == "Line":
            found[numbers[0]][1].append(value)
    return list(found.values())


def test_files_of_the_lab_are_read(asterisk: Asterisk) -> None:
    """Templates and sections of one name, as in a configuration that is in use."""
    phones = [s for s in read(asterisk.folder / "etc/pjsip.conf") if s.name == "100"]

    assert {section.get("type") for section in phones} == {"endpoint", "auth", "aor"}
