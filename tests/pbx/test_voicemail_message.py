from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.pbx.interfaces import Party
from pbxapi.pbx.voicemail_message import MOST, about, party
from tests.things_voicemail import RECEIVED, text

WORDS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\<>;='), min_size=1, max_size=20)


def test_what_asterisk_writes_is_told() -> None:
    told = about(text(1, flag="Urgent").encode())
    assert told.id == f"{RECEIVED + 1}-00000001"
    assert (told.caller, told.received, told.duration) == (Party("101", "Bruno"), RECEIVED + 1, 1)
    assert (told.urgent, told.context, told.extension) == (True, "from-internal", "9100")
    assert about(text(1).encode()).urgent is False


def test_a_call_through_a_macro_was_in_the_context_before_it() -> None:
    data = text(1).replace("macrocontext=", "macrocontext=ext-local").replace("exten=9100", "exten=s-NOANSWER")
    told = about(data.encode())
    assert (told.context, told.extension) == ("ext-local", "s-NOANSWER")


@pytest.mark.parametrize(
    ("written", "number", "name"),
    [
        ('"Bruno" <101>', "101", "Bruno"),
        ("Bruno B <101>", "101", "Bruno B"),
        ('"Say \\"hi\\", you" <+34600111222>', "+34600111222", 'Say "hi", you'),
        ("<101>", "101", None),
        ("101", "101", None),
        ("Bruno", None, "Bruno"),
        ("Unknown", None, None),
        ('"" <>', None, None),
        ('"never closed', None, '"never closed'),
    ],
)
def test_a_caller_is_taken_apart(written: str, number: str | None, name: str | None) -> None:
    assert party(written) == Party(number, name)


@given(name=WORDS, number=st.from_regex(r"\A[0-9*#+]{1,15}\Z"))
def test_a_name_and_a_number_come_back(name: str, number: str) -> None:
    expected = None if name.lower() == "unknown" else name
    assert party(f'"{name}" <{number}>') == Party(number, expected)


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_file_tells_something_and_the_same_each_time(data: bytes) -> None:
    told = about(data)
    assert told == about(data)
    assert told.id.replace("-", "").isalnum()
    assert all(word is None or word.isprintable() for word in (told.caller.number, told.caller.name, told.extension))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_nothing_that_stands_in_msg_id_becomes_an_id_unless_it_is_one(word: str) -> None:
    told = about(f"[message]\nmsg_id={word}\n".encode())
    assert set(told.id) <= set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")


def test_an_older_asterisk_gives_no_id_and_the_content_stands_for_it() -> None:
    before, other = (text(number).replace("msg_id", "no_id").encode() for number in (1, 2))
    assert about(before).id == about(before).id != about(other).id
    assert len(about(before).id) == 24


def test_a_file_without_end_is_read_in_part() -> None:
    long = text(1).encode() + b"x" * 1_000_000
    assert about(long).caller == Party("101", "Bruno")
    assert about(b";" * MOST + text(1).encode()).received is None


@pytest.mark.parametrize("wrong", ["-5", "1e9", "99999999999999999999", "\u0661", "", "0"])
def test_a_time_that_is_none_is_not_told(wrong: str) -> None:
    assert about(f"[message]\norigtime={wrong}\n".encode()).received is None


def test_what_stands_in_another_section_does_not_count() -> None:
    assert about(b"[other]\nduration=5\n[message]\nduration=6\nduration=7\n").duration == 6
    assert about('[message]\ncallerid="Jos\xe9" <1>\n'.encode("latin-1")).caller == Party("1", "José")
