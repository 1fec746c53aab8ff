"""What a folder takes up, counted as `du -x` counts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pbxapi.pbx import host_walk

LATER = float("inf")


def du(folder: Path) -> int:
    printed = subprocess.run(["du", "-sx", "--block-size=1", folder], check=True, capture_output=True, text=True)
    return int(printed.stdout.split()[0])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "monitor"
    for day in ("01", "02"):
        (top / "2026" / day).mkdir(parents=True)
        for n in range(3):
            (top / "2026" / day / f"{n}.wav").write_bytes(b"x" * 10_000 * (n + 1))
    return top


def test_bytes_are_those_of_du(tree: Path) -> None:
    found = host_walk.measured(str(tree), LATER)
    assert (found["state"], found["files"], found["reason"]) == ("ready", 6, None)
    assert found["bytes"] == du(tree)


def test_a_file_with_several_names_counts_once(tree: Path) -> None:
    before = host_walk.measured(str(tree), LATER)["bytes"]
    os.link(tree / "2026/01/2.wav", tree / "2026/02/same.wav")
    assert host_walk.measured(str(tree), LATER)["bytes"] == before == du(tree)


def test_links_inside_are_not_followed(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 1_000_000)
    (tree / "to-folder").symlink_to(outside)
    (tree / "to-file").symlink_to(outside / "large")
    (tree / "to-itself").symlink_to(tree)
    found = host_walk.measured(str(tree), LATER)
    assert found["bytes"] == du(tree)
    assert found["bytes"] < 1_000_000


def test_a_link_that_is_the_folder_itself_is_followed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    assert host_walk.measured(str(tmp_path / "link"), LATER)["bytes"] == du(tree)


def test_what_is_on_another_device_is_left_out(tree: Path) -> None:
    count = host_walk.Count(LATER)
    count.walk(str(tree), device=-1)
    assert count.files == 0


def test_a_folder_that_is_not_there_is_absent(tmp_path: Path) -> None:
    found = host_walk.measured(str(tmp_path / "none"), LATER)
    assert (found["state"], found["bytes"]) == ("absent", None)


def test_a_folder_that_cannot_be_read_makes_it_partial(tree: Path) -> None:
    # No user may read it, root neither: its path is longer than the kernel takes.
    folder = os.open(tree, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=folder)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    found = host_walk.measured(str(tree), LATER)
    assert (found["state"], found["reason"]) == ("partial", "1 of its folders could not be read")
    assert found["files"] == 6


def test_it_stops_when_its_time_is_over(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_walk, "REST_AFTER", 0)
    found = host_walk.measured(str(tree), time.monotonic() - 1)
    assert found["state"] == "partial"
    assert "time was over" in found["reason"]
    assert found["files"] < 6


def run(tmp_path: Path, *folders: str) -> None:
    words = [sys.executable, "-I", host_walk.__file__, f"{tmp_path}/x.lock", f"{tmp_path}/x.json", "60", *folders]
    subprocess.run(words, check=True, timeout=60, cwd="/")


def test_the_program_leaves_its_result_for_its_own_user_and_group(tree: Path, tmp_path: Path) -> None:
    run(tmp_path, f"recordings={tree}", f"backups={tmp_path}/none")
    result = tmp_path / "x.json"
    found = json.loads(result.read_text())
    assert found["purposes"]["recordings"]["bytes"] == du(tree)
    assert found["purposes"]["backups"]["state"] == "absent"
    assert found["finished_at"] <= time.time()
    assert result.stat().st_mode & 0o137 == 0


def test_the_program_keeps_what_was_found_before_until_it_knows_better(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"purposes": {"logs": {"bytes": 7}}}')
    run(tmp_path, f"recordings={tree}")
    assert json.loads((tmp_path / "x.json").read_text())["purposes"]["logs"] == {"bytes": 7}


def test_a_second_program_leaves_the_first_alone(tree: Path, tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "x.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        run(tmp_path, f"recordings={tree}")
    assert not (tmp_path / "x.json").exists()
