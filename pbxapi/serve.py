"""`pbxapi serve`: the API under gunicorn."""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gunicorn.app.base import BaseApplication

from pbxapi.environment import read_environment
from pbxapi.settings import Settings, SettingsError

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("pbxapi.serve")

# From here on what the workers share is worth loading once (about 9 MB of 64 a worker).
PRELOAD_FROM = 4
SWITCH_INTERVAL = 0.0005
_MEMORY = "/dev/shm"  # noqa: S108  (gunicorn makes its own nameless file there)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said on the command line."""
    parser.add_argument(
        "--bind", default="127.0.0.1:8080", metavar="ADDRESS", help="host:port, or unix:PATH (%(default)s)"
    )
    parser.add_argument("--workers", type=_count, default=2, help="processes (%(default)s)")
    parser.add_argument("--threads", type=_count, default=16, help="threads a process (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it. Raises SettingsError before anything is bound."""
    settings = Settings.from_environ(read_environment())
    check_store(settings)
    Server(settings, bind=args.bind, workers=args.workers, threads=args.threads).run()
    return 0


def check_store(settings: Settings) -> None:
    """Raise SettingsError unless the store's tables are those of this version: better than at the first call."""
    from pbxapi.app import build_store  # noqa: PLC0415
    from pbxapi.errors import Unavailable  # noqa: PLC0415
    from pbxapi.pbx.provisioning import ABANDONED, WRITING  # noqa: PLC0415
    from pbxapi.store.migrate import is_current  # noqa: PLC0415

    store = build_store(settings)
    try:
        if not is_current(store):
            raise SettingsError([f"STORE_URL: {store!r} has not the tables of this version: run `pbxapi migrate`"])
        for change in store.changes.open():
            if change.state in {WRITING, ABANDONED}:
                log.error(
                    "a change of %s may be half done, since %s: GET /extensions/NUMBER/drift tells what differs",
                    ", ".join(change.numbers), change.at.isoformat(timespec="seconds"),
                )  # fmt: skip
    except Unavailable as error:
        raise SettingsError([f"STORE_URL: {store!r} cannot be reached: {error.__cause__}"]) from None
    finally:
        store.close()


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with an application that it need not look up by name."""

    def __init__(self, settings: Settings, *, bind: str, workers: int, threads: int) -> None:
        self._settings = settings
        self._options = {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "preload_app": workers >= PRELOAD_FROM,
            "proc_name": "pbxapi",
            # A worker that hangs is ended after `timeout`; one that is told to end may finish what it serves.
            "timeout": 60,
            "graceful_timeout": 30,
            # Longer than the 60 s that nginx keeps a connection to an upstream, so that nginx is the one to close it.
            "keepalive": 75,
            # TRUSTED_PROXIES alone says who is believed.
            "forwarded_allow_ips": "",
            # Beats into a file: one on disk can stall a worker (gunicorn's FAQ).
            "worker_tmp_dir": _MEMORY if Path(_MEMORY).is_dir() else None,
            # gunicorn 25 and later would put a socket into the home folder.
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        """Set what this gunicorn knows."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Build the application: in each worker, or once before them when it is preloaded."""
        # A thread that parses a long list keeps quick actions of others waiting for as long as it may keep the
        # interpreter: 5 ms if nothing is said.
        sys.setswitchinterval(SWITCH_INTERVAL)
        # Not before the settings are known to be good.
        from pbxapi.app import create_app  # noqa: PLC0415
        from pbxapi.errors import Unavailable  # noqa: PLC0415
        from pbxapi.store.secrets import RECORDING_IDS  # noqa: PLC0415

        app = create_app(self._settings)
        # Call records name recordings by ids made with it: known from the start, they need the store no more.
        with suppress(Unavailable):
            app.extensions["pbxapi"].store.secrets.get(RECORDING_IDS)
        return app


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
