"""Provisioning, beside the plain way: the same rows and entries of AstDB, by hand and with no checks at all.

    python -m bench.provision [--extensions 1000] [--rounds 3]

FreePBX 17's schema on a real MariaDB, AstDB of a real Asterisk 22; the application is called in process. The plain way
is PyMySQL's executemany and DBPut on a bare socket, all sent before any answer is read. On an Asterisk alone: from the
POST to `200 OK` of a REGISTER.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pymysql

from bench.report import Report, ratio, say
from pbxapi.pbx.plan import Plan
from pbxapi.pbx.provisioning import Operation, Write
from tests.real.api import Api, app_for
from tests.real.mariadb import MariaDB
from tests.real.plain_exchange import PlainExchange, plain_exchange
from tests.real.platform_exchange import KINDS, PlatformExchange, started

BATCH_GOAL = 1.5
ONE_BY_ONE_GOAL = 200.0
RELOADS = 20
ROUNDS = 9
FIRST = 10_000
MEMORY_GOAL = 5.0
"""Megabytes that the process may grow by."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.provision", description=__doc__.splitlines()[0])
    parser.add_argument("--extensions", type=int, default=1000, help="how many (%(default)s; at most 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (%(default)s)")
    args = parser.parse_args()
    report = Report("provision", vars(args))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-provision-")))
        mariadb = MariaDB(_made(folder / "mariadb"))
        mariadb.start()
        stack.callback(mariadb.stop)
        with started(KINDS[0], mariadb, _made(folder / "freepbx")) as exchange:
            _platform(report, exchange, folder, args)
        for version in ("22", "16"):
            with plain_exchange(version, mariadb, _made(folder / f"plain-{version}")) as plain:
                for kind in ("realtime", "file"):
                    _registering(report, plain, f"{version}, {kind}", folder, args.extensions)
    report.finish()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _bodies(count: int) -> list[dict[str, str]]:
    return [{"extension": str(FIRST + place), "name": f"Person {place}"} for place in range(count)]


def _platform(report: Report, exchange: PlatformExchange, folder: Path, args: argparse.Namespace) -> None:
    with _api(exchange, folder) as api:
        bodies = _bodies(args.extensions)
        operations = [Operation("create", body["extension"], body) for body in bodies]
        plan = api.app.extensions["pbxapi"].pbx.extensions.write(operations, Write(dry_run=True)).plan
        ways: dict[str, Callable[[], object]] = {
            "by hand": lambda: by_hand(exchange, plan),
            "batch": lambda: _batch(api, bodies),
            "one by one": lambda: [api.post("/extensions?apply=false", body, status=201) for body in bodies],
            "CSV": lambda: _import(exchange, folder, bodies),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(args.rounds):
            for name, way in ways.items():
                exchange.clear()
                say(f"{args.extensions} extensions, {name} ...")
                took[name].append(_seconds(way))
        report.samples["platform"] = took
        for name, seconds in took.items():
            report.note(f"{args.extensions} extensions, {name}", f"{statistics.median(seconds):.2f} s")
        report.at_most("batch beside by hand", ratio(took["batch"], took["by hand"]), BATCH_GOAL)
        report.note("CSV beside by hand, a process of its own", f"{ratio(took['CSV'], took['by hand']):.1f} x")
        rate = args.extensions / statistics.median(took["one by one"])
        report.at_least("one by one, apply=false", rate, ONE_BY_ONE_GOAL, "a second")
        exchange.clear()
        some = bodies[:RELOADS]
        each = _seconds(lambda: [api.post("/extensions", body, status=201) for body in some]) / RELOADS
        report.note("one reload (the stand-in's) an extension", f"{each:.2f} s each, of {RELOADS}")
        _memory(report, exchange, api, bodies)


def _memory(report: Report, exchange: PlatformExchange, api: Api, bodies: list[dict[str, str]]) -> None:
    grown = []
    for _ in range(4):
        exchange.clear()
        _batch(api, bodies)
        gone = [{"op": "delete", "number": body["extension"]} for body in bodies]
        api.post("/extensions/batch?apply=false", {"operations": gone}, status=200)
        grown.append(_resident())
    report.samples["memory"] = grown
    report.at_most("growth over three more batches made and deleted", max(0.0, grown[-1] - grown[0]), MEMORY_GOAL, "MB")


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def _api(exchange: PlatformExchange, folder: Path) -> Iterator[Api]:
    api = Api(app_for(exchange.settings(folder / "store.db", LOG_PATH=str(folder / "api.log"))))
    yield api
    api.close()


def _batch(api: Api, bodies: list[dict[str, str]], apply: str = "false") -> None:
    operations = [{"op": "create", "extension": body} for body in bodies]
    api.post(f"/extensions/batch?apply={apply}", {"operations": operations}, status=200)


def _import(exchange: PlatformExchange, folder: Path, bodies: list[dict[str, str]]) -> None:
    """The command, its start among it."""
    csv = folder / "people.csv"
    csv.write_text("extension,name\n" + "".join(f"{body['extension']},{body['name']}\n" for body in bodies))
    environ = {**os.environ, **exchange._environ(), "STORE_URL": f"sqlite:///{folder}/store.db"}
    command = [sys.executable, "-m", "pbxapi", "extensions", "import", str(csv), "--no-apply"]
    subprocess.run(command, env=environ, check=True, capture_output=True, timeout=300)


def by_hand(exchange: PlatformExchange, plan: Plan) -> None:
    """What the plan writes, as a script would that knows it all beforehand."""
    place = exchange.database
    inserts: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}
    for row in plan.rows:
        values = {**row.key, **(row.after or {})}
        if row.before is None:
            inserts.setdefault((row.table, tuple(values)), []).append(tuple(values.values()))
    connection = pymysql.connect(
        host=place.host, port=place.port, user=place.user, password=place.password, database=place.name
    )
    with connection, connection.cursor() as cursor:
        for (table, columns), rows in inserts.items():
            names = ", ".join(f"`{name}`" for name in columns)
            cursor.executemany(f"INSERT INTO `{table}` ({names}) VALUES ({', '.join(['%s'] * len(columns))})", rows)
        _put(exchange.asterisk.ports.ami, plan)
        connection.commit()


def _put(port: int, plan: Plan) -> None:
    login = "Action: Login\r\nUsername: api\r\nSecret: api-secret\r\nEvents: off\r\n\r\n"
    puts = [f"Action: DBPut\r\nFamily: {k.family}\r\nKey: {k.key}\r\nVal: {k.after}\r\n\r\n" for k in plan.keys]
    with socket.create_connection(("127.0.0.1", port), 30) as wire:
        wire.sendall(login.encode())
        sent, answered = 0, b""
        for first in range(0, len(puts), 200):
            some = puts[first : first + 200]
            wire.sendall("".join(some).encode())
            sent += len(some)
            while answered.count(b"Updated database successfully") < sent:
                received = wire.recv(65536)
                if not received:
                    raise ConnectionError("the manager went away")
                answered += received
            answered, sent = b"", 0


def _registering(report: Report, exchange: PlainExchange, name: str, folder: Path, most: int) -> None:
    kind = name.rpartition(" ")[2]
    api = Api(
        app_for(exchange.settings(folder / f"{name}.db", kind, ACCESS_LOG="false", LOG_PATH=str(folder / "api.log")))
    )
    for among in (0, most):
        say(f"POST to REGISTER, Asterisk {name}, among {among} ...")
        if among:
            report.note(f"batch of {among}, {name}", f"{_seconds(partial(_batch, api, _bodies(among), 'true')):.1f} s")
        took = [_until_registered(exchange, api, str(500 + place)) for place in range(ROUNDS)]
        report.samples[f"register {name} {among}"] = took
        where = f"among {among}" if among else "alone"
        words = f"{statistics.median(took) * 1000:.0f} ms (at most {max(took) * 1000:.0f})"
        report.note(f"POST to 200 OK of REGISTER, {name}, {where}", words)
    api.close()
    exchange.clear()


def _until_registered(exchange: PlainExchange, api: Api, number: str) -> float:
    """Seconds. Raises RuntimeError when the phone is refused."""
    began = time.perf_counter()
    made = api.post("/extensions", {"extension": number, "name": "Alice"}, status=201)
    status = exchange.phone(number, made["secret"]).register()
    took = time.perf_counter() - began
    if status != 200:
        raise RuntimeError(f"{number} was refused: {status}")
    api.send("DELETE", f"/extensions/{number}?force=true", status=200)
    return took


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
