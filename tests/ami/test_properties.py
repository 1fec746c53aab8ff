"""What must hold for any bytes and any messages."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from pbxapi.ami import AmiInvalid, AmiProtocolError, Message
from pbxapi.ami.protocol import Framer, action_id_of, encode, event_of

# bytes that mean something to the protocol turn up often
pieces = st.sampled_from(
    [b"\r\n", b"\r", b"\n", b"\r\n\r\n", b": ", b":", b"A", b"Event: x", b"\r\nActionID: 1", b"\xe9"]
)
streams = st.lists(pieces | st.binary(max_size=20), max_size=40).map(b"".join)
names = st.text("ABCabc019-", min_size=1, max_size=10)
texts = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30)
values = texts.map(lambda text: text.strip(" \t"))
messages = st.lists(st.tuples(names, values), min_size=1, max_size=8)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(marks)]


def feed(framer: Framer, parts: list[bytes]) -> list[bytes] | str:
    try:
        return [block for part in parts for block in framer.feed(part)]
    except AmiProtocolError as error:
        return str(error)


@given(streams, st.lists(st.integers(0, 10_000), max_size=10), st.booleans())
def test_any_chunking_gives_the_same_messages(data: bytes, places: list[int], greeting: bool) -> None:
    assert feed(Framer(greeting=greeting), cut(data, places)) == feed(Framer(greeting=greeting), [data])


@given(streams, st.lists(st.integers(0, 10_000), max_size=10))
def test_bounds_hold_however_the_bytes_are_cut(data: bytes, places: list[int]) -> None:
    framer = Framer(greeting=False, max_line=10, max_message=30)
    for part in cut(data, places):
        try:
            blocks = framer.feed(part)
        except AmiProtocolError:
            break
        assert framer.buffered <= 35  # with the parts of empty lines
        assert all(len(block) <= 30 for block in blocks)
    assert framer.buffered <= 35


@given(streams)
def test_no_bytes_raise_anything_but_the_protocols_own_error(data: bytes) -> None:
    blocks = feed(Framer(max_line=100, max_message=200), [data])
    for block in blocks if isinstance(blocks, list) else []:
        message = Message(block)
        assert message.event is not None
        assert message.get("x") is not None
        assert len(message.items()) == block.count(b"\r\n") + 1
        action_id_of(block)
        event_of(block)


@settings(max_examples=200)
@given(st.lists(messages, max_size=8), st.lists(st.integers(0, 10_000), max_size=10))
def test_the_messages_that_go_in_come_out(sent: list[list[tuple[str, str]]], places: list[int]) -> None:
    blocks = [b"\r\n".join(f"{name}: {value}".encode() for name, value in message) for message in sent]
    data = b"".join(block + b"\r\n\r\n" for block in blocks)
    framer = Framer(greeting=False)
    came = [block for part in cut(data, places) for block in framer.feed(part)]
    assert came == blocks
    assert framer.buffered == 0
    assert [Message(block).items() for block in came] == sent
    for message, fields in zip(map(Message, came), sent, strict=True):
        first = dict(reversed(fields))
        assert {name: message[name] for name in first} == first


@given(st.text(max_size=20), st.lists(st.tuples(st.text(max_size=10) | names, st.text(max_size=20)), max_size=5))
def test_what_is_sent_is_one_message_with_those_headers(action: str, fields: list[tuple[str, str]]) -> None:
    try:
        data = encode(action, fields, "id-1")
    except AmiInvalid:
        return
    assert data.count(b"\r\n\r\n") == 1
    assert data.endswith(b"\r\n\r\n")
    lines = data[:-4].split(b"\r\n")
    assert [line.decode().split(": ", 1) for line in lines] == [
        [name, value] for name, value in [("Action", action), ("ActionID", "id-1"), *fields]
    ]
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\0" not in data
