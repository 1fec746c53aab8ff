"""`/queues` beside the time in which Asterisk itself lists its queues, and what ten wallboards cost it.

    python -m bench.queues [--queues 50] [--members 10] [--callers 200] [--rounds 7] [--seconds 2]

A real Asterisk 22 with callers who wait and members who talk; the API under gunicorn: on an Asterisk alone, and as on a
FreePBX 17 whose tables (MariaDB) hold the same queues.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench import load, servers
from bench.clients import Raw
from bench.report import Report, ratio, say
from tests.real.asterisk import Asterisk
from tests.real.fetch import fetched
from tests.real.mariadb import MariaDB
from tests.real.platforms import platform_database
from tests.real.raw_manager import RawManager

LIST_GOAL = 1.5
LOAD_GOAL = float(servers.WORKERS)  # each worker has an answer of its own to share
FIRST_QUEUE, FIRST_MEMBER = 4000, 20_000
POLLERS = 10
POLLING = 10.0  # seconds
KEY = (f"Authorization: Bearer {servers.KEY}",)
DIALPLAN = """
[bench]
exten => hold,1,Answer()
 same => n,Wait(3600)
exten => _4XXX,1,Queue(${EXTEN},r)
"""
QUEUE = """
[{name}]
strategy = ringall
ringinuse = no
joinempty = yes
servicelevel = 60
"""
DETAILS = {
    "strategy": "ringall", "timeout": "15", "retry": "5", "wrapuptime": "0", "maxlen": "0", "joinempty": "yes",
    "leavewhenempty": "no", "servicelevel": "60", "weight": "0", "autofill": "yes", "ringinuse": "no",
    "announce-frequency": "0", "announce-holdtime": "no", "announce-position": "no", "autopause": "no",
    "autopausebusy": "no", "autopausedelay": "0", "autopauseunavail": "no", "memberdelay": "0", "monitor-join": "yes",
    "penaltymemberslimit": "0", "periodic-announce-frequency": "0", "queue-callswaiting": "silence/1",
    "queue-thankyou": "", "queue-thereare": "silence/1", "queue-youarenext": "silence/1", "recording": "dontcare",
    "reportholdtime": "no", "rvolume": "", "skip_joinannounce": "", "timeoutpriority": "app", "timeoutrestart": "no",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.queues", description=__doc__.splitlines()[0])
    parser.add_argument("--queues", type=int, default=50, help="(%(default)s)")
    parser.add_argument("--members", type=int, default=10, help="of each queue (%(default)s)")
    parser.add_argument("--callers", type=int, default=200, help="in all (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load at a time (%(default)s)")
    args = parser.parse_args()
    report = Report("queues", vars(args))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-queues-")))
        say(f"starting Asterisk 22 with {args.queues} queues and {args.callers} callers ...")
        server = stack.enter_context(exchange(folder, args))
        mariadb = MariaDB(_made(folder / "mariadb"))
        mariadb.start()
        stack.callback(mariadb.stop)
        proxy = stack.enter_context(Counting(server.ports.ami))
        for name, more in (("alone", {}), ("FreePBX", tables(mariadb, args))):
            environ = servers.environment(_made(folder / name), proxy.port) | more
            code = "import sys; from pbxapi.cli import main; sys.exit(main(['migrate']))"
            subprocess.run([sys.executable, "-c", code], env=environ, check=True, capture_output=True, timeout=60)
            with servers.api(environ) as (port, _):
                measure_list(report, name, server, proxy, port, args)
                measure_pollers(report, name, server, proxy, port)
    report.finish()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextlib.contextmanager
def exchange(folder: Path, args: argparse.Namespace) -> Iterator[Asterisk]:
    """An Asterisk whose queues hold callers, and members that are all in use."""
    root = fetched("22")
    if root is None:
        sys.exit("Asterisk 22 is not there: run `make real`")
    queues = "".join(
        QUEUE.format(name=name) + "".join(f"member => {_interface(n)},0,Agent {n},Custom:busy\n" for n in members)
        for name, members in _queues(args)
    )
    server = Asterisk("22", root, folder / "asterisk", more={"queues.conf": queues, "extensions.conf": DIALPLAN})
    server.start()
    try:
        with RawManager(server.ports.ami) as manager:
            manager.ask("Setvar", Variable="DEVICE_STATE(Custom:busy)", Value="INUSE")
            for caller in range(args.callers):
                queue = str(FIRST_QUEUE + caller % args.queues)
                manager.ask(
                    "Originate", Channel="Local/hold@bench/n", Context="bench", Exten=queue, Priority="1",
                    CallerID=f"Caller {caller} <{5_550_000 + caller}>", Async="true",
                )  # fmt: skip
            _wait_for_callers(server, args.callers)
        yield server
    finally:
        server.stop()


def _wait_for_callers(server: Asterisk, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with RawManager(server.ports.ami) as manager:
            if sum(row.get("Event") == "QueueEntry" for row in manager.ask("QueueStatus")) >= count:
                return
        time.sleep(0.2)
    raise TimeoutError("the callers do not wait")


def _queues(args: argparse.Namespace) -> Iterator[tuple[str, list[int]]]:
    for place in range(args.queues):
        first = FIRST_MEMBER + place * args.members
        yield str(FIRST_QUEUE + place), list(range(first, first + args.members))


def _interface(number: int) -> str:
    return f"Local/{number}@from-queue/n"


def tables(mariadb: MariaDB, args: argparse.Namespace) -> dict[str, str]:
    """FreePBX 17's, with the same queues: 32 keywords and a row a member each. The variables that lead there."""
    place = platform_database(mariadb, "freepbx17", called="asterisk")
    for name, members in _queues(args):
        mariadb.run(
            "INSERT INTO queues_config (extension, descr) VALUES (%s, %s)", name, f"Queue {name}", database=place.name
        )
        rows = [(keyword, data, 0) for keyword, data in DETAILS.items()]
        rows += [("member", f"{_interface(number)},0", flag) for flag, number in enumerate(members)]
        places = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
        values = [value for row in rows for value in (name, *row)]
        statement = f"INSERT INTO queues_details (id, keyword, data, flags) VALUES {places}"
        mariadb.run(statement, *values, database=place.name)
    return {
        "PBX_DRIVER": "freepbx", "DB_HOST": place.host, "DB_PORT": str(place.port), "DB_USERNAME": place.user,
        "DB_PASSWORD": place.password,
    }  # fmt: skip


def measure_list(
    report: Report, name: str, server: Asterisk, proxy: Counting, port: int, args: argparse.Namespace
) -> None:
    """A fresh list by HTTP beside the same on a bare socket that parses nothing."""
    say(f"{name}: list ...")
    raw, target = Raw(server.ports.ami), load.Target(port, "/queues?fresh=1", KEY)
    bare: list[float] = []
    ours: list[float] = []
    actions, answers = 0, 0
    for turn in range(args.rounds + 1):
        times = []
        for _ in range(30):
            began = time.perf_counter()
            raw.queues()
            times.append(time.perf_counter() - began)
        before = proxy.asked
        found = load.put(target.port, target.path, 1, args.seconds, *target.headers)
        if turn:
            bare.append(statistics.median(times))
            ours.append(statistics.median(found.latencies))
            actions += proxy.asked - before
            answers += len(found.latencies) + 1  # one more warms the connection
    report.samples[f"{name}: list"] = {"bare socket": bare, "GET /queues?fresh=1": ours}
    report.at_most(f"{name}: GET /queues?fresh=1, time beside Asterisk's own", ratio(ours, bare), LIST_GOAL)
    report.at_most(f"{name}: QueueStatus for each answer", actions / answers, 1.0, "actions")
    own, whole = statistics.median(bare) * 1000, statistics.median(ours) * 1000
    report.note(f"{name}: Asterisk's own time, ours", f"{own:.1f}, {whole:.1f} ms")


def measure_pollers(report: Report, name: str, server: Asterisk, proxy: Counting, port: int) -> None:
    """Asterisk's processor time, and what it is asked, under one wallboard and under ten."""
    say(f"{name}: wallboards ...")
    asked, used = {}, {}
    for count in (1, POLLERS):
        before, cpu = proxy.asked, _processor(server.pid)
        threads = [threading.Thread(target=_poll, args=(port, place / count)) for place in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asked[count], used[count] = (proxy.asked - before) / POLLING, (_processor(server.pid) - cpu) / POLLING
        report.note(
            f"{name}: {count} wallboards at 1 Hz: questions a second, Asterisk's processor",
            f"{asked[count]:.1f}, {used[count] * 100:.1f} %",
        )
    report.at_most(f"{name}: questions under {POLLERS} wallboards beside one", asked[POLLERS] / asked[1], LOAD_GOAL)


def _poll(port: int, offset: float) -> None:
    time.sleep(offset)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    name, _, value = KEY[0].partition(": ")
    ending = time.monotonic() + POLLING - offset
    while time.monotonic() < ending:
        connection.request("GET", "/queues", headers={name: value})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"/queues: {answer.status}")
        time.sleep(1.0)
    connection.close()


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Counting:
    """A way to the manager that counts what it is asked."""

    def __init__(self, ami_port: int) -> None:
        self._ami_port = ami_port
        self.asked = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Counting:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._ami_port))
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pass_on, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while received := source.recv(262_144):
                if counts:
                    self.asked += received.count(b"Action: QueueStatus\r\n")
                sink.sendall(received)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    main()
