"""Ranges out of a file queue_log, and out of those that it was rotated to."""

from __future__ import annotations

import gzip
import os
import re
import tracemalloc
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbxapi.errors import Unavailable
from pbxapi.pbx import queue_log_file
from pbxapi.pbx.queue_log import lines_of
from pbxapi.pbx.queue_log_file import SLACK, QueueLogFile
from pbxapi.pbx.queue_log_files import QueueLogFiles

BEGIN = 1795000000
ENTERED = lines_of("400", ["ENTERQUEUE"])


def line(at: int, number: int = 0) -> bytes:
    return f"{at}|{at}.{number}|400|NONE|ENTERQUEUE||20{number}|1".encode()


def write(path: Path, lines: Iterable[bytes], written: int | None = None) -> Path:
    text = b"".join(each + b"\n" for each in lines)
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    if written is not None:
        os.utime(path, (written, written))
    return path


def nothing() -> None: ...


def between(path: Path, start: int, end: int) -> list[bytes]:
    return texts(QueueLogFile(path).between(start, end, ENTERED, nothing))


def texts(found: Iterable[re.Match[bytes]]) -> list[bytes]:
    return [match[0].lstrip(b"\n\0") for match in found]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.integers(0, 400), min_size=1, max_size=120),
    disorder=st.lists(st.integers(0, SLACK // 2), min_size=120, max_size=120),
    rubbish=st.sets(st.integers(0, 119)),
    start=st.integers(-100, 20_000),
    length=st.integers(0, 20_000),
)
def test_seeking_finds_what_reading_all_would(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    steps: Sequence[int],
    disorder: Sequence[int],
    rubbish: set[int],
    start: int,
    length: int,
) -> None:
    monkeypatch.setattr(queue_log_file, "BLOCK", 256)
    at, written = BEGIN, []
    for number, step in enumerate(steps):
        at += step
        if number in rubbish:
            written.append(b"\x00\xff|rubbish|" + b"x" * (number * 7))
        written.append(line(at - disorder[number], number))
    path = write(tmp_path / "queue_log", written)
    since, until = BEGIN + start, BEGIN + start + length
    wanted = [each for each in written if each[:10].isdigit() and since <= int(each[:10]) < until]
    assert between(path, since, until) == wanted


def test_lines_that_waited_for_their_turn_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_log_file, "BLOCK", 256)
    written = [line(BEGIN + number - (50 if number % 10 == 0 else 0), number) for number in range(1000)]
    path = write(tmp_path / "queue_log", written)
    for start in range(BEGIN, BEGIN + 900, 7):
        wanted = [each for each in written if start <= int(each[:10]) < start + 20]
        assert between(path, start, start + 20) == wanted


def test_little_of_a_large_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "queue_log", (line(BEGIN + number) for number in range(300_000)))
    read: list[None] = []
    start = BEGIN + 200_000
    found = texts(QueueLogFile(path).between(start, start + 10, ENTERED, lambda: read.append(None)))
    assert found == [line(start + number) for number in range(10)]
    assert len(read) <= 4


def test_a_line_that_is_still_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "queue_log"
    path.write_bytes(line(BEGIN) + b"\n" + line(BEGIN + 1))
    assert between(path, BEGIN, BEGIN + 9) == [line(BEGIN)]
    assert QueueLogFile(path).last() == BEGIN


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "queue_log"
    path.write_bytes(line(BEGIN) + b"\n" + b"\0" * 5_000_000 + line(BEGIN + 1) + b"\n")
    tracemalloc.start()
    try:
        assert between(path, BEGIN, BEGIN + 9) == [line(BEGIN), line(BEGIN + 1)]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_first_and_last(tmp_path: Path) -> None:
    path = write(tmp_path / "queue_log", [b"rubbish", *(line(BEGIN + number) for number in range(5000))])
    assert (QueueLogFile(path).first(), QueueLogFile(path).last()) == (BEGIN, BEGIN + 4999)
    empty = write(tmp_path / "empty", [])
    assert (QueueLogFile(empty).first(), QueueLogFile(empty).last(), between(empty, 0, BEGIN)) == (None, None, [])


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "queue_log")
    with pytest.raises(Unavailable):
        QueueLogFile(tmp_path / "queue_log").first()
    with pytest.raises(Unavailable):
        between(tmp_path / "missing", 0, 1)


def test_a_damaged_archive_is_said_to_be_unreadable(tmp_path: Path) -> None:
    path = write(tmp_path / "queue_log.1.gz", (line(BEGIN + number) for number in range(9000)))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(Unavailable):
        between(path, BEGIN, BEGIN + 9000)


DAY = 86_400


def day(number: int) -> list[bytes]:
    """Two lines of a day."""
    return [line(BEGIN + number * DAY, number), line(BEGIN + number * DAY + 3600, number)]


@pytest.mark.parametrize(
    "names",
    [
        ("queue_log.0", "queue_log.1", "queue_log.2"),
        ("queue_log.2", "queue_log.1", "queue_log.0"),
        ("queue_log.3.gz", "queue_log.2.gz", "queue_log.1"),
        ("queue_log-20261118.gz", "queue_log-20261119.gz", "queue_log-20261120"),
        (f"queue_log.{BEGIN}", f"queue_log.{BEGIN + DAY}", f"queue_log.{BEGIN + 2 * DAY}"),
    ],
)
def test_rotated_files_are_read_in_the_order_of_time(tmp_path: Path, names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        write(tmp_path / name, day(number), BEGIN + number * DAY + 3600)
    write(tmp_path / "queue_log", day(3))
    files = QueueLogFiles(str(tmp_path / "queue_log"))
    assert texts(files.between(BEGIN, BEGIN + 4 * DAY, ENTERED, nothing)) == [*day(0), *day(1), *day(2), *day(3)]
    assert texts(files.between(BEGIN + DAY, BEGIN + DAY + 5, ENTERED, nothing)) == day(1)[:1]
    assert texts(files.between(BEGIN + 3 * DAY + 3600, BEGIN + 4 * DAY, ENTERED, nothing)) == day(3)[1:]
    assert files.first(BEGIN) == BEGIN
    assert files.last() == BEGIN + 3 * DAY + 3600


def test_what_is_no_rotated_log_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "queue_log", day(3))
    write(tmp_path / "queue_log.1", day(2), BEGIN + 3 * DAY)
    # The same, half packed; links; copies by hand; another log.
    write(tmp_path / "queue_log.1.gz", day(2), BEGIN + 3 * DAY)
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere" / "file", day(1))
    (tmp_path / "queue_log.2").symlink_to(tmp_path / "elsewhere" / "file")
    for name in ("queue_log.bak", "queue_log.1.orig", "queue_log_old.1", "queue_logs.1"):
        write(tmp_path / name, day(1))
    os.mkfifo(tmp_path / "queue_log.5")
    write(tmp_path / "queue_log.6", [b"no log at all"])
    files = QueueLogFiles(str(tmp_path / "queue_log"))
    assert texts(files.between(BEGIN, BEGIN + 9 * DAY, ENTERED, nothing)) == [*day(2), *day(3)]


def test_right_after_a_rotation_the_log_is_that_of_before(tmp_path: Path) -> None:
    write(tmp_path / "queue_log.0", day(0), BEGIN + 3600)
    write(tmp_path / "queue_log", [])
    files = QueueLogFiles(str(tmp_path / "queue_log"))
    assert texts(files.between(BEGIN, BEGIN + DAY, ENTERED, nothing)) == day(0)
    assert files.last() == BEGIN


def test_a_log_that_is_not_there_is_not_readable(tmp_path: Path) -> None:
    files = QueueLogFiles(str(tmp_path / "no" / "queue_log"))
    assert (files.readable, files.forbidden) == (False, False)
