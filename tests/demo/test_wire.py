"""How requests are cut out of the byte stream. The limits were found on Asterisk 22.10.1, byte by byte."""

from __future__ import annotations

import pytest

from pbxapi.demo.wire import NO_ACTION, TOO_LONG, TOO_MANY, Request, RequestReader, encode
from tests.demo.manager import Manager


def read(data: bytes, step: int | None = None) -> list[Request]:
    reader = RequestReader()
    step = step or len(data)
    return [request for at in range(0, len(data), step) for request in reader.feed(data[at : at + step])]


def test_a_request_is_the_same_whole_byte_by_byte_and_glued_to_another() -> None:
    one = b"Action: Ping\r\nActionID: \xc3\xa9\xe9\r\n\r\n"
    whole = read(one)
    assert [line for request in whole for line in request.lines] == ["Action: Ping", "ActionID: é\udce9"]
    assert read(one, step=1) == whole
    assert read(one * 3, step=7) == whole * 3


def test_a_bare_lf_ends_a_line_a_bare_cr_does_not_and_a_nul_ends_the_text() -> None:
    (request,) = read(b"Action: Ping\nX: a\rb\r\nY: c\0d\r\n\n")
    assert request.lines == ("Action: Ping", "X: a\rb", "Y: c")


def test_header_names_have_no_case_and_values_no_leading_blanks() -> None:
    (request,) = read(b"aCTION:\t Ping \r\nVariable: a\r\nvariable: b\r\n\r\n")
    assert request.get("Action") == "Ping "
    assert request.all("Variable") == ["a", "b"]
    assert request.get("Actio") == ""


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_line_may_have_1024_bytes_with_its_end(end: bytes) -> None:
    longest = b"X: " + b"a" * (1024 - 3 - len(end)) + end
    (request,) = read(b"Action: Ping" + end + longest + end)
    assert request.fault == ""
    assert len(request.get("X")) == 1021 - len(end)


def test_a_line_of_1025_bytes_closes_the_request_early() -> None:
    data = b"Action: Ping\r\nX: " + b"a" * 1020 + b"\r\nActionID: 2\r\n\r\n"
    first, second = read(data)
    assert (first.fault, first.lines) == (TOO_LONG, ("Action: Ping",))
    assert (second.fault, second.lines) == ("", ("ActionID: 2",))


@pytest.mark.parametrize("length", [1021, 1022, 2000, 5000])
def test_a_longer_line_is_a_fault_of_its_request_alone(length: int) -> None:
    data = b"Action: Ping\r\nX: " + b"a" * length + b"\r\nActionID: 2\r\n\r\nAction: Ping\r\n\r\n"
    first, second = read(data)
    assert (first.fault, first.get("ActionID")) == (TOO_LONG, "2")
    assert second.fault == ""


def test_128_lines_are_a_request_and_129_are_a_fault() -> None:
    lines = b"".join(b"H%d: x\r\n" % number for number in range(128))
    assert read(lines + b"\r\n")[0].fault == ""
    assert read(lines + b"H: x\r\n\r\n")[0].fault == TOO_MANY


def test_a_line_end_in_a_value_goes_out_as_it_is() -> None:
    assert encode([[("Response", "Success"), ("Value", "a\r\nEvent: Forged")]]) == (
        b"Response: Success\r\nValue: a\r\nEvent: Forged\r\n\r\n"
    )


def test_each_extra_blank_line_costs_an_answer_without_actionid(manager: Manager) -> None:
    manager.send(b"\r\n\r\nAction: Ping\r\nActionID: after\r\n\r\n")
    *faults, pong = manager.until(lambda one: one.get("ActionID") == "after")
    assert [list(one) for one in faults] == [[("Response", "Error"), ("Message", NO_ACTION)]] * 2
    assert pong.get("Ping") == "Pong"
