"""`pbxapi extensions import FILE`: create extensions, or change them, from a CSV file; on the exchange's own host."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pbxapi import logs
from pbxapi.environment import read_environment
from pbxapi.settings import Settings

if TYPE_CHECKING:
    from pbxapi.extensions_csv import Fault, Parsed
    from pbxapi.extensions_import import Import
    from pbxapi.pbx.provisioning import Applying, Extensions
    from pbxapi.store.engine import Store

BAR = 30  # characters
COLUMNS = """\
The first line names the columns: extension, name, secret, technology, context, caller_id, codecs (with blanks between
them), voicemail (yes or no), voicemail.password, voicemail.email, recording.inbound_external, options.<keyword> and
whatever else the REST interface knows of an extension. An empty cell says nothing. Commas, semicolons or tabs between
the cells. Nothing is written unless every line can be; more than 1,000 lines are written 1,000 at a time. Secrets that
were made are printed as CSV."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said on the command line."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    importing = commands.add_parser(
        "import", help="create extensions from a CSV file", description=__doc__, epilog=COLUMNS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    importing.add_argument("file", metavar="FILE", help="the CSV file, - for standard input")
    importing.add_argument("--dry-run", action="store_true", help="check everything and write nothing")
    importing.add_argument("--update", action="store_true", help="change those that exist already")
    importing.add_argument("--no-apply", action="store_true", help="do not let the exchange load what was written")
    importing.add_argument(
        "--secrets-out", type=Path, metavar="FILE",
        help="write secrets that were made to this new file, which only its owner can read",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Import; 1 when something is wrong, or was not applied. Raises SettingsError."""
    from pbxapi.ami import AmiError  # noqa: PLC0415
    from pbxapi.app import build_pbx, build_store  # noqa: PLC0415
    from pbxapi.errors import PbxError  # noqa: PLC0415
    from pbxapi.extensions_csv import parse  # noqa: PLC0415

    try:
        data = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as error:
        return _fail(f"{args.file}: {error.strerror}")
    parsed = parse(data)
    if parsed.faults:
        return refuse(parsed.faults)
    settings = Settings.from_environ(read_environment())
    store = build_store(settings)
    pbx = build_pbx(settings, store)
    try:
        if pbx.extensions is None:
            return _fail("This exchange has no extensions that could be looked after here: see `pbxapi doctor`.")
        with _secrets_file(None if args.dry_run else args.secrets_out) as secrets:
            logs.configure_audit(settings.audit)
            note = partial(_note, store)
            return import_lines(pbx.extensions, parsed, args, secrets or sys.stdout, note, applying=pbx.applying)
    except (PbxError, AmiError) as error:
        return _fail(str(error))
    except OSError as error:
        where = error.filename or args.secrets_out or "standard output"
        return _fail(f"{where}: {error.strerror}")
    finally:
        pbx.close()
        store.close()


def _note(store: Store, importing: Import, outcome: str) -> None:
    from pbxapi.http.audit_trail import record_command  # noqa: PLC0415

    numbers = ", ".join(importing.numbers)
    detail = f"{importing.written} of {len(importing.numbers)} were written: {numbers}"
    record_command(store, "extension.import", "extensions", outcome=outcome, detail=detail)


def import_lines(
    extensions: Extensions,
    parsed: Parsed,
    args: argparse.Namespace,
    secrets: TextIO,
    note: Callable[[Import, str], None] = lambda *_: None,
    *,
    applying: Applying | None = None,
) -> int:
    """Check everything, then write everything; the exit status. Raises what `provisioning.Extensions` raises.

    What an import before this one wrote and did not apply is applied too. `note` is told what was written, or may have
    been, and whether that is done or failed.
    """
    from pbxapi.extensions_csv import operations  # noqa: PLC0415
    from pbxapi.extensions_import import Import  # noqa: PLC0415

    existing = {each.extension for each in extensions.all()}
    wanted = operations(parsed, existing, update=args.update)
    if parsed.faults:
        return refuse(parsed.faults)
    importing = Import(extensions, wanted, secrets, Progress())
    if args.dry_run or importing.several:
        # A single batch is checked by its write, which is all or nothing.
        importing.rehearse()
    if not args.dry_run and not importing.faults:
        outcome = "failed"
        try:
            importing.write(apply=not args.no_apply)
            if not args.no_apply:
                importing.apply_what_waits(applying)
            outcome = "failed" if importing.faults else "done"
        except Exception:
            if importing.written:
                sys.stderr.write(f"{_left(importing.written)}\n")
            raise
        finally:
            if importing.written or not importing.faults:
                note(importing, outcome)
    if importing.faults:
        return refuse(importing.faults, importing.written)
    created = sum(each.operation.op == "create" for each in wanted)
    did, changed = ("would be", len(wanted) - created) if args.dry_run else ("were", importing.changed)
    sys.stderr.write(f"{created} {did} created, {changed} {did} changed.\n")
    for warning in importing.warnings:
        sys.stderr.write(f"{warning}\n")
    if importing.written and not importing.applied:
        sys.stderr.write(f"Not in effect yet: {importing.reason or 'it waits for the next change that is applied'}.\n")
        return 0 if args.no_apply else 1
    return 0


class Progress:
    """How far it is, on standard error: a bar on a terminal, else a line a batch."""

    def show(self, doing: str, done: int, whole: int) -> None:
        """So many of the whole are done."""
        if not sys.stderr.isatty():
            sys.stderr.write(f"{doing} {done} of {whole}\n")
        elif done < whole:
            bar = "#" * (BAR * done // whole)
            sys.stderr.write(f"\r\033[K{doing} [{bar:<{BAR}}] {done} of {whole}")
        else:
            sys.stderr.write("\r\033[K")
        sys.stderr.flush()


def refuse(faults: Iterable[Fault], written: int = 0) -> int:
    """Say what is wrong, line by line."""
    for fault in sorted(faults, key=lambda fault: fault.line):
        sys.stderr.write(f"{fault}\n")
    sys.stderr.write(f"{_left(written)}\n")
    return 1


def _left(written: int) -> str:
    return f"{written} were written before that, and not applied: see --update." if written else "Nothing was written."


def _fail(what: str) -> int:
    sys.stderr.write(f"{what}\n")
    return 1


@contextmanager
def _secrets_file(path: Path | None) -> Iterator[TextIO | None]:
    """A new file that only its owner can read, gone again if it stays empty. Raises OSError, also where one is."""
    if path is None:
        yield None
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
    finally:
        if path.stat().st_size == 0:
            path.unlink()
