"""`pbxapi demo` as a newcomer runs it: a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pbxapi.demo.command import _show_progress

SECONDS = 20.0


@contextlib.contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run it in an empty folder with a spoiled configuration, which must not matter; give it and its welcome."""
    (folder / ".env").write_text("API_SECRET_KEY=x\nAMI_HOST=192.0.2.1\n")
    environ = {**os.environ, "PBX_DRIVER": "issabel"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pbxapi", "demo", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ,
    )  # fmt: skip
    try:
        yield process, read_welcome(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=SECONDS)


def read_welcome(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    text, deadline = "", time.monotonic() + SECONDS
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while "echo" not in text and time.monotonic() < deadline and ready.select(deadline - time.monotonic()):
            received = os.read(process.stdout.fileno(), 65536)
            if not received:
                break
            text += received.decode()
    return text


def test_it_serves_what_it_says_and_ctrl_c_ends_all_of_it_twice(tmp_path: Path) -> None:
    port = "0"
    for _ in range(2):
        with demo(tmp_path, "--port", port) as (process, welcome):
            (url,) = set(re.findall(r"http://127\.0\.0\.1:\d+", welcome))
            port = url.rpartition(":")[2]
            assert f"{url}/docs" in welcome
            assert len(re.findall(r"^  curl ", welcome, re.M)) == 11
            request = urllib.request.Request(f"{url}/peers", headers={"Authorization": "Bearer demo"})
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                assert len(json.load(answer)["items"]) >= 20
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=SECONDS)
            assert process.returncode == 0
            assert b"Traceback" not in output


class Terminal(io.StringIO):
    """Something that can be written over."""

    def isatty(self) -> bool:
        return True


def test_a_bar_grows_on_a_terminal_and_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    for done in (0.1, 0.5, 1.0):
        _show_progress(done)
    first, second, last = terminal.getvalue().split("\r")[1:]
    assert 0 < first.count("#") < second.count("#")
    assert last == "\033[K"


def test_there_is_no_bar_where_nothing_can_be_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    _show_progress(0.5)
    assert capsys.readouterr().out == ""


def test_a_busy_port_is_a_clear_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo(tmp_path, "--port", str(port)) as (process, output):
            assert process.wait(SECONDS) == 1
            assert f"Port {port} is taken" in output
            assert "--port" in output
            assert "make demo PORT=" in output
