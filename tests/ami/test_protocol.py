"""The framer's bounds, messages and what may be sent."""

from __future__ import annotations

import time

import pytest

from pbxapi.ami import AmiInvalid, AmiProtocolError, Message
from pbxapi.ami.protocol import Framer, action_id_of, encode, event_of


def test_empty_messages_and_extra_empty_lines_are_dropped() -> None:
    framer = Framer(greeting=False)
    assert framer.feed(b"\r\n\r\n\r\n\r\nA: 1\r\n\r\n\r\nB: 2\r\n\r\n\r\n\r\nC: 3\r\n\r\n") == [
        b"A: 1",
        b"B: 2",
        b"C: 3",
    ]


def test_the_greeting_is_the_first_line() -> None:
    assert Framer().feed(b"Asterisk Call Manager/5.0.4\r\nA: 1\r\n\r\n") == [b"Asterisk Call Manager/5.0.4", b"A: 1"]


def test_utf8_cut_between_two_reads() -> None:
    framer = Framer(greeting=False)
    data = "CallerIDName: José 日本\r\n\r\n".encode()
    for at in range(len(data)):
        first, second = framer.feed(data[:at]), framer.feed(data[at:])
        [block] = first + second
        assert Message(block)["CallerIDName"] == "José 日本"


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"x" * 2000, "greeting"),
        (b"Asterisk Call Manager/1\r\n" + b"A: " + b"x" * 101 + b"\r\n\r\n", "line of more than 100"),
        (b"Asterisk Call Manager/1\r\n" + b"x" * 500, "line of more than 100"),
        (b"Asterisk Call Manager/1\r\n" + b"A: 12345\r\n" * 110 + b"\r\n", "message of more than 1000"),
        (b"Asterisk Call Manager/1\r\n" + b"A: 12345\r\n" * 500, "message of more than 1000"),
    ],
)
def test_what_the_peer_sends_is_bounded(data: bytes, words: str, size: int) -> None:
    framer = Framer(max_line=100, max_message=1000)
    with pytest.raises(AmiProtocolError, match=words):
        for at in range(0, len(data), size):
            framer.feed(data[at : at + size])
            assert framer.buffered <= 1100
    assert framer.buffered == 0


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_what_just_fits_is_taken(size: int) -> None:
    line, message = b"A: " + b"x" * 97, b"B: 12345678\r\n" * 76 + b"B: 12345678"
    assert (len(line), len(message)) == (100, 999)
    data = line + b"\r\n\r\n\r\n" + message + b"\r\n\r\n"
    framer = Framer(greeting=False, max_line=100, max_message=1000)
    assert [b for at in range(0, len(data), size) for b in framer.feed(data[at : at + size])] == [line, message]


def test_a_big_message_in_small_pieces_costs_time_in_proportion() -> None:
    def seconds(lines: int) -> float:
        data = b"Line-000000-000000: some=value\r\n" * lines + b"\r\n"
        framer = Framer(greeting=False)
        started = time.process_time()
        for at in range(0, len(data), 64):
            framer.feed(data[at : at + 64])
        return time.process_time() - started

    small, big = min(seconds(4000) for _ in range(3)), min(seconds(40_000) for _ in range(3))
    assert big < small * 40  # 10 times the bytes; were each read to search all, it would be 100


def test_the_first_of_two_action_ids_counts() -> None:
    assert action_id_of(b"Response: Success\r\nActionID: 1\r\nMessage: x\r\nActionID: 2") == b"1"
    assert action_id_of(b"Response: Success\r\nMessage: ActionID: 2") == b""


def test_only_what_begins_as_an_event_is_one_to_the_reader() -> None:
    # a dialplan value with line ends in it, printed raw by Getvar, must not turn a response into an event
    assert event_of(b"Response: Success\r\nValue: x\r\nEvent: Forged") == b""
    assert event_of(b"Event: Hangup\r\nX: y") == b"Hangup"


def test_headers_are_found_in_any_case_and_the_first_value_counts() -> None:
    message = Message(b"Response: Success\r\nState: 1\r\nstate: 2\r\nSTATE:3\r\nEmpty:\r\nno colon")
    assert message["State"] == message["STATE".title()] == "1"
    assert message["sTaTe"] == "1"
    assert message.all("state") == ["1", "2", "3"]
    assert message["empty"] == ""
    assert message.get("none", "there") == "there"
    with pytest.raises(KeyError):
        message["no colon"]


def test_what_python_takes_for_line_ends_is_data() -> None:
    value = "a\x0bb\x0cc\x1cd\x85e\u2028f"
    assert Message(f"Value: {value}\r\nB: 1".encode()).items() == [("Value", value), ("B", "1")]


def test_only_the_line_that_is_not_utf8_is_read_as_latin1() -> None:
    message = Message("A: José".encode() + b"\r\n" + "B: José".encode("latin-1"))
    assert (message["A"], message["B"]) == ("José", "José")


def test_the_repr_of_a_message_shows_no_values() -> None:
    assert repr(Message(b"Event: AuthDetail\r\nPassword: secret")) == "<Message AuthDetail, 35 bytes>"


def test_an_action_in_bytes() -> None:
    data = encode("Originate", [("Channel", "PJSIP/101"), ("CallerID", "José <1>")], "id-1")
    assert data == "Action: Originate\r\nActionID: id-1\r\nChannel: PJSIP/101\r\nCallerID: José <1>\r\n\r\n".encode()


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\r\n", "x\r\nAction: Command", "\ud800"])
def test_a_value_that_would_inject_is_refused(bad: str) -> None:
    for action, fields, action_id, header in [
        (bad, [], "1", "Action"),
        ("Ping", [("Variable", "a"), ("Data", f"x{bad}y")], "1", "Data"),
        ("Ping", [], bad, "ActionID"),
    ]:
        with pytest.raises(AmiInvalid) as invalid:
            encode(action, fields, action_id)
        assert invalid.value.header == header
        assert bad not in str(invalid.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ActionID", "ACTION", "é", "a\n", "a\0"])
def test_a_name_that_is_no_header_is_refused(name: str) -> None:
    with pytest.raises(AmiInvalid) as invalid:
        encode("Ping", [(name, "x")], "1")
    assert invalid.value.header == name


def test_vertical_tab_and_other_separators_may_be_sent() -> None:
    assert "a\x0b\x85\u2028b".encode() in encode("Ping", [("X", "a\x0b\x85\u2028b")], "1")


def test_a_line_may_be_as_long_as_asterisk_reads() -> None:
    assert encode("Ping", [("X", "a" * 1019)], "1").endswith(b"a\r\n\r\n")
    for value in ("a" * 1020, "é" * 510):
        with pytest.raises(AmiInvalid, match="1022 bytes") as invalid:
            encode("Ping", [("X", value)], "1")
        assert invalid.value.header == "X"


def test_there_may_be_as_many_headers_as_asterisk_reads() -> None:
    assert encode("Ping", [("X", "a")] * 126, "1").count(b"X: a") == 126
    with pytest.raises(AmiInvalid, match="129 headers"):
        encode("Ping", [("X", "a")] * 127, "1")
