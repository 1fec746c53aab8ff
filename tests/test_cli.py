from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest

from pbxapi.cli import main

KEY = "0123456789abcdef"


def run(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pbxapi", *arguments]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("API_", "AMI_", "STORE_"))}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**plain, **environ}, timeout=60, check=False
    )


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out == f"pbxapi {version('pbxapi')}\n"


def test_no_command_is_a_fault_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main([])
    assert done.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_a_configuration_that_cannot_be_used_is_said_in_plain_lines(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AMI_PORT=none\n")
    done = run("serve", "--bind", "127.0.0.1:0", cwd=tmp_path)
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["API_SECRET_KEY", "AMI_PORT"]


@pytest.mark.parametrize("option", ["--workers=0", "--threads=many"])
def test_numbers_of_processes_and_threads_are_checked(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["serve", option])
    assert done.value.code == 2
    assert option.partition("=")[0] in capsys.readouterr().err


def test_the_document_is_written_without_any_configuration(tmp_path: Path) -> None:
    printed = run("openapi", cwd=tmp_path)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert json.loads(printed.stdout)["openapi"] == "3.1.0"
    assert run("openapi", "--output", "out.json", cwd=tmp_path).returncode == 0
    assert (tmp_path / "out.json").read_text() == printed.stdout
    assert [found.name for found in tmp_path.iterdir()] == ["out.json"]


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve on a free port, and give the address it says it listens at."""
    assert run("migrate", cwd=folder, API_SECRET_KEY=KEY).returncode == 0
    command = [sys.executable, "-m", "pbxapi", "serve", "--bind", "127.0.0.1:0", *arguments]
    environ = {**os.environ, "API_SECRET_KEY": KEY, "HOME": str(folder), "LOG_PATH": str(folder / "log")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder, env=environ) as process:
        try:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if "Listening at" in line:
                    break
            found = re.search(r"Listening at: (http://\S+)", said)
            assert found, said
            yield found.group(1), process
        finally:
            process.terminate()
            process.wait(30)


def status(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize("workers", ["1", "4"])
def test_it_serves_and_ends_cleanly(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path, "--workers", workers, "--threads", "2") as (url, process):
        assert status(f"{url}/health/live") == 200
        assert status(f"{url}/peers") == 401
        # gunicorn by itself believes a peer on loopback about the scheme, and about the mount path.
        assert status(f"{url}/openapi.json", **{"SCRIPT-NAME": "/x", "X-Forwarded-Proto": "https"}) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["status"] for line in lines if "ms" in line] == [200, 401, 200]
    # Beside the log and the store, nothing: gunicorn by itself would put a control socket into the home folder.
    assert {found.name.split("-")[0] for found in tmp_path.iterdir()} <= {"log", "pbxapi.db"}


def counted(url: str) -> tuple[float, int]:
    """How many `/health/live` all workers counted together, and how often the version is told."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as response:
        text = response.read().decode()
    found = re.search(r'^pbxapi_requests_total\{method="GET",route="/health/live",status="200"\} (\S+)$', text, re.M)
    return (float(found[1]) if found else 0.0), text.count("pbxapi_build{")


@pytest.mark.parametrize("workers", ["2", "4"])
def test_whichever_worker_is_scraped_tells_the_sum_and_a_killed_ones_counts_stay(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path, "--workers", workers, "--threads", "2") as (url, process):
        assert {status(f"{url}/health/live") for _ in range(30)} == {200}
        assert counted(url) == (30, 1)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        assert {status(f"{url}/health/live") for _ in range(10)} <= {200}
        assert counted(url) == (40, 1)
