"""What SHOW GRANTS says, of MariaDB 10.11 and MySQL 8.4."""

from __future__ import annotations

import pytest

from pbxapi.db.grants import Session, parse

WANTED = ("SELECT", "INSERT")


def session(*lines: str) -> Session:
    return Session("pbxapi@localhost", parse(lines), encrypted=False, connections=None)


@pytest.mark.parametrize(
    ("line", "lacking"),
    [
        ("GRANT USAGE ON *.* TO `pbxapi`@`localhost` IDENTIFIED BY PASSWORD '*81F5'", ["SELECT", "INSERT"]),
        ("GRANT SELECT, INSERT, UPDATE ON `asterisk`.* TO `pbxapi`@`localhost`", []),
        ("GRANT SELECT ON `asterisk`.* TO `pbxapi`@`localhost`", ["INSERT"]),
        ("GRANT SELECT, INSERT ON `asterisk`.`users` TO `pbxapi`@`localhost`", []),
        ("GRANT SELECT, INSERT ON `asterisk`.`devices` TO `pbxapi`@`localhost`", ["SELECT", "INSERT"]),
        ("GRANT SELECT, INSERT ON `asteriskcdrdb`.* TO `pbxapi`@`localhost`", ["SELECT", "INSERT"]),
        ("GRANT SELECT, INSERT ON `aster%`.* TO `pbxapi`@`localhost`", []),
        (r"GRANT SELECT, INSERT ON `asteris\_`.* TO `pbxapi`@`localhost`", ["SELECT", "INSERT"]),
        ("GRANT ALL PRIVILEGES ON `asterisk`.* TO 'pbxapi'@'localhost'", []),
        ("GRANT SELECT (`id`, `tech`), INSERT ON `asterisk`.`users` TO `pbxapi`@`localhost`", ["SELECT"]),
        ("GRANT SELECT, INSERT ON *.* TO `pbxapi`@`localhost` WITH GRANT OPTION", []),
        ("GRANT PROXY ON ''@'%' TO 'pbxapi'@'localhost' WITH GRANT OPTION", ["SELECT", "INSERT"]),
        ("GRANT `writer`@`%` TO `pbxapi`@`localhost`", ["SELECT", "INSERT"]),
    ],
)
def test_what_is_lacking_on_a_table(line: str, lacking: list[str]) -> None:
    assert session(line).lacks(WANTED, "asterisk", "users") == lacking


def test_rights_add_up() -> None:
    found = session("GRANT SELECT ON *.* TO `a`@`%`", "GRANT INSERT ON `asterisk`.`users` TO `a`@`%`")
    assert found.lacks(WANTED, "asterisk", "users") == []
    assert found.lacks(WANTED, "asterisk", "devices") == ["INSERT"]


def test_who_may_do_anything_is_seen() -> None:
    assert session("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION").may_all
    assert not session("GRANT ALL PRIVILEGES ON `asterisk`.* TO `a`@`localhost`").may_all
