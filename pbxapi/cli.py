"""The command `pbxapi`: each subcommand is a module with `arguments(parser)` and `run(args) -> exit status`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from pbxapi.settings import SettingsError

# Name -> (module, what `pbxapi --help` says). A module imports what is heavy when it runs, not before.
COMMANDS = {
    "serve": ("pbxapi.serve", "serve the API with gunicorn"),
    "migrate": ("pbxapi.migrate", "bring the store's tables to this version"),
    "doctor": ("pbxapi.doctor", "check the configuration and the exchange, and say what to do"),
    "demo": ("pbxapi.demo.command", "serve the API with a built-in exchange, for trying it out"),
    "extensions": ("pbxapi.extensions_command", "import extensions from a CSV file"),
    "keys": ("pbxapi.keys_command", "make keys for the API, list, rotate and revoke them"),
    "deploy-files": ("pbxapi.deploy_files", "write the files for nginx, systemd and others into a folder"),
    "openapi": ("pbxapi.openapi", "print the OpenAPI document"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; 2 when the command line or the configuration cannot be used."""
    args = _parser().parse_args(argv)
    try:
        status: int = args.run(args)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        if str(error).startswith("API_SECRET_KEY is empty") and not Path(".env").exists():
            sys.stderr.write(f"There is no .env in {Path.cwd()}, where it is looked for.\n")
        return 2
    except BrokenPipeError:
        # Whoever read it, `head` or `less`, has seen enough; what is left must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pbxapi", description="One REST API for Asterisk, Issabel and FreePBX.")
    parser.add_argument("--version", action="version", version=f"pbxapi {version('pbxapi')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, help_text) in COMMANDS.items():
        command = import_module(module)
        subparser = commands.add_parser(name, help=help_text, description=command.__doc__)
        command.arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser
