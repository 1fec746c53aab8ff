"""Real servers for the tests in this folder, and what is done before and after each of them.

``mariadb``, ``asterisk22`` and ``asterisk16`` live for the whole session; ``asterisk`` is the one after the other.
``exchange`` is for conformance tests: the same test on every exchange of ``EXCHANGES``, phones registered, nothing
running. ``platform`` is FreePBX or Issabel: its tables, a real Asterisk, a stand-in for its reload. Without real
components a test is skipped, and says what to do; with ``PBXAPI_REQUIRE_REAL=1`` it fails.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.real import required
from tests.real.api import Api, app_for, settings_for
from tests.real.asterisk import Asterisk
from tests.real.cdr_table import CdrTable
from tests.real.configuration import TEMPLATES
from tests.real.exchange import EXCHANGES, ROLES, Exchange, start_demo, with_phones
from tests.real.mariadb import MariaDB
from tests.real.platform_exchange import KINDS, Kind, PlatformExchange, started
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


@pytest.fixture(scope="session")
def cdr_tables(mariadb: MariaDB) -> Iterator[Callable[[str], CdrTable]]:
    """Tables of call records by their variant (tests/real/cdr_table.py), each made once, and emptied when asked for."""
    made: dict[str, CdrTable] = {}

    def table(variant: str) -> CdrTable:
        if variant not in made:
            made[variant] = CdrTable(mariadb, variant)
        made[variant].clear()
        return made[variant]

    yield table
    for each in made.values():
        each.close()


def _asterisk(version: str, request: pytest.FixtureRequest, paths: pytest.TempPathFactory) -> Iterator[Asterisk]:
    root = required.unpacked_asterisk(version)
    mariadb: MariaDB | None = request.getfixturevalue("_mariadb")
    calls = None
    if mariadb is not None:
        calls = mariadb.create_database(f"calls{version}", (TEMPLATES / "database/cdr.sql").read_text())
    server = Asterisk(version, root, paths.mktemp(f"asterisk{version}-"), database=calls)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def asterisk22(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asterisk]:
    """Asterisk 22: chan_pjsip and chan_iax2. Without MariaDB it runs too, and writes no call records."""
    yield from _asterisk("22", request, tmp_path_factory)


@pytest.fixture(scope="session")
def asterisk16(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asterisk]:
    """Asterisk 16: chan_pjsip, chan_sip and chan_iax2."""
    yield from _asterisk("16", request, tmp_path_factory)


@pytest.fixture
def new_asterisk(tmp_path: Path) -> Iterator[Callable[..., Asterisk]]:
    """Make a server for a test that would spoil the shared one: ``new_asterisk("22", more={...}).start()``."""
    with contextlib.ExitStack() as servers:

        def make(version: str, *, more: Mapping[str, str] | None = None) -> Asterisk:
            server = Asterisk(version, required.unpacked_asterisk(version), tmp_path / "asterisk", more=more)
            servers.callback(server.stop)
            return server

        yield make


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


@pytest.fixture
def api(exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]) -> Api:
    """The application over the exchange, with a store of its own."""
    return apps(exchange, tmp_path / "store.db")


@pytest.fixture
def apps() -> Iterator[Callable[..., Api]]:
    """Make applications: ``apps(exchange, store_path, ARI_ENABLED="true")``; they are closed after the test."""
    made: list[Api] = []

    def make(exchange: Exchange, store: Path, **more: str) -> Api:
        made.append(Api(app_for(settings_for(exchange, store, **more))))
        return made[-1]

    yield make
    for api in made:
        api.close()


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def _platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformExchange]:
    """With a MariaDB of its own: the database of every platform is called ``asterisk``."""
    kind: Kind = request.param
    required.program("mariadbd")
    folder = tmp_path_factory.mktemp(kind.name)
    (folder / "mariadb").mkdir()
    server = MariaDB(folder / "mariadb")
    server.start()
    try:
        with started(kind, server, folder) as exchange:
            yield exchange
    finally:
        server.stop()


@pytest.fixture
def platform(_platform: PlatformExchange) -> Iterator[PlatformExchange]:
    """A FreePBX or an Issabel without extensions; what a test leaves is taken away."""
    yield _platform
    _platform.clear()


@pytest.fixture
def platform_api(platform: PlatformExchange, tmp_path: Path) -> Iterator[Api]:
    """The application over it, with a store of its own."""
    api = Api(app_for(platform.settings(tmp_path / "store.db")))
    yield api
    api.close()


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


NEED_REAL = {
    "mariadb", "cdr_tables", "asterisk", "asterisk22", "asterisk16", "new_asterisk", "exchange", "nginx", "sipp",
    "platform", "redis",
}  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "real_component: needs a real component (set by itself, from the fixtures of the test)"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and NEED_REAL.intersection(item.fixturenames):
            callspec = getattr(item, "callspec", None)
            if callspec is None or callspec.params.get("_exchange") != "demo":
                item.add_marker("real_component")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many real tests ran, and how many did not."""
    counts = {
        outcome: sum("real_component" in report.keywords for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "failed", "error", "skipped")
    }
    if any(counts.values()):
        terminalreporter.section("real components")
        terminalreporter.line(", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count))
