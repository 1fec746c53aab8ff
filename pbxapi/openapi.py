"""`pbxapi openapi`: the OpenAPI document without a server."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pbxapi.settings import DEMO_KEY, Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said on the command line."""
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there, not to standard output")


def run(args: argparse.Namespace) -> int:
    """Write the document. It is the same for every exchange: no configuration is read, and nothing is connected."""
    from pbxapi.app import create_app  # noqa: PLC0415  (Flask takes 0.3 s to import, which --help need not)

    app = create_app(Settings(api_secret_key=DEMO_KEY, demo=True))
    text = json.dumps(app.extensions["pbxapi.api"].document(), indent=2, ensure_ascii=False) + "\n"
    if args.output is None:
        sys.stdout.write(text)
    else:
        args.output.write_text(text, encoding="utf-8")
    return 0
