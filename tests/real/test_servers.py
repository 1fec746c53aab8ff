"""The servers themselves: they boot, listen where they should, die and come back."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.asterisk import Asterisk
from tests.real.deadline import eventually
from tests.real.raw_manager import RawManager


def test_the_server_is_of_the_version_asked_for(asterisk: Asterisk) -> None:
    with RawManager(asterisk.ports.ami) as manager:
        assert manager.ask("CoreSettings")[0]["AsteriskVersion"].startswith(f"{asterisk.version}.")


def test_each_version_has_the_channel_drivers_that_tests_rely_on(asterisk: Asterisk) -> None:
    modules = asterisk.command("module show")
    assert "chan_pjsip.so" in modules
    assert "chan_iax2.so" in modules
    assert ("chan_sip.so" in modules) == (asterisk.version == "16")


def test_iax_peer_is_listed_on_a_port_of_its_own(asterisk: Asterisk) -> None:
    with RawManager(asterisk.ports.ami) as manager:
        names = [row.get("ObjectName") for row in manager.ask("IAXpeerlist")]
    assert "iaxphone" in names
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, pytest.raises(OSError, match="in use"):
        probe.bind(("127.0.0.1", asterisk.ports.iax))


def test_the_trunk_registers_with_the_server_itself(asterisk: Asterisk) -> None:
    def state() -> str:
        with RawManager(asterisk.ports.ami) as manager:
            rows = manager.ask("PJSIPShowRegistrationsOutbound")
        return next(row["Status"] for row in rows if row.get("Event") == "OutboundRegistrationDetail")

    eventually(lambda: state() == "Registered", "the trunk is registered")


def test_tls_port_shows_a_certificate_that_its_ca_file_verifies(asterisk: Asterisk) -> None:
    context = ssl.create_default_context(cafile=str(asterisk.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", asterisk.ports.ami_tls), 5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as session,
    ):
        assert session.recv(100).startswith(b"Asterisk Call Manager/")


@pytest.mark.parametrize(
    ("username", "allowed", "refused"),
    [
        ("least", "PJSIPShowEndpoints", "Command"),
        ("nosystem", "CoreShowChannels", "PJSIPShowEndpoints"),
        ("readonly", "PJSIPShowEndpoints", "Originate"),
    ],
)
def test_manager_users_lack_the_rights_they_are_there_to_lack(
    asterisk: Asterisk, username: str, allowed: str, refused: str
) -> None:
    with RawManager(asterisk.ports.ami, username=username, secret=f"{username}-secret") as manager:
        assert manager.ask(allowed)[0]["Response"] == "Success"
        assert manager.ask(refused)[0]["Message"] == "Permission denied"


def test_a_killed_server_comes_back_on_the_same_ports(asterisk: Asterisk) -> None:
    ports = asterisk.ports
    asterisk.kill()
    with pytest.raises(ConnectionRefusedError):
        RawManager(ports.ami)
    asterisk.start()
    with RawManager(ports.ami) as manager:
        assert manager.ask("Ping")[0]["Response"] == "Success"


def test_a_paused_server_takes_connections_and_says_nothing_until_it_is_resumed(asterisk: Asterisk) -> None:
    asterisk.pause()
    try:
        with pytest.raises(TimeoutError):
            RawManager(asterisk.ports.ami, timeout=0.3)
    finally:
        asterisk.resume()
    with RawManager(asterisk.ports.ami) as manager:
        assert manager.ask("Ping")[0]["Response"] == "Success"


def test_a_server_stops_in_order_and_leaves_its_ports_free(new_asterisk: Callable[..., Asterisk]) -> None:
    server = new_asterisk("22")
    server.start()
    pid = server.pid
    with RawManager(server.ports.ami, events="on") as manager:
        server.stop()
        assert manager.wait_event("Shutdown")["Shutdown"] == "Cleanly"
    assert not Path(f"/proc/{pid}").exists()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", server.ports.sip))


def test_a_server_that_cannot_start_says_so_at_once(new_asterisk: Callable[..., Asterisk]) -> None:
    server = new_asterisk("22", more={"modules.conf": "\nrequire = no_such_module.so\n"})
    with pytest.raises(RuntimeError, match="ended while it started"):
        server.start()
    assert not server.running
