"""A line of queue_log, and when it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.pbx.queue_log import Event, lines_of, parse


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            "1795377018|1795377017.154|400|Alice|CONNECT|1|1795377017.158|1",
            Event(1795377018, "1795377017.154", "400", "Alice", "CONNECT", ("1", "1795377017.158", "1")),
        ),
        ("1795421371|NONE|NONE|NONE|QUEUESTART|", Event(1795421371, "NONE", "NONE", "NONE", "QUEUESTART", ("",))),
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


LINES = st.lists(
    st.one_of(
        st.text("0123456789|\0N4.x", max_size=30),
        st.builds(
            "{}|{}|{}|{}|{}{}".format,
            st.sampled_from(["1795377017", "179537701", "17953770170", "\x001795377017", "x"]),
            st.sampled_from(["1.1", "NONE", ""]),
            st.sampled_from(["400", "4000", "NONE", "4.0", "none"]),
            st.sampled_from(["Alice", "Zoë", "NONE", ""]),
            st.sampled_from(["ENTERQUEUE", "PAUSE", "PAUSEALL", "DID", "CONNECT"]),
            st.sampled_from(["", "|", "|1|2", "||x|"]),
        ),
    ),
    max_size=12,
)
NAMES = frozenset({"ENTERQUEUE", "PAUSE", "PAUSEALL"})


@given(LINES)
def test_searching_for_lines_finds_those_that_reading_all_would(lines: list[str]) -> None:
    text = "".join(f"\n{line}" for line in lines) + "\n"
    every = [event for event in map(parse, lines) if event is not None]
    wanted = [e for e in every if e.queue in {"400", "NONE"} and e.name in NAMES and e.at >= 100_000_000]
    assert [parse(match[0].decode()) for match in lines_of("400", NAMES).finditer(text.encode())] == wanted


def test_a_queue_is_searched_for_by_its_whole_name() -> None:
    line = "\n1795377017|1.1|{}|NONE|ENTERQUEUE|\n"
    for name in ("4.0", "a|b", "", "(", "400\n"):
        assert not lines_of(name, NAMES).search(line.format("400").encode())
    assert lines_of("(4.0", NAMES).search(line.format("(4.0").encode())
