"""Conversions by stand-ins for the programs: what they are told, and that none of them outlives its use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pbxapi.errors import NotConverted, NotSupported, Unavailable
from pbxapi.pbx.history import OpenRecording
from pbxapi.pbx.recording_convert import Converter, command
from tests.things_recordings import SOUND

Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put a stand-in where programs are looked for, and nothing else; the file with its process id."""
    before = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))

    def stand_in(name: str, body: str) -> Path:
        script, pid = tmp_path / name, tmp_path / "pid"
        script.write_text(f"#!/bin/sh\necho $$ > {pid}\nPATH={before}\n{body}\n")
        script.chmod(0o755)
        return pid

    return stand_in


def opened(tmp_path: Path, kind: str | None = "wav") -> OpenRecording:
    path = tmp_path / "call.wav"
    path.write_bytes(SOUND)
    file = path.open("rb", buffering=0)
    return OpenRecording(file, "call.wav", "call.wav", kind, "audio/wav", len(SOUND), datetime.now(UTC), '"1"')


def is_running(pid: Path) -> bool:
    return Path(f"/proc/{pid.read_text().strip()}").exists()


def test_a_stream_has_all_that_the_program_writes(tmp_path: Path, program: Program) -> None:
    pid = program("ffmpeg", "exec cat")
    recording = opened(tmp_path)
    assert b"".join(Converter().convert(recording, "mp3")) == SOUND
    assert recording.file.closed
    assert not is_running(pid)


def test_one_that_takes_too_long_is_ended_and_its_place_is_free(tmp_path: Path, program: Program) -> None:
    pid = program("sox", "echo beginning; exec sleep 60")
    converter = Converter(at_once=1, longest=0.3)
    for _ in range(2):
        stream = converter.convert(opened(tmp_path), "ogg")
        assert next(stream) == b"beginning\n"
        with pytest.raises(NotConverted):
            next(stream)
        assert not is_running(pid)
        stream.close()


def test_one_that_nobody_reads_gives_its_place_back_in_time(tmp_path: Path, program: Program) -> None:
    program("sox", "echo beginning; exec sleep 60")
    converter = Converter(at_once=1, longest=0.2)
    left_alone = converter.convert(opened(tmp_path), "ogg")
    with pytest.raises(Unavailable):
        converter.convert(opened(tmp_path), "ogg")
    with pytest.raises(NotConverted):
        list(left_alone)
    left_alone.close()
    converter.convert(opened(tmp_path), "ogg").close()


def test_closing_twice_gives_one_place_back(tmp_path: Path, program: Program) -> None:
    program("ffmpeg", "exec cat")
    converter = Converter(at_once=1)
    for _ in range(3):
        stream = converter.convert(opened(tmp_path), "mp3")
        stream.close()
        stream.close()
        assert list(stream) == []


def test_no_thread_and_no_descriptor_is_left(tmp_path: Path, program: Program) -> None:
    program("ffmpeg", "exit 1")
    threads, before = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(NotConverted):
            Converter().convert(opened(tmp_path), "mp3")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(5)
    assert threading.active_count() <= threads


def test_what_a_program_does_not_read_is_given_to_the_other_or_refused(tmp_path: Path, program: Program) -> None:
    with pytest.raises(NotSupported, match="neither ffmpeg nor sox"):
        command("wav", "mp3")
    program("sox", "")
    assert command("gsm", "mp3")[1:] == ["-V1", "-t", "gsm", "-", "-t", "mp3", "-"]
    with pytest.raises(NotSupported, match="g722"):
        command("g722", "mp3")
    program("ffmpeg", "")
    words = command("ulaw", "ogg")
    assert words[words.index("-i") + 1] == "pipe:0"
    assert words[words.index("-protocol_whitelist") + 1] == "pipe"
    assert words[words.index("-f") + 1] == "mulaw"
    with pytest.raises(NotSupported):
        Converter().convert(opened(tmp_path, None), "mp3")


def test_a_program_that_cannot_be_started_is_said_so(tmp_path: Path, program: Program) -> None:
    program("ffmpeg", "")
    (tmp_path / "ffmpeg").write_text("#!/nowhere/at/all\n")
    converter = Converter(at_once=1)
    for _ in range(2):
        with pytest.raises(NotConverted):
            converter.convert(opened(tmp_path), "mp3")
