"""`pbxapi demo`: the API with a built-in exchange, on loopback, with the key `demo`. Nothing to configure."""

from __future__ import annotations

import argparse
import errno
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from pbxapi.demo.exchange import DemoExchange
    from pbxapi.demo.platform import DemoPlatform

HOST = "127.0.0.1"
BAR = 30  # characters

WELCOME = """\
pbxapi demo: an exchange with some twenty phones is running. Ctrl-C ends it.

  API   {url}        key: demo
  Docs  {url}/docs

Try, in another terminal:

  curl -H 'Authorization: Bearer demo' {url}/peers
  curl -H 'Authorization: Bearer demo' -H 'Content-Type: application/json' -d '{{"from": "100", "to": "101"}}' {url}/calls
  curl -H 'Authorization: Bearer demo' {url}/calls

It is a FreePBX 17, made up as well. Make an extension; its phone registers a second later and can be called:

  curl -H 'Authorization: Bearer demo' -H 'Content-Type: application/json' -d '{{"extension": "250", "name": "Alice"}}' {url}/extensions
  curl -H 'Authorization: Bearer demo' -H 'Content-Type: application/json' -d '{{"from": "250", "to": "101"}}' {url}/calls

Callers come to its queues, wait, and are answered or give up. The mailbox of 100 has messages:

  curl -H 'Authorization: Bearer demo' {url}/queues
  curl -H 'Authorization: Bearer demo' {url}/voicemail/100/messages

There is a year of calls behind it (made up), with recordings of the last days:

  curl -H 'Authorization: Bearer demo' '{url}/cdr?limit=5'
  curl -H 'Authorization: Bearer demo' '{url}/cdr/stats?group_by=day'
  curl -H 'Authorization: Bearer demo' '{url}/cdr?format=csv' -o calls.csv
  curl -H 'Authorization: Bearer demo' '{url}/recordings?limit=5'

101 answers, 102 is busy, 103 rings for ever, 104 is offline, 106 declines, 108 has voicemail, 600 is an echo.
"""  # noqa: E501  (a line to paste)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said on the command line."""
    parser.add_argument("--port", type=_port, default=8080, help="where to serve (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same exchange (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM. 1 when the port is taken."""
    try:
        listening = _listen(args.port)
    except OSError as error:
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        sys.stderr.write(f"Port {args.port} {why}. Choose another: --port {_next(args.port)} "
                         f"(make demo PORT={_next(args.port)})\n")  # fmt: skip
        return 1
    from pbxapi.demo.exchange import DemoExchange  # noqa: PLC0415
    from pbxapi.demo.history import YEAR  # noqa: PLC0415
    from pbxapi.demo.history_paths import database_path  # noqa: PLC0415
    from pbxapi.pbx.local_time import system_zone  # noqa: PLC0415

    if not sys.stdout.isatty():
        sys.stdout.write("Making a year of calls.\n")
        sys.stdout.flush()
    with listening, _ends_by_signal(), tempfile.TemporaryDirectory(prefix="pbxapi-demo-") as folder:
        exchange = DemoExchange(seed=args.seed)
        exchange.start()
        try:
            app = demo_app(exchange, Path(folder), seed=args.seed, days=YEAR, progress=_show_progress)
            logging.getLogger("pbxapi.audit").setLevel(logging.WARNING)  # the terminal is for the welcome
            exchange.write_records(database_path(Path(folder)), system_zone())
            _serve(app, listening)
            app.extensions["pbxapi"].pbx.close()
            app.extensions["pbxapi"].store.close()
        finally:
            exchange.stop()
    return 0


def demo_app(
    exchange: DemoExchange,
    folder: Path,
    *,
    seed: int = 1,
    days: int = 7,
    progress: Callable[[float], None] = lambda done: None,
) -> Flask:
    """The application over a demo exchange, which becomes a FreePBX by it.

    Its store, FreePBX's database and files, and the calls of these `days` are made in `folder`. No `.env` is read, and
    of the environment only TZ.
    """
    from pbxapi.app import build_store, create_app  # noqa: PLC0415
    from pbxapi.db.engine import sqlite_engine  # noqa: PLC0415
    from pbxapi.demo.history import make_history  # noqa: PLC0415
    from pbxapi.demo.history_paths import recordings_path  # noqa: PLC0415
    from pbxapi.demo.platform import DemoCommand  # noqa: PLC0415
    from pbxapi.drivers import freepbx  # noqa: PLC0415
    from pbxapi.pbx.local_time import system_zone  # noqa: PLC0415
    from pbxapi.settings import Settings  # noqa: PLC0415
    from pbxapi.store.migrate import migrate  # noqa: PLC0415

    make_history(folder, seed=seed, until=datetime.now(UTC), zone=system_zone(), days=days, progress=progress)
    platform = exchange.provide(folder)
    settings = Settings.from_environ(_environment(exchange.port, folder, platform), demo=True)
    store = build_store(settings)
    migrate(store)
    tables = sqlite_engine(str(platform.database), only_read=False)
    folders = {"voicemail": str(platform.voicemail), "recordings": str(recordings_path(folder))}
    pbx = freepbx.build(settings, store, tables=tables, command=DemoCommand(platform), folders=folders)
    return create_app(settings, pbx, store)


def _environment(ami_port: int, folder: Path, platform: DemoPlatform) -> Mapping[str, str]:
    from pbxapi.demo.history_paths import database_path, recordings_path  # noqa: PLC0415

    return {
        "AMI_PORT": str(ami_port),
        "AMI_USERNAME": "demo",
        "AMI_SECRET": "demo",
        "PBX_DRIVER": "freepbx",
        "STORE_URL": f"sqlite:///{folder}/store.db",
        "CDR_DATABASE_URL": f"sqlite:///{database_path(folder)}",
        "RECORDINGS_PATH": str(recordings_path(folder)),
        "PJSIP_CONF_PATH": str(platform.pjsip_conf),
        "VOICEMAIL_CONF_PATH": str(platform.voicemail_conf),
        "VOICEMAIL_PATH": str(platform.voicemail),
        "QUEUE_LOG_PATH": str(platform.queue_log),
        "LOG_LEVEL": "warning",
        "RATE_LIMIT_KEY": "off",
        "RATE_LIMIT_ADDRESS": "off",
        "RATE_LIMIT_BAD_KEYS": "off",
        "ACCESS_LOG": "false",
    }


def _serve(app: Flask, listening: socket.socket) -> None:
    """Serve with Werkzeug's threads: one process, so that Ctrl-C ends all of it. gunicorn is for the real thing."""
    from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: Any) -> None:
            """Nothing: the terminal is for the welcome."""

    port = listening.getsockname()[1]
    server = make_server(HOST, port, app, threaded=True, request_handler=Quiet, fd=listening.fileno())
    server.daemon_threads = True  # type: ignore[attr-defined]
    sys.stdout.write(WELCOME.format(url=f"http://{HOST}:{port}"))
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    finally:
        server.server_close()


def _show_progress(done: float) -> None:
    """A bar that grows on a terminal, and is gone at the end."""
    if sys.stdout.isatty():
        bar = "#" * round(BAR * done)
        sys.stdout.write(f"\rMaking a year of calls [{bar:<{BAR}}]" if done < 1 else "\r\033[K")
        sys.stdout.flush()


@contextmanager
def _ends_by_signal() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end us alike, with nothing left behind.

    SIGINT too: who starts us in the background of a script has it ignored, and then Ctrl-C would not end us.
    """
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A second run right after the first must not find the port in TIME_WAIT.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening


def _next(port: int) -> int:
    return port + 1 if port < 65535 else 8080


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("must be 0 to 65535")
    return port
