"""FreePBX 17's table `cdr` on a MariaDB of our own, with the shipped indexes and a year of plausible calls.

About 30 extensions, 200,000 numbers outside, three queues, office hours, weekends. The same rows each time, up to
today's first moment, in UTC.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymysql

from bench.report import say
from tests.real.cdr_table import SCHEMAS, database_url
from tests.real.configuration import Database
from tests.real.mariadb import PASSWORD, USER, MariaDB

NAME = "benchcdr"
DAYS = 365
EXTENSIONS = [str(number) for number in range(200, 230)]
QUEUES = ("400", "401", "402")
NUMBERS = 200_000
ROWS_A_CALL = 2.115  # what comes of the kinds of calls below
HOURS = [1, 1, 1, 1, 1, 2, 6, 25, 70, 100, 105, 95, 60, 80, 95, 90, 80, 50, 25, 12, 8, 5, 3, 2]
WEEKEND = 0.12
BUFFER_POOL = 512 << 20
RARE = "CONGESTION"


@dataclass(frozen=True)
class Table:
    """Where the rows are. They are of the year up to `end`; `number` is one that many of them were made to."""

    server: MariaDB
    place: Database
    rows: int
    end: datetime
    number: str

    @property
    def url(self) -> str:
        """What CDR_DATABASE_URL is to say."""
        return database_url(self.place)

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as root, however long it takes."""
        with _root(self.server) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


@contextlib.contextmanager
def table(rows: int, kept: Path | None) -> Iterator[Table]:
    """Start the server, and fill the table unless `kept`, a folder to keep it in, holds that many rows already."""
    with contextlib.ExitStack() as stack:
        folder = kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-cdr-")))
        folder.mkdir(exist_ok=True)
        server = MariaDB(folder)
        server.start()
        stack.callback(server.stop)
        server.run(f"SET GLOBAL innodb_buffer_pool_size = {BUFFER_POOL}")
        noted = folder / "loaded"
        end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if noted.exists():
            loaded, said = noted.read_text().split()
            if int(loaded) != rows:
                raise SystemExit(f"{folder} holds {loaded} rows: take another folder for {rows}")
            end = datetime.fromisoformat(said)
        else:
            say(f"loading {rows:,} call records ...")
            _load(server, rows, end)
            noted.write_text(f"{rows} {end.isoformat()}")
        place = Database("127.0.0.1", server.port, NAME, USER, PASSWORD)
        yield Table(server, place, rows, end, _numbers()[7])


def _load(server: MariaDB, rows: int, end: datetime) -> None:
    """The indexes are made in the end: that takes a third of the time."""
    lines = (SCHEMAS / "freepbx17.sql").read_text().split(";\n")[0].splitlines()
    keys = [line.strip().rstrip(",") for line in lines if line.strip().startswith("KEY")]
    columns = [line.strip().rstrip(",") for line in lines[1:-1] if not line.strip().startswith("KEY")]
    server.create_database(NAME, f"CREATE TABLE cdr ({', '.join(columns)}) ENGINE=InnoDB")
    command = [
        *("mariadb", "--no-defaults", f"--socket={server.folder / 'socket'}", "--user=root", "--local-infile=1", NAME),
        "--execute=SET unique_checks = 0; LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE cdr CHARACTER SET utf8mb4",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as client:
        assert client.stdin is not None
        client.stdin.writelines(lines_of(rows, end))
        client.stdin.close()
        if client.wait(600):
            raise RuntimeError("the rows cannot be loaded")
    say("the indexes that FreePBX ships ...")
    with _root(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE cdr {', '.join(f'ADD {key}' for key in keys)}")
        cursor.execute("ANALYZE TABLE cdr")


def _root(server: MariaDB) -> pymysql.Connection:
    return pymysql.connect(
        unix_socket=str(server.folder / "socket"), user="root", database=NAME, autocommit=True, read_timeout=900
    )


def _numbers() -> list[str]:
    drawn = random.Random(1)
    return [f"0{number}" for number in drawn.sample(range(20_000_000, 999_999_999), NUMBERS)]


def lines_of(rows: int, end: datetime) -> Iterator[str]:
    """So many rows, as LOAD DATA reads them, in the order of their calls."""
    calls = _Calls(_numbers())
    first = end - timedelta(days=DAYS)
    hours = [first + timedelta(hours=hour) for hour in range(DAYS * 24)]
    weights = [HOURS[hour.hour] * (WEEKEND if hour.weekday() > 4 else 1.0) for hour in hours]
    a_weight = rows / ROWS_A_CALL / sum(weights)
    left, owed = rows, 0.0
    for hour, weight in zip(hours, weights, strict=True):
        owed += a_weight * weight
        count, owed = int(owed), owed % 1
        if hour == hours[-1]:
            count += left  # whatever is missing
        calls.begin(hour)
        for second in sorted([int(calls.draw() * 3600) for _ in range(count)]):
            lines = calls.lines(second)[:left]
            left -= len(lines)
            yield from lines
            if not left:
                return


class _Calls:
    """Makes the rows of one call at a time. Millions are made: nothing here formats a datetime."""

    def __init__(self, numbers: list[str]) -> None:
        self.draw = random.Random(2).random
        self._numbers = numbers
        self._serial = 0

    def begin(self, hour: datetime) -> None:
        """The calls that follow are of this hour."""
        self._epoch, self._hour, self._day = int(hour.timestamp()), f"{hour:%Y-%m-%d %H}", f"{hour:%Y%m%d-%H}"

    def lines(self, second: int) -> list[str]:
        """Of an internal call, one to the outside, one from there to an extension or to a queue: 1 to 6 rows."""
        draw, line = self.draw, self._line
        kind, extension = draw(), EXTENSIONS[int(draw() ** 1.5 * 30)]
        # Some numbers are called much more often than others.
        outside = self._numbers[int(draw() ** 3 * NUMBERS)]
        self._serial += 8
        if kind < 0.15:
            other = EXTENSIONS[int(draw() * 30)]
            return [line(second, 0, extension, other, "from-internal", extension, other, "Dial", "", "")]
        if kind < 0.5:
            return [line(second, 0, extension, outside, "from-internal", extension, "trunk", "Dial", "", "out")]
        did = f"0301234{int(draw() * 20):03}"
        if kind < 0.7:
            legs = 1 if draw() < 0.7 else 2
            return [
                line(second, leg, outside, extension, "ext-local", "trunk", extension, "Dial", did, "in")
                for leg in range(legs)
            ]
        queue, first, legs = QUEUES[int(draw() * 3)], int(draw() * 30), 3 + int(draw() * 4)
        return [
            line(second, leg, outside, queue, "ext-queues", "trunk", EXTENSIONS[(first + leg) % 30], "Queue", did, "q")
            for leg in range(legs)
        ]

    def _line(
        self, second: int, leg: int, src: str, dst: str, context: str, near: str, far: str, app: str, did: str,
        kind: str,
    ) -> str:  # fmt: skip
        chance, serial = self.draw(), self._serial
        if chance < 0.7:
            disposition, ring, billsec = "ANSWERED", int(chance * 30) + 1, int(chance * chance * 400) + 3
        elif chance < 0.92:
            disposition, ring, billsec = "NO ANSWER", 20, 0
        elif chance < 0.98:
            disposition, ring, billsec = "BUSY", 2, 0
        else:
            disposition, ring, billsec = "FAILED" if chance < 0.9999 else RARE, 0, 0
        call = f"{self._epoch + second}.{serial}"
        second = min(second + 8 * leg, 3599)  # of a queue, one member is rung after the other
        minute, second = divmod(second, 60)
        unique = f"{call[:10]}.{serial + leg}" if leg else call
        file = f"{kind}-{dst}-{src}-{self._day}{minute:02}{second:02}-{call}.wav" if billsec and kind else ""
        data = f"{dst},t,,,300" if app == "Queue" else f"PJSIP/{far},30,Ttr"
        return (
            f'{self._hour}:{minute:02}:{second:02}\t"Caller {src}" <{src}>\t{src}\t{dst}\t{context}\t'
            f"PJSIP/{near}-{serial:08x}\tPJSIP/{far}-{serial + leg:08x}\t{app}\t{data}\t{ring + billsec}\t{billsec}\t"
            f"{disposition}\t3\t\t{unique}\t\t{did}\t{file}\t{src}\tCaller {src}\t\t\t\t{call}\t\t{serial + leg}\n"
        )
