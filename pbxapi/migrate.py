"""`pbxapi migrate`: bring the tables of the store (STORE_URL) to the version of this program."""

from __future__ import annotations

import argparse
import sys

from pbxapi.environment import read_environment
from pbxapi.settings import Settings, SettingsError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said on the command line."""
    parser.add_argument("--to", default="head", metavar="REVISION", help="`base` takes the tables away (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Migrate, and say so. Raises SettingsError when the store cannot be reached or written."""
    from pbxapi.app import build_store  # noqa: PLC0415
    from pbxapi.errors import NotFound, Unavailable, in_its_words  # noqa: PLC0415
    from pbxapi.store.migrate import migrate, revision_of, what_to_do  # noqa: PLC0415

    store = build_store(Settings.from_environ(read_environment()))
    try:
        migrate(store, args.to)
        revision = revision_of(store) or "base"
    except NotFound as error:
        fault = f"--to {args.to}: {error}" if args.to != "head" else f"STORE_URL: {store!r}: {what_to_do(store)}"
        raise SettingsError([fault]) from None
    except Unavailable as error:
        # The database's own words: no password is among them.
        raise SettingsError([f"STORE_URL: {store!r} cannot be migrated: {in_its_words(error)}"]) from None
    finally:
        store.close()
    sys.stdout.write(f"{store!r} is at {revision}\n")
    return 0
