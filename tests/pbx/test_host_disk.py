"""Bytes by purpose: nobody waits for a count, and one count serves all processes."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

import pytest

from pbxapi.pbx.host_disk import DiskUse
from tests.real.deadline import eventually

Make = Callable[..., DiskUse]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "monitor"
    made.mkdir()
    (made / "one.wav").write_bytes(b"x" * 50_000)
    return made


@pytest.fixture
def make(tmp_path: Path, folder: Path) -> Iterator[Make]:
    made = []

    def use(**folders: str) -> DiskUse:
        made.append(DiskUse(folders or {"recordings": str(folder)}, tmp_path / "store.db.disk.lock", UTC))
        return made[-1]

    yield use
    for each in made:
        each.close()


def test_the_first_answer_says_that_it_is_being_measured_and_a_later_one_has_the_bytes(make: Make) -> None:
    use = make()
    [first] = use.purposes()
    assert (first.state, first.bytes, first.measured_at) == ("measuring", None, None)
    eventually(lambda: use.purposes()[0].state == "ready", "counted", 60)
    [later] = use.purposes()
    assert (later.bytes or 0) >= 50_000
    assert later.files == 1
    assert later.measured_at is not None


def test_another_process_has_what_one_has_counted(make: Make) -> None:
    use = make()
    eventually(lambda: use.purposes()[0].state == "ready", "counted", 60)
    other = make()
    assert other.purposes()[0].state == "ready"


def test_no_second_count_is_started_while_one_is_at_work(make: Make, tmp_path: Path) -> None:
    with (tmp_path / "store.db.disk.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        use = make()
        assert use.purposes()[0].state == "measuring"
        assert use._process is None
    use.purposes()
    assert use._process is not None


def kept(tmp_path: Path, folder: Path, age: float, seconds: float = 1.0) -> None:
    import time

    at = time.time() - age
    purpose = {
        "path": str(folder), "state": "ready", "bytes": 7, "files": 1, "measured_at": at, "reason": None,
    }  # fmt: skip
    text = json.dumps({"finished_at": at, "seconds": seconds, "purposes": {"recordings": purpose}})
    (tmp_path / "store.db.disk.json").write_text(text)


@pytest.mark.parametrize(
    ("age", "seconds", "counted"), [(800, 1, False), (1000, 1, True), (1000, 300, False), (4000, 300, True)]
)
def test_an_old_count_is_told_and_made_anew(
    make: Make, tmp_path: Path, folder: Path, age: float, seconds: float, counted: bool
) -> None:
    kept(tmp_path, folder, age, seconds)
    use = make()
    assert (use.purposes()[0].state, use.purposes()[0].bytes) == ("ready", 7)
    assert (use._process is not None) == counted


def test_a_count_of_another_folder_does_not_stand_for_this_one(make: Make, tmp_path: Path, folder: Path) -> None:
    kept(tmp_path, tmp_path / "elsewhere", 1)
    assert make().purposes()[0].state == "measuring"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"purposes": 3}', '{"purposes": {"recordings": {"path": 1}}}'])
def test_a_result_that_makes_no_sense_is_as_none(make: Make, tmp_path: Path, text: str) -> None:
    (tmp_path / "store.db.disk.json").write_text(text)
    assert make().purposes()[0].state == "measuring"


def test_a_result_behind_a_link_is_not_read(make: Make, tmp_path: Path, folder: Path) -> None:
    kept(tmp_path, folder, 1)
    (tmp_path / "store.db.disk.json").rename(tmp_path / "other.json")
    (tmp_path / "store.db.disk.json").symlink_to(tmp_path / "other.json")
    assert make().purposes()[0].state == "measuring"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_result_of_somebody_else_is_not_read(make: Make, tmp_path: Path, folder: Path) -> None:
    kept(tmp_path, folder, 1)
    os.chown(tmp_path / "store.db.disk.json", 12345, -1)
    assert make().purposes()[0].state == "measuring"


def test_a_count_that_cannot_be_started_is_told(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    use = make()
    use.purposes()
    [told] = use.purposes()
    assert (told.state, told.bytes) == ("partial", None)
    assert "cannot be counted" in caplog.text
