"""Start and stop a PostgreSQL of our own: its own folder, loopback only. It never runs as root, whoever tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import psycopg

from tests.real.configuration import Database
from tests.real.ports import free_ports
from tests.real.required import program

BOOT_SECONDS = 30
STOP_SECONDS = 20
USER = "pbx"
PASSWORD = "pbx-password"


class PostgreSQL:
    """One private server, whose user ``pbx`` may do all."""

    def __init__(self) -> None:
        # Not below pytest's own folder: the server's user could not look into it.
        self.folder = Path(tempfile.mkdtemp(prefix="pbxapi-postgresql-"))
        [self.port] = free_ports(1)
        self._user = _server_user()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the system tables (about 1 s), start, and wait until it takes connections."""
        password = self.folder / "password"
        password.write_text(PASSWORD)
        for path in (self.folder, password):
            shutil.chown(path, self._user)
        data = self.folder / "data"
        subprocess.run(
            [
                *(program("initdb"), f"--pgdata={data}", f"--username={USER}", f"--pwfile={password}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            check=True, capture_output=True, timeout=BOOT_SECONDS, user=self._user, cwd=self.folder,
        )  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(program("postgres"), "-D", str(data), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"),
                    *("-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB"),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user, cwd=self.folder,
                start_new_session=True,
            )  # fmt: skip
        try:
            self._wait_ready(time.monotonic() + BOOT_SECONDS)
        except BaseException:
            self.stop()
            raise

    def _wait_ready(self, deadline: float) -> None:
        while True:
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End at once, without waiting for clients (SIGINT), by force after 20 s; and take the folder away."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_SECONDS)
        self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def signal(self, number: signal.Signals) -> None:
        """To the server and to what serves its clients."""
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        for each in (server, *server.children(recursive=True)):
            each.send_signal(number)

    def create_database(self, name: str) -> Database:
        """Make an empty database."""
        self.run(f"CREATE DATABASE {name}")
        return Database("127.0.0.1", self.port, name, USER, PASSWORD)

    def run(self, statement: str) -> None:
        """Run one statement outside of a transaction."""
        connection = psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname="postgres", connect_timeout=5,
            autocommit=True,
        )  # fmt: skip
        with connection:
            connection.execute(statement)


def _server_user() -> str:
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
