"""`pbxapi deploy-files`: write the files for nginx, Apache, systemd, sudo and logrotate into a folder."""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib import resources
from pathlib import Path

from pbxapi.settings import SettingsError

_NOT_THEIRS = shutil.ignore_patterns("__init__.py", "__pycache__")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said on the command line."""
    parser.add_argument("folder", type=Path, help="is made, and must not be there yet")


def run(args: argparse.Namespace) -> int:
    """Write them. Raises SettingsError when the folder is there or cannot be written."""
    try:
        with resources.as_file(resources.files("pbxapi_deploy")) as files:
            shutil.copytree(files, args.folder, ignore=_NOT_THEIRS)
    except OSError as error:
        raise SettingsError([f"{args.folder}: {error.strerror or error}"]) from None
    sys.stdout.write(f"{args.folder}: its README.md says what goes where\n")
    return 0
