"""Lists of follow-me numbers, in and out."""

from __future__ import annotations

import pytest

from pbxapi.pbx.follow_me_numbers import clean, join, shown, split_numbers


def test_a_text_is_split_at_whatever_stands_between_numbers() -> None:
    assert split_numbers(" 200, 201\r\n202-203,,5551234# ") == ["200", "201", "202", "203", "5551234#"]
    assert split_numbers("") == []


@pytest.mark.parametrize(
    ("written", "number"),
    [("200", "200"), ("+49 (89) 123-45.6", "+4989123456"), ("5551234#", "5551234#"), ("*98", "*98")],
)
def test_a_number_is_taken_without_what_it_is_only_written_with(written: str, number: str) -> None:
    assert clean(written) == number


@pytest.mark.parametrize("text", ["", "-", "#", "Alice", "200&201", "20#1", "200,201", "${X}", "²", "1" * 41])
def test_what_is_no_number_is_none(text: str) -> None:
    assert clean(text) is None


def test_only_numbers_outside_are_marked() -> None:
    assert join("200", ["200#", "201", "5551234", "201", "202#"], {"200", "201", "202"}) == "200-201-5551234#-202#"


def test_the_own_number_is_never_marked() -> None:
    assert join("200", ["200"], set()) == "200"


def test_marks_are_not_shown() -> None:
    assert shown("200-5551234#--#") == ("200", "5551234")
