from __future__ import annotations

from pathlib import Path

import pytest

from pbxapi.db.engine import Login
from pbxapi.db.login import freepbx_login, issabel_login

DEFAULT = Login(host="127.0.0.1", port=3306, username="root", charset="utf8mb4")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "platform.conf"


class TestFreepbx:
    def test_takes_host_user_and_password_of_the_file(self, path: Path) -> None:
        path.write_text(
            "<?php\n$amp_conf['AMPDBUSER'] = 'u';\n$amp_conf['AMPDBPASS'] = 'p';\n$amp_conf['AMPDBHOST'] = 'db';\n"
        )

        assert freepbx_login(DEFAULT, str(path)) == Login(host="db", port=3306, username="u", password="p")

    def test_takes_port_and_socket_where_they_are_given(self, path: Path) -> None:
        path.write_text("$amp_conf['AMPDBPORT'] = '3307'; $amp_conf['AMPDBSOCK'] = '/s'; $amp_conf['AMPDBPASS'] = 'p';")

        found = freepbx_login(DEFAULT, str(path))

        assert (found.host, found.port, found.socket, found.username) == ("127.0.0.1", 3307, "/s", "root")

    def test_takes_the_name_of_the_database_that_the_file_gives(self, path: Path) -> None:
        path.write_text("$amp_conf['AMPDBNAME'] = 'freepbx'; $amp_conf['AMPDBPASS'] = 'p';")

        assert freepbx_login(DEFAULT, str(path)).database == "freepbx"

    def test_a_configured_password_goes_before_the_file(self, path: Path) -> None:
        path.write_text("$amp_conf['AMPDBPASS'] = 'other';")
        configured = Login(password="configured")

        assert freepbx_login(configured, str(path)) is configured

    @pytest.mark.parametrize("text", [None, "$amp_conf['AMPDBPORT'] = 'socket';", " " * 2_000_000])
    def test_a_file_that_cannot_be_used_is_an_error_in_the_log(
        self, path: Path, caplog: pytest.LogCaptureFixture, text: str | None
    ) -> None:
        if text is not None:
            path.write_text(text)

        assert freepbx_login(DEFAULT, str(path)) == DEFAULT
        assert "FREEPBX_CONF_PATH" in caplog.text


class TestIssabel:
    def test_takes_all_that_follows_the_first_equals_sign(self, path: Path) -> None:
        path.write_text("cyrususerpwd=x\nmysqlrootpwd=a=b #c \r\namiadminpwd=y\n")

        assert issabel_login(DEFAULT, str(path)) == Login(password="a=b #c ")

    def test_a_password_that_is_not_utf_8_is_sent_as_it_stands(self, path: Path) -> None:
        path.write_bytes(b"mysqlrootpwd=p\xe4ss\n")

        assert issabel_login(DEFAULT, str(path)).password.encode("utf-8", "surrogateescape") == b"p\xe4ss"

    def test_a_configured_password_goes_before_the_file(self, path: Path) -> None:
        path.write_text("mysqlrootpwd=other\n")
        configured = Login(username="crm", password="configured")

        assert issabel_login(configured, str(path)) is configured

    @pytest.mark.parametrize("text", [None, "amiadminpwd=x\n# mysqlrootpwd=y\n"])
    def test_a_file_without_it_is_an_error_in_the_log(
        self, path: Path, caplog: pytest.LogCaptureFixture, text: str | None
    ) -> None:
        if text is not None:
            path.write_text(text)

        assert issabel_login(DEFAULT, str(path)) == DEFAULT
        assert "ISSABEL_CONF_PATH" in caplog.text


def test_no_password_is_in_a_repr() -> None:
    assert "hush" not in repr(Login(password="hush"))
