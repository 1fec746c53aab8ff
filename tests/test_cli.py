from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest

from pbxapi.cli import main
from tests.things_serve import run, serving, status


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


def test_whichever_worker_is_scraped_tells_the_sum_and_a_killed_ones_counts_stay(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "4", "--threads", "2") as (url, process):
        assert {status(f"{url}/health/live") for _ in range(30)} == {200}
        assert counted(url) == (30, 1)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        assert {status(f"{url}/health/live") for _ in range(10)} <= {200}
        assert counted(url) == (40, 1)


def test_workers_that_were_replaced_leave_their_counts_and_no_files(tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    counts.mkdir()

    with serving(tmp_path, "--workers", "1", "--threads", "2", PROMETHEUS_MULTIPROC_DIR=str(counts)) as (url, process):

        def workers() -> set[str]:
            return {file.stem.rpartition("_")[2] for file in counts.glob("*.db")} - {"ended", str(process.pid)}

        for round_ in range(1, 3):
            before = workers()
            assert {status(f"{url}/health/live") for _ in range(10)} == {200}
            assert counted(url) == (round_ * 10, 1)
            process.send_signal(signal.SIGHUP)
            by_then = time.monotonic() + 20
            while not (now := workers()) or now & before:
                assert time.monotonic() < by_then, now
                time.sleep(0.05)
        assert counted(url) == (20, 1)
        assert {status(f"{url}/health/live") for _ in range(10)} == {200}
        assert counted(url) == (30, 1)
