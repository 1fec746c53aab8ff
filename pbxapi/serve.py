"""`pbxapi serve`: the API under gunicorn."""

from __future__ import annotations

import argparse
import ctypes
import gc
import logging
import os
import runpy
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from pbxapi import __version__, logs, metrics_folder
from pbxapi.environment import read_environment
from pbxapi.metrics_folder import MEMORY
from pbxapi.serve_worker import Worker
from pbxapi.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

log = logging.getLogger("pbxapi.serve")

BIND = "127.0.0.1:8080"
WORKERS = 2
THREADS = 16
# From here on what the workers share is worth loading once (about 9 MB of 64 a worker).
PRELOAD_FROM = 4
SWITCH_INTERVAL = 0.0005
M_ARENA_MAX = -8
"""Of glibc's malloc.h."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said on the command line."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="gunicorn's settings, in Python, that differ from those of pbxapi"
    )
    parser.add_argument("--bind", metavar="ADDRESS", help=f"host:port, or unix:PATH ({BIND}; systemd's sockets)")
    parser.add_argument("--workers", type=_count, help=f"processes ({WORKERS})")
    parser.add_argument("--threads", type=_count, help=f"threads a process ({THREADS})")


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it. Raises SettingsError before anything is bound."""
    settings = Settings.from_environ(read_environment())
    _share_one_heap()
    metrics_folder.make()
    check_store(settings)
    note_start(settings)
    said = {name: getattr(args, name) for name in ("bind", "workers", "threads") if getattr(args, name) is not None}
    Server(settings, (read_config(args.config) if args.config else {}) | said).run()
    return 0


def _share_one_heap() -> None:
    """Let glibc keep one heap for all threads of a process; elsewhere (musl) nothing is done.

    It makes up to eight a core, and what is free in one serves no thread of another: two workers grew by 52 MB in ten
    minutes of load, by 22 with one. Python's threads allocate by turns anyway.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def read_config(path: Path) -> dict[str, Any]:
    """Read gunicorn's settings: the names that a file of Python leaves behind. Raises SettingsError."""
    try:
        return runpy.run_path(str(path))
    except Exception as error:
        raise SettingsError([f"--config {path}: {type(error).__name__}: {error}"]) from None


def check_store(settings: Settings) -> None:
    """Raise SettingsError unless the store's tables are those of this version: better than at the first call."""
    from pbxapi.app import build_store  # noqa: PLC0415
    from pbxapi.errors import Unavailable, in_its_words  # noqa: PLC0415
    from pbxapi.store.migrate import is_current, what_to_do  # noqa: PLC0415

    store = build_store(settings)
    try:
        if not is_current(store):
            raise SettingsError([f"STORE_URL: {store!r} has not the tables of this version: {what_to_do(store)}"])
    except Unavailable as error:
        raise SettingsError([f"STORE_URL: {store!r} cannot be reached: {in_its_words(error)}"]) from None
    finally:
        store.close()


def note_start(settings: Settings) -> None:
    """Write down that it starts, and name in the log what a process before may have left half done."""
    from pbxapi.app import build_store  # noqa: PLC0415
    from pbxapi.errors import Unavailable  # noqa: PLC0415
    from pbxapi.http.audit_trail import record_command  # noqa: PLC0415
    from pbxapi.pbx.provisioning import ABANDONED, WRITING  # noqa: PLC0415

    logs.check(settings.log)
    logs.configure_audit(settings.audit, make=True)
    store = build_store(settings)
    record_command(store, "serve.start", f"pbxapi {__version__}")
    # Not at a reload: what the workers before are writing then is no half-done change.
    with suppress(Unavailable):
        for change in store.changes.open(WRITING, ABANDONED):
            log.error(
                "a change of %s may be half done, since %s: GET /extensions/NUMBER/drift tells what differs",
                ", ".join(change.numbers), change.at.isoformat(timespec="seconds"),
            )  # fmt: skip
    store.close()


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with an application that it need not look up by name."""

    callable: Flask

    def __init__(self, settings: Settings, options: Mapping[str, Any]) -> None:
        """`options` are gunicorn's, and beat those here; names that gunicorn does not know are passed over."""
        self._settings = settings
        self._options = {
            "bind": BIND,
            "workers": WORKERS,
            "threads": THREADS,
            "worker_class": Worker,
            "preload_app": options.get("workers", WORKERS) >= PRELOAD_FROM,
            "proc_name": "pbxapi",
            # A worker that hangs is ended after `timeout`; one that is told to end may finish what it serves.
            "timeout": 60,
            "graceful_timeout": 30,
            # Longer than the 60 s that a proxy keeps a connection to an upstream, so that it is the one to close it.
            "keepalive": 75,
            # TRUSTED_PROXIES alone says who is believed.
            "forwarded_allow_ips": "",
            # Beats into a file: one on disk can stall a worker (gunicorn's FAQ).
            "worker_tmp_dir": str(MEMORY) if os.access(MEMORY, os.W_OK) else None,
            # gunicorn 25 and later would put a socket into the home folder.
            "control_socket_disable": True,
            "child_exit": _forget_worker,
            **options,
        }
        super().__init__()

    def load_config(self) -> None:
        """Set what this gunicorn knows."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def reload(self) -> None:
        """For SIGHUP: read the configuration again, for the workers that take the places of these.

        One that cannot be used is said in the log, and the one before it stays.
        """
        before = self._settings
        try:
            self._settings = Settings.from_environ(read_environment())
            check_store(self._settings)
            app = self.load()
        except SettingsError as error:
            log.error("the configuration was not read again: %s", error)  # noqa: TRY400  (it is told in plain lines)
            self._settings = before
            return
        if self.cfg.preload_app:
            app, self.callable = self.callable, app
        # Nobody uses this one: the workers that are there have theirs, and the next ones make or inherit another.
        app.extensions["pbxapi"].pbx.close()
        app.extensions["pbxapi"].store.close()

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
        # What is loaded stays to the end: the collector need not look through it, not even when the worker exits. But
        # for the one before, after a reload.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        return app


def _forget_worker(server: object, worker: Any) -> None:
    metrics_folder.forget(worker.pid)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
