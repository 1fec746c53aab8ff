"""Without a database. What a real one makes of it is in tests/real/test_sip_extensions.py."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import Engine, event

from pbxapi.db import engine as module
from pbxapi.db.engine import Login, connect, engine, ready
from pbxapi.errors import Timeout, Unavailable


def test_nothing_is_connected_before_it_is_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        engine(Login(port=server.getsockname()[1]), "asterisk")

        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_server_that_is_not_there_is_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    made = engine(Login(port=port, username="crm", password="hush"), "asterisk")

    with pytest.raises(Unavailable) as raised, connect(made):
        pass

    assert raised.value.part == "database"
    assert "127.0.0.1" not in str(raised.value)
    assert "OperationalError 2003" in caplog.text
    assert "hush" not in caplog.text + repr(made) + repr(raised.value.__cause__)
    assert ready(made) is False


def test_a_server_that_never_greets_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = engine(Login(port=server.getsockname()[1]), "asterisk", timeout=0.2)

        with pytest.raises(Timeout), connect(made):
            pass


@pytest.mark.parametrize(
    ("login", "local"),
    [
        (Login(), True),
        (Login(host="localhost"), True),
        (Login(host="127.8.0.1"), True),
        (Login(host="::1"), True),
        (Login(host="10.0.0.1", socket="/s"), True),
        (Login(host="10.0.0.1"), False),
        (Login(host="db.example.com"), False),
    ],
)
def test_what_stays_on_this_machine_is_not_encrypted_unless_asked(login: Login, local: bool) -> None:
    by_itself, asked, forbidden = (sent(engine(login, "asterisk", tls=tls)) for tls in (None, True, False))

    assert by_itself.get("ssl_disabled", False) is local
    assert (asked.get("ssl_disabled"), asked["ssl_verify_cert"], asked["ssl_verify_identity"]) == (None, True, True)
    assert forbidden["ssl_disabled"] is True


def test_every_wait_has_an_end() -> None:
    options = sent(engine(Login(), "asterisk", timeout=0.7))

    assert (options["connect_timeout"], options["read_timeout"], options["write_timeout"]) == (3, 0.7, 0.7)


def test_a_password_is_sent_in_the_bytes_it_was_written_in() -> None:
    assert sent(engine(Login(password="pä$şs"), "asterisk"))["password"] == "pä$şs".encode()
    assert sent(engine(Login(password="p\udce4ss"), "asterisk"))["password"] == b"p\xe4ss"


def test_localhost_is_the_servers_socket_as_soon_as_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    monkeypatch.setattr(module, "SOCKETS", (str(tmp_path / "other"), str(path)))
    by_name, by_address = engine(Login(host="localhost"), "asterisk"), engine(Login(), "asterisk")
    path.write_text("no socket")
    assert "unix_socket" not in sent(by_name)
    path.unlink()

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))

        assert sent(by_name)["unix_socket"] == str(path)
        assert "unix_socket" not in sent(by_address)


def test_a_socket_that_is_named_is_taken() -> None:
    assert (
        sent(engine(Login(host="localhost", socket="/run/other.sock"), "asterisk"))["unix_socket"] == "/run/other.sock"
    )


class Stopped(Exception):
    pass


def sent(made: Engine) -> dict[str, Any]:
    """What the driver is given to connect with."""
    found: dict[str, Any] = {}

    def stop(dialect: object, record: object, arguments: object, options: dict[str, Any]) -> NoReturn:
        found.update(options)
        raise Stopped

    event.listen(made, "do_connect", stop)
    try:
        with pytest.raises(Stopped), made.connect():
            pass
    finally:
        event.remove(made, "do_connect", stop)
    return found
