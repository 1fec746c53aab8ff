"""Transcripts of real Asterisk 16 and 22 parse to the same messages however their bytes arrive.

A small set lies here. All of them are tried when PBXAPI_CAPTURES names the folder that holds the folders 16 and 22.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pbxapi.ami import Message
from pbxapi.ami.protocol import Framer, action_id_of, event_of

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("PBXAPI_CAPTURES") or HERE.parents[2] / "shared" / "data" / "ami")


def captures() -> list[Path]:
    every = [*HERE.glob("captures/*.txt"), *FOLDER.glob("16/*.txt"), *FOLDER.glob("22/*.txt")]
    # ARI and the manager over HTTP are other protocols; a server's answer to an HTTP request on the AMI port is not
    return [path for path in sorted(every) if not path.read_bytes().startswith(b"HTTP ")]


def parse(*pieces: bytes) -> list[list[tuple[str, str]]]:
    framer = Framer(greeting=pieces[0].startswith(b"A"))
    messages = [block for piece in pieces for block in framer.feed(piece)]
    assert framer.buffered in (0, 2)  # 2: an extra empty line, in time for the next message
    return [Message(block).items() for block in messages]


def by_hand(data: bytes) -> list[list[tuple[str, str]]]:
    """The same by another way: line by line."""
    messages: list[list[tuple[str, str]]] = [[]]
    for raw in data.split(b"\r\n"):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            line = raw.decode("latin-1")
        if not line:
            messages.append([])
        elif line.startswith("Asterisk Call Manager"):
            messages.append([("", line)])
            messages.append([])
        elif ":" in line:
            name, value = line.split(":", 1)
            value = value[1:].rstrip(" \r\n\t") if name == "Output" else value.strip(" \r\n\t")
            messages[-1].append((name, value))
        else:
            messages[-1].append(("", line.strip()))
    return [message for message in messages if message]


@pytest.mark.parametrize("path", captures(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_transcript_parses_whole_byte_by_byte_and_glued(path: Path) -> None:
    data = path.read_bytes()
    whole = parse(data)
    assert whole == by_hand(data)
    assert parse(*(data[at : at + 1] for at in range(len(data)))) == whole
    for size in (2, 3, 7, 1000):
        assert parse(*(data[at : at + size] for at in range(0, len(data), size))) == whole


def test_transcripts_glued_to_one_stream_parse_to_all_their_messages() -> None:
    every = [path.read_bytes() for path in captures()]
    every = [data for data in every if not data.startswith(b"Asterisk")]
    assert parse(b"".join(every)) == [message for data in every for message in parse(data)]


@pytest.mark.parametrize("path", captures(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_the_reader_sees_is_what_the_caller_parses(path: Path) -> None:
    data = path.read_bytes()
    for block in Framer(greeting=data.startswith(b"Asterisk")).feed(data):
        message = Message(block)
        assert event_of(block).decode() == message.event
        assert action_id_of(block).decode("latin-1") in ["", *message.all("ActionID")]
        for name, value in message.items():
            if name:
                assert message.all(name).count(value) >= 1
                assert message[name.upper()] == message.all(name)[0]


def capture(name: str) -> list[Message]:
    data = (HERE / "captures" / f"{name}.txt").read_bytes()
    return [Message(block) for block in Framer(greeting=data.startswith(b"Asterisk")).feed(data)]


def test_a_value_that_ends_in_a_bare_line_feed() -> None:
    [message] = capture("22-pjsipshowendpoint-nosuch")
    assert message["Message"] == "Unable to retrieve endpoint 999"


def test_a_line_with_no_colon() -> None:
    [message] = capture("22-getconfig-nosuchcat")
    assert message.items()[-1] == ("", "No categories found")
    assert message["Response"] == "Success"


def test_a_latin1_name() -> None:
    assert capture("22-edge-callerid-latin1")[1]["CallerIDName"] == "José Ñandú"


def test_a_utf8_name() -> None:
    assert capture("22-edge-callerid-utf8")[1]["CallerIDName"] == "José Ñandú 日本"


def test_an_originate_response_is_an_event() -> None:
    message = capture("22-originate-async-badchannel")[1]
    assert (message.event, message.response) == ("OriginateResponse", "Failure")


def test_a_repeated_header() -> None:
    message = capture("22-status-call-variables")[1]
    assert len(message.all("Variable")) > 1
    assert message["Variable"] == message.all("Variable")[0]


def test_output_keeps_its_indentation() -> None:
    lines = capture("22-command-parking-show")[0].all("Output")
    assert lines[0] == ""
    assert "  Space               :  701" in lines
