"""`pbxapi doctor`: look at the configuration and the exchange, change nothing, and say what to do."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pbxapi.doctor_database import databases
from pbxapi.doctor_exchange import exchange
from pbxapi.doctor_files import files
from pbxapi.doctor_host import host
from pbxapi.doctor_past import past
from pbxapi.doctor_web import web
from pbxapi.environment import read_environment
from pbxapi.findings import Finding
from pbxapi.settings import Settings

if TYPE_CHECKING:
    from pbxapi.store import Store

MARKS = {"fine": "ok  ", "remark": "note", "fault": "FAIL"}
GUNICORN = Path("/etc/pbxapi/gunicorn.conf.py")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said on the command line."""
    parser.add_argument("--json", action="store_true", help="print a list of level, what and advice, for a program")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"what `serve` is given as --config ({GUNICORN}, where it is there)"
    )


def run(args: argparse.Namespace) -> int:
    """Print every finding; 1 when one of them is a fault. Raises SettingsError: the command's status is 2."""
    from pbxapi.app import build_pbx, build_store  # noqa: PLC0415

    settings = Settings.from_environ(read_environment())
    workers, threads = _size(args.config or (GUNICORN if GUNICORN.is_file() else None))
    store = build_store(settings)
    pbx = build_pbx(settings, store)
    try:
        found = [
            *_store(store),
            *files(settings, store),
            *exchange(settings, pbx),
            *databases(settings, workers, threads),
            *past(settings, pbx),
            *web(settings, pbx, workers),
            *host(workers, threads),
        ]
    finally:
        pbx.close()
        store.close()
    (_print_json if args.json else _print)(found)
    return int(any(each.level == "fault" for each in found))


def _size(config: Path | None) -> tuple[int, int]:
    """Workers, and threads in each. Raises SettingsError for a file that cannot be read."""
    from pbxapi.serve import THREADS, WORKERS, read_config  # noqa: PLC0415

    said = read_config(config) if config else {}
    return int(said.get("workers", WORKERS)), int(said.get("threads", THREADS))


def _print(found: list[Finding]) -> None:
    for finding in found:
        sys.stdout.write(f"{MARKS[finding.level]}  {finding.what}\n")
        for line in filter(None, finding.advice.split("\n")):
            sys.stdout.write(f"      {line}\n")


def _print_json(found: list[Finding]) -> None:
    json.dump([dataclasses.asdict(each) for each in found], sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


def _store(store: Store) -> Iterator[Finding]:
    from pbxapi.errors import Unavailable, in_its_words  # noqa: PLC0415
    from pbxapi.keys_command import key_findings  # noqa: PLC0415
    from pbxapi.store.migrate import is_current, what_to_do  # noqa: PLC0415

    try:
        advice = "" if is_current(store) else what_to_do(store)
    except Unavailable as error:
        yield Finding("fault", f"{store!r}: cannot be reached", f"{in_its_words(error)}\nCheck STORE_URL.")
        return
    if advice:
        advice = f"{advice[0].upper()}{advice[1:]}."
        yield Finding("fault", f"{store!r}: its tables are not those of this version", advice)
        return
    yield Finding("fine", f"{store!r}: its tables are those of this version")
    yield from key_findings(store)
