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
    from alembic.util import CommandError  # noqa: PLC0415
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from pbxapi.app import build_store  # noqa: PLC0415
    from pbxapi.store.migrate import migrate  # noqa: PLC0415

    store = build_store(Settings.from_environ(read_environment()))
    try:
        migrate(store, args.to)
    except CommandError as error:
        raise SettingsError([f"--to {args.to}: {error}"]) from None
    except (SQLAlchemyError, ImportError) as error:
        # The driver's own words, without the statement; a password is never among them.
        raise SettingsError([f"STORE_URL: {store!r} cannot be migrated: {getattr(error, 'orig', error)}"]) from None
    sys.stdout.write(f"{store!r} is at {args.to}\n")
    return 0
