"""What `pbxapi doctor` finds of the login to a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pbxapi.doctor_database import databases
from pbxapi.findings import Finding
from pbxapi.settings import Settings
from tests.real.mariadb import PASSWORD, MariaDB

KEY = "a-key-for-tests-of-32-characters"
NAME = "doctors_calls"


@pytest.fixture
def login(mariadb: MariaDB) -> Iterator[str]:
    """A login with no rights, and the URL of it for a database of call records."""
    mariadb.create_database(NAME, "CREATE TABLE cdr (id INT)", "CREATE TABLE cel (id INT)")
    mariadb.run(f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
    yield f"mysql://reader:{PASSWORD}@127.0.0.1:{mariadb.port}/{NAME}"
    mariadb.run("DROP USER reader@'127.0.0.1'")
    mariadb.run(f"DROP DATABASE {NAME}")


def found(url: str) -> list[Finding]:
    return list(databases(Settings.from_environ({"API_SECRET_KEY": KEY, "CDR_DATABASE_URL": url}), 2, 16))


def test_the_statement_that_it_names_gives_the_right_that_is_lacking(mariadb: MariaDB, login: str) -> None:
    mariadb.run(f"GRANT INSERT ON {NAME}.* TO reader@'127.0.0.1'")
    faults = [each for each in found(login) if each.level == "fault"]
    assert [each.what.rpartition(": ")[2] for each in faults] == ["reader@127.0.0.1 lacks SELECT on cdr"]
    mariadb.run(faults[0].advice.rstrip(";"))
    after = found(login)
    assert not [each for each in after if each.level == "fault"]
    assert [each.advice for each in after if "cel" in each.what] == [
        f"GRANT SELECT ON `{NAME}`.`cel` TO 'reader'@'127.0.0.1';"
    ]


def test_a_login_that_may_do_anything_and_a_server_with_too_few_connections_are_remarks(
    mariadb: MariaDB, login: str
) -> None:
    mariadb.run("GRANT ALL ON *.* TO reader@'127.0.0.1'")
    before = mariadb.run("SELECT @@max_connections AS most")[0]["most"]
    mariadb.run("SET GLOBAL max_connections = 30")
    remarks = " ".join(each.what for each in found(login) if each.level == "remark")
    mariadb.run(f"SET GLOBAL max_connections = {before}")
    assert "may do anything to every database" in remarks
    assert "the database takes 30" in remarks


def test_a_wrong_password_is_a_fault_that_does_not_tell_it(login: str) -> None:
    [fault, *_] = found(login.replace(PASSWORD, "hunter2"))
    assert fault.level == "fault"
    assert "Access denied" in fault.advice
    assert "hunter2" not in fault.what + fault.advice


def test_a_server_that_is_not_there_is_a_fault() -> None:
    [fault] = found("mysql://reader:hunter2@127.0.0.1:1/calls")
    assert (fault.level, "hunter2" in fault.what + fault.advice) == ("fault", False)
