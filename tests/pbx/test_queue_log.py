"""A line of queue_log, and when it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.pbx.queue_log import Event, epoch_of, parse


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            "1795377018|1795377017.154|400|Alice|CONNECT|1|1795377017.158|1\n",
            Event(1795377018, "1795377017.154", "400", "Alice", "CONNECT", ("1", "1795377017.158", "1")),
        ),
        ("1795421371|NONE|NONE|NONE|QUEUESTART|\n", Event(1795421371, "NONE", "NONE", "NONE", "QUEUESTART", ("",))),
        ("1|c|q|a|E", Event(1, "c", "q", "a", "E")),
        # A caller's number with a mark in it, as Asterisk writes it.
        (
            "1795421389|1795421389.18|empty|NONE|ENTERQUEUE||1|2|1",
            Event(1795421389, "1795421389.18", "empty", "NONE", "ENTERQUEUE", ("", "1", "2", "1")),
        ),
        # What a crash leaves before the line that follows it.
        ("\0\0\0" + "1|c|q|a|E|", Event(1, "c", "q", "a", "E", ("",))),
    ],
)  # fmt: skip
def test_a_line_is_read(line: str, event: Event) -> None:
    assert parse(line) == event


@pytest.mark.parametrize(
    "line", ["", "\n", "1795421371", "1795421371|a|b|c", "x|a|b|c|E|", "-5|a|b|c|E|", "²|a|b|c|E|"]
)
def test_rubbish_is_none(line: str) -> None:
    assert parse(line) is None


def test_a_datum_is_a_number_or_nothing() -> None:
    event = Event(1, "c", "q", "a", "ABANDON", ("1", "x", "-3", "9" * 40))
    assert [event.number(index) for index in range(5)] == [1, None, None, None, None]


@given(st.one_of(st.text(), st.text("0123456789|\0\nN²")))
def test_no_text_makes_it_fail(line: str) -> None:
    event = parse(line)
    assert event is None or event.at >= 0


@given(st.one_of(st.binary(), st.text("0123456789|\0").map(str.encode)))
def test_no_bytes_make_the_time_fail(line: bytes) -> None:
    assert (epoch_of(line) or 0) >= 0
