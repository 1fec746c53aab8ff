"""Start and stop a MariaDB of our own: its own folder, loopback only, any user."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path

import pymysql

from tests.real.configuration import Database
from tests.real.ports import free_ports
from tests.real.required import program

BOOT_SECONDS = 30
STOP_SECONDS = 20
USER = "pbx"
PASSWORD = "pbx-password"


class MariaDB:
    """One private server. ``root`` comes in by its socket, ``pbx`` by TCP from loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        [self.port] = free_ports(1)
        self._socket = folder / "socket"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the system tables at the first start (about 1 s), start, and wait until it takes connections."""
        data = self.folder / "data"
        # A temporary folder of its own: two servers that share one remove each other's files.
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        user = ["--user=root"] if os.getuid() == 0 else []
        common = ["--no-defaults", f"--tmpdir={temporary}", f"--datadir={data}", *user]
        first_time = not data.exists()
        if first_time:
            install = [program("mariadb-install-db"), *common, "--auth-root-authentication-method=normal"]
            subprocess.run([*install, "--skip-test-db"], check=True, capture_output=True, timeout=BOOT_SECONDS)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(program("mariadbd"), *common, f"--socket={self._socket}", f"--pid-file={self.folder}/pid"),
                    *("--bind-address=127.0.0.1", f"--port={self.port}", "--skip-name-resolve", "--skip-log-bin"),
                    *("--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_ready(time.monotonic() + BOOT_SECONDS)
        except BaseException:
            self.stop()
            raise
        if first_time:
            self.run(f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")

    def _wait_ready(self, deadline: float) -> None:
        while True:
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            # Not by pymysql: a connection that it cannot make leaves its socket open.
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(5)
                probe.connect(str(self._socket))
                if probe.recv(1):
                    return
            time.sleep(0.05)

    def stop(self) -> None:
        """End in order (SIGTERM), by force after 20 s."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_SECONDS)
        self._process = None

    def kill(self) -> None:
        """End at once, as a crash does (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None

    def create_database(self, name: str, *statements: str, charset: str = "utf8mb4") -> Database:
        """Make an empty database that ``pbx`` may do all in, and run the statements in it."""
        self.run(f"CREATE DATABASE {name} CHARACTER SET {charset}")
        self.run(f"GRANT ALL ON {name}.* TO {USER}@'127.0.0.1'")
        for statement in statements:
            self.run(statement, database=name)
        return Database("127.0.0.1", self.port, name, USER, PASSWORD)

    def run(self, statement: str, *values: object, database: str | None = None) -> list[dict[str, object]]:
        """Run one statement as root and return its rows."""
        connection = pymysql.connect(
            unix_socket=str(self._socket),
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
            cursorclass=pymysql.cursors.DictCursor,
            connect_timeout=5,
            read_timeout=10,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())
