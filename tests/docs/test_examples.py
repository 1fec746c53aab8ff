"""The examples of the documentation work: each page's, in each language, are run against a demo exchange."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server

from pbxapi.demo.command import demo_app
from pbxapi.demo.exchange import DemoExchange
from tests.real.required import program

DOCS = Path(__file__).parent.parent.parent / "docs"
# `sh`, `ini`, `text`, ... are shown and not run.
LANGUAGES = ("bash", "python", "php")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST = {
    # What curl says of an error is an error here.
    "bash": 'set -euo pipefail; curl() { command curl --fail-with-body "$@"; }\n',
    "python": "",
    "php": "<?php set_error_handler(function ($number, $text) { throw new ErrorException($text); });\n",
}


def examples() -> list[tuple[str, str]]:
    pages = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts and "adr" not in path.parts)
    return [
        (path.relative_to(DOCS).as_posix(), language)
        for path in pages
        for language in LANGUAGES
        if language in {found[1] for found in BLOCK.finditer(path.read_text())}
    ]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    exchange = DemoExchange(seed=1)
    exchange.start()
    app = demo_app(exchange, tmp_path_factory.mktemp("demo"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()
    exchange.stop()


@pytest.mark.parametrize(("page", "language"), examples())
def test_the_examples_of_a_page_work(demo: str, page: str, language: str, tmp_path: Path) -> None:
    blocks = [found[2] for found in BLOCK.finditer((DOCS / page).read_text()) if found[1] == language]
    for needed in {"bash": ("bash", "curl", "jq"), "python": (), "php": ("php",)}[language]:
        program(needed)
    script = tmp_path / f"page.{language}"
    script.write_text(FIRST[language] + "\n".join(blocks))
    commands = {
        "bash": ["bash", str(script)],
        "python": [sys.executable, str(script)],
        "php": ["php", "-d", f"include_path={DOCS / 'examples'}", str(script)],
    }
    environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "API": demo, "KEY": "demo"}
    done = subprocess.run(
        commands[language], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environ, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
