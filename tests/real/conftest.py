"""Real servers for the tests in this folder, and what is done before and after each of them.

``mariadb``, ``asterisk22`` and ``asterisk16`` live for the whole session; ``asterisk`` is the one after the other.
``exchange`` is for conformance tests: the same test on every exchange of ``EXCHANGES``, phones registered, nothing
running. Without the real components a test is skipped, and says what to do; with ``PBXAPI_REQUIRE_REAL=1`` it fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real import required
from tests.real.asterisk import Asterisk
from tests.real.configuration import TEMPLATES
from tests.real.exchange import EXCHANGES, ROLES, Exchange, start_demo, with_phones
from tests.real.mariadb import MariaDB
from tests.real.raw_manager import hang_up_all, live_channels


@pytest.fixture(scope="session")
def _mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB | None]:
    if required.find_program("mariadbd") is None:
        yield None
        return
    server = MariaDB(tmp_path_factory.mktemp("mariadb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb(_mariadb: MariaDB | None) -> MariaDB:
    """A private MariaDB. Each Asterisk writes its call records to ``asterisk.database`` in it."""
    return _mariadb or required.missing("mariadbd", "apt install mariadb-server")


def _asterisk(version: str, database: MariaDB | None, paths: pytest.TempPathFactory) -> Iterator[Asterisk]:
    root = required.unpacked_asterisk(version)
    calls = None
    if database is not None:
        calls = database.create_database(f"calls{version}", (TEMPLATES / "database/cdr.sql").read_text())
    server = Asterisk(version, root, paths.mktemp(f"asterisk{version}-"), database=calls)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def asterisk22(_mariadb: MariaDB | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asterisk]:
    """Asterisk 22: chan_pjsip and chan_iax2. Without MariaDB it runs too, and writes no call records."""
    yield from _asterisk("22", _mariadb, tmp_path_factory)


@pytest.fixture(scope="session")
def asterisk16(_mariadb: MariaDB | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asterisk]:
    """Asterisk 16: chan_pjsip, chan_sip and chan_iax2."""
    yield from _asterisk("16", _mariadb, tmp_path_factory)


@pytest.fixture(scope="session", params=["22", "16"])
def asterisk(request: pytest.FixtureRequest) -> Asterisk:
    server: Asterisk = request.getfixturevalue(f"asterisk{request.param}")
    return server


@pytest.fixture(scope="session", params=EXCHANGES)
def _exchange(request: pytest.FixtureRequest) -> Iterator[Exchange]:
    if request.param == "demo":
        with start_demo() as demo:
            yield demo
        return
    with with_phones(request.getfixturevalue(f"asterisk{request.param}")) as real:
        yield real


@pytest.fixture
def exchange(_exchange: Exchange, _registered: dict[str, int]) -> Iterator[Exchange]:
    """One exchange with the phones of ROLES. What a test changes in a phone, kills or leaves running is put right."""
    if _exchange.asterisk:
        _exchange.asterisk.ensure_running()
    _prepare_phones(_exchange, _registered)
    with _exchange.manager() as manager:
        before = frozenset(live_channels(manager))  # none, but in the demo
    yield _exchange
    if _exchange.asterisk:
        _exchange.asterisk.ensure_running()
    with _exchange.manager() as manager:
        hang_up_all(manager, but=before)
    for phone in _exchange.phones.values():
        phone.forget_calls()


@pytest.fixture(scope="session")
def _registered() -> dict[str, int]:
    """The boot of each server in which its phones were last registered: a killed one may forget them."""
    return {}


def _prepare_phones(exchange: Exchange, registered: dict[str, int]) -> None:
    boots = exchange.asterisk.boots if exchange.asterisk else 0
    for number, phone in exchange.phones.items():
        role = ROLES[number]
        phone.answer_after, phone.reject = role.answer_after, role.reject
        if role.registered and (registered.get(exchange.name) != boots or not phone.registered):
            status = phone.register()
            assert status == 200, f"phone {number} cannot register: {status}"
        elif not role.registered and phone.registered:
            phone.unregister()
    registered[exchange.name] = boots


@pytest.fixture(scope="session")
def sipp() -> Path:
    return Path(required.program("sipp"))


@pytest.fixture(scope="session")
def nginx() -> Path:
    return Path(required.program("nginx"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many real tests ran, and how many did not."""
    counts = {
        outcome: sum(report.nodeid.startswith("tests/real/") for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "failed", "error", "skipped")
    }
    if any(counts.values()):
        terminalreporter.section("real components")
        terminalreporter.line(", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count))
