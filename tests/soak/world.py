"""A FreePBX with a real Asterisk 22 and MariaDB, the API before it as it is deployed, and proxies between them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.real.cdr_table import CdrTable
from tests.real.deadline import eventually
from tests.real.mariadb import PASSWORD, USER, MariaDB
from tests.real.platform_exchange import KINDS, PlatformExchange, started
from tests.real.ports import free_ports
from tests.real.required import program
from tests.soak.client import Client
from tests.soak.proxy import Proxy

WORKERS, THREADS = 2, 16
CALLS = 100
MANAGER, SECRET = "least", "least-secret"

# To the API as in deploy/nginx: what changes something is sent once.
_NGINX = """\
{root}
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 100000;
  upstream api {{ server 127.0.0.1:{api} max_fails=0; server 127.0.0.1:{api} max_fails=0; }}
  upstream once {{ server 127.0.0.1:{api} max_fails=0; }}
  map $request_method $upstream {{ default once; GET api; HEAD api; }}
  server {{
    listen 127.0.0.1:{port} backlog=256;
    location / {{
      proxy_pass http://$upstream;
      proxy_http_version 1.1;
      proxy_set_header Connection close;
      proxy_next_upstream error;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }}
  }}
}}
"""


@dataclass
class World:
    """What runs. `ami` and `mysql` stand between the API and the two servers."""

    folder: Path
    exchange: PlatformExchange
    ami: Proxy
    mysql: Proxy
    _served: int = field(default=0, repr=False)

    @property
    def mariadb(self) -> MariaDB:
        return self.exchange.mariadb

    def signal_mariadb(self, number: signal.Signals) -> None:
        os.kill(int((self.mariadb.folder / "pid").read_text()), number)

    def kill_mariadb(self) -> None:
        self.mariadb.kill()

    def start_mariadb(self) -> None:
        self.mariadb.start()
        self.durable()

    def durable(self) -> None:
        """A commit outlives the server, as it does where nobody has set it otherwise."""
        self.mariadb.run("SET GLOBAL innodb_flush_log_at_trx_commit = 1")

    def database_sessions(self) -> int:
        """How many of the API's there are on the server."""
        counted = "SELECT count(*) AS n FROM information_schema.processlist WHERE user = %s"
        return int(str(self.mariadb.run(counted, USER)[0]["n"]))

    def manager_sessions(self) -> int:
        return self.exchange.asterisk.command("manager show connected").count(MANAGER)

    def change_manager_secret(self, before: str, after: str) -> None:
        conf = self.exchange.etc / "manager.conf"
        conf.write_text(conf.read_text().replace(f"secret = {before}\n", f"secret = {after}\n"))
        self.exchange.asterisk.command("manager reload")

    def change_database_password(self, password: str) -> None:
        """And end the sessions that are logged in with the one before."""
        self.mariadb.run(f"ALTER USER {USER}@'127.0.0.1' IDENTIFIED BY '{password}'")
        for row in self.mariadb.run("SELECT id FROM information_schema.processlist WHERE user = %s", USER):
            with contextlib.suppress(Exception):  # it has ended by itself
                self.mariadb.run(f"KILL {row['id']}")

    @contextlib.contextmanager
    def served(
        self, *, store: Path | None = None, direct: bool = False, more: Mapping[str, str] | None = None
    ) -> Iterator[Served]:
        """`pbxapi serve` and nginx before it; `direct` goes around the proxies, `store` is the folder of its store."""
        self._served += 1
        folder = self.folder / f"served-{self._served}"
        folder.mkdir()
        api, port = free_ports(2)
        around = {"AMI_PORT": str(self.exchange.asterisk.ports.ami), "DB_PORT": str(self.mariadb.port)}
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AMI_", "API_", "PBX_"))},
            **self.exchange._environ(),
            **(around if direct else {"AMI_PORT": str(self.ami.port), "DB_PORT": str(self.mysql.port)}),
            "AMI_USERNAME": MANAGER, "AMI_SECRET": SECRET, "DB_PASSWORD": PASSWORD, "TRUSTED_PROXIES": "127.0.0.1",
            "STORE_URL": f"sqlite:///{store or folder}/store.db", "LOG_LEVEL": "warning",
            "RATE_LIMIT_KEY": "off", "RATE_LIMIT_ADDRESS": "off", **(more or {}),
        }  # fmt: skip
        root = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, api=api, port=port, root=root))
        pbxapi = [sys.executable, "-m", "pbxapi"]
        subprocess.run([*pbxapi, "migrate"], cwd=folder, env=environ, check=True, timeout=30, capture_output=True)
        options = ["--bind", f"127.0.0.1:{api}", "--workers", str(WORKERS), "--threads", str(THREADS)]
        with (
            (folder / "log").open("ab") as log,
            subprocess.Popen([*pbxapi, "serve", *options], cwd=folder, env=environ, stdout=log, stderr=log) as gunicorn,
            subprocess.Popen([program("nginx"), "-p", folder, "-c", folder / "nginx.conf"]) as nginx,
        ):
            found = Served(folder, api, port, gunicorn.pid, nginx.pid, Path(environ["STORE_URL"][10:]))
            try:
                eventually(found.ready, f"it serves: {found.log()[-2000:]}", seconds=30)
                yield found
            finally:
                _end(nginx)
                _end(gunicorn)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(45)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
        raise


@dataclass(frozen=True)
class Served:
    """`direct` is gunicorn's port, `port` that of nginx."""

    folder: Path
    direct: int
    port: int
    master: int
    nginx: int
    store: Path

    def ready(self) -> bool:
        client = Client(self.port)
        try:
            return client.ask("ready", "GET", "/health/ready").good and len(self.workers()) == WORKERS
        finally:
            client.close()

    def workers(self) -> list[int]:
        """The process ids of gunicorn's workers."""
        children = Path(f"/proc/{self.master}/task/{self.master}/children").read_text().split()
        return sorted(int(child) for child in children)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def errors(self) -> list[dict[str, Any]]:
        """What was logged as an error, or is no line of ours: gunicorn's own, a bare traceback with what is before."""
        found: list[dict[str, Any]] = []
        bare: list[str] = []
        for line in [*self.log().splitlines(), "{}"]:
            try:
                entry = json.loads(line)
            except ValueError:
                bare.append(line)
                continue
            if any(sign in each for each in bare for sign in ("Traceback", "[ERROR]", "[CRITICAL]", "Exception")):
                found.append({"logger": "", "message": "\n".join(bare)})
            bare = []
            if entry.get("level") in {"error", "critical"} or "traceback" in entry:
                found.append(entry)
        return found

    def figures(self) -> Figures:
        """Of all workers together, when they have come to rest."""
        workers = self.workers()
        return Figures(
            files=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in workers),
            threads=sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in workers),
            megabytes=sum(map(_resident, workers)),
        )


@dataclass(frozen=True)
class Figures:
    """Open file descriptors, threads, and memory that is in use."""

    files: int
    threads: int
    megabytes: float

    def __str__(self) -> str:
        return f"{self.files} fds, {self.threads} threads, {self.megabytes:.0f} MB"


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def world(folder: Path) -> Iterator[World]:
    """Start everything but the API."""
    (folder / "mariadb").mkdir()
    mariadb = MariaDB(folder / "mariadb")
    mariadb.start()
    with contextlib.ExitStack() as stack:
        stack.callback(mariadb.stop)
        (folder / "freepbx").mkdir()
        exchange = stack.enter_context(started(KINDS[0], mariadb, folder / "freepbx"))
        ami = stack.enter_context(Proxy(exchange.asterisk.ports.ami))
        mysql = stack.enter_context(Proxy(mariadb.port))
        made = World(folder, exchange, ami, mysql)
        made.durable()
        stack.callback(_call_records(mariadb).close)
        yield made


def _call_records(mariadb: MariaDB) -> CdrTable:
    """Some, of a call each, with numbers that say which."""
    table = CdrTable(mariadb, "freepbx17-InnoDB-utf8mb4", "asteriskcdrdb")
    began = datetime(2026, 1, 5, 9, tzinfo=UTC)
    table.add(*(
        {"calldate": began + timedelta(minutes=number), "src": f"7{number:03}", "dst": f"8{number:03}",
         "clid": f'"Caller" <7{number:03}>', "dcontext": "from-internal", "channel": f"PJSIP/7{number:03}-1",
         "lastapp": "Dial", "duration": 9, "billsec": 5, "disposition": "ANSWERED", "amaflags": 3,
         "uniqueid": f"{1767600000 + number}.{number}", "linkedid": f"{1767600000 + number}.{number}", "sequence": 1}
        for number in range(CALLS)
    ))  # fmt: skip
    return table


def rest(seconds: float) -> None:
    """Let traffic run for so long."""
    time.sleep(seconds)
