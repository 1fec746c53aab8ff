"""Programs as scripts on disk, run for real."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pbxapi.pbx.run_program import MOST, Ended, _Kept, run_program
from tests.real.deadline import eventually


def script(folder: Path, text: str) -> list[str]:
    program = folder / "program"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return [str(program)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody has waited for yet is not alive.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_both_channels_and_the_status_are_told(tmp_path: Path) -> None:
    words = script(tmp_path, "echo out; echo err >&2; exit 7")
    assert run_program(words, 10) == Ended("out\nerr\n", 7)


def test_arguments_reach_it_as_they_are(tmp_path: Path) -> None:
    words = [*script(tmp_path, 'for each; do echo "[$each]"; done'), "a b", "$(id)", "; true", "*"]
    assert run_program(words, 10).output == "[a b]\n[$(id)]\n[; true]\n[*]\n"


def test_nothing_of_our_environment_reaches_it_and_its_input_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_SECRET_KEY", "hunter2")
    monkeypatch.setenv("SHELL", "/bin/bash")
    output = run_program(script(tmp_path, "env; pwd; cat; umask"), 10).output
    assert "hunter2" not in output
    assert "SHELL=" not in output
    assert {"LANG=C.UTF-8", "/", "0022"} <= set(output.splitlines())


def test_of_a_long_output_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    words = script(tmp_path, "echo first; head -c 10000000 /dev/zero | tr '\\0' x; echo last")
    ended = run_program(words, 30)
    assert ended.status == 0
    assert ended.output.startswith("first\n")
    assert ended.output.endswith("last\n")
    assert len(ended.output) == MOST


def test_no_more_than_that_is_held_while_it_prints() -> None:
    kept = _Kept()
    for _ in range(100):
        kept.add(b"x" * 65536)
        assert len(kept._head) + len(kept._tail) <= 2 * MOST


def test_what_takes_too_long_ends_with_all_that_it_has_started(tmp_path: Path) -> None:
    words = script(tmp_path, "trap '' TERM; sleep 60 & echo $!; wait; sleep 60")
    ended = run_program(words, 0.3)
    assert ended.status is None
    eventually(lambda: not alive(int(ended.output)), "the child is gone")


def test_a_child_that_keeps_the_channel_open_does_not_keep_us(tmp_path: Path) -> None:
    words = script(tmp_path, "sleep 60 & echo $!; echo done")
    ended = run_program(words, 5)
    child, done = ended.output.split()
    try:
        assert (done, ended.status) == ("done", 0)
        assert alive(int(child)), "a reload may start servers: they stay"
    finally:
        os.kill(int(child), signal.SIGKILL)


def test_a_child_that_prints_for_ever_does_not_keep_us(tmp_path: Path) -> None:
    ended = run_program(script(tmp_path, f"yes & echo $! > {tmp_path}/pid"), 5)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert ended.status == 0


def test_one_that_is_killed_has_the_signal_as_its_status(tmp_path: Path) -> None:
    assert run_program(script(tmp_path, "kill -9 $$"), 10).status == -signal.SIGKILL


def test_one_that_is_not_there_or_no_program_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        run_program([str(tmp_path / "missing")], 10)
    (tmp_path / "data").write_text("x")
    with pytest.raises(PermissionError):
        run_program([str(tmp_path / "data")], 10)
