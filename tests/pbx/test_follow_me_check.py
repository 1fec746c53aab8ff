"""What a follow-me may not hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pbxapi.db.schema import ColumnShape
from pbxapi.errors import Invalid
from pbxapi.pbx.follow_me_check import check, check_caller_id, check_widths
from pbxapi.pbx.follow_me_plans import defaults

GOOD: dict[str, list[Any]] = {
    "strategy": ["ringallv2-prim", "memoryhunt"],
    "ring_time": [1, 60],
    "initial_ring_time": [0, 60],
    "numbers": [["200", "+49 89 1234"]],
    "ringing": ["Ring", "jazz-2", None],
    "caller_name_prefix": ["Sales: ", "Größe 😀", ""],
    "alert_info": ["<http://localhost/ring>", "Bellcore-dr2"],
    "announcement_id": [3, None, 0],
    "caller_id_mode": ["forcedid"],
    "fixed_caller_id": ["+4989"],
    "destination_if_no_answer": ["ext-local,200,dest", "app-blackhole,hangup,1", "ext-local,vmu200,1"],
}
BAD: dict[str, list[Any]] = {
    "strategy": ["all"],
    "ring_time": [0, 61],
    "initial_ring_time": [-1, 61],
    "numbers": [[], ["200", "Alice"]],
    "ringing": ["a b", "x,y", "j" * 81],
    "caller_name_prefix": ["a;b", "a\nb", "${SHELL(x)}", "$[1]", 'a"b', "a\x7f"],
    "alert_info": ["x\r", "a|b", "a,b"],
    "announcement_id": [4],
    "caller_id_mode": ["mine"],
    "fixed_caller_id": ["Alice", "1\n", "1" * 41],
    "destination_if_no_answer": ["200", "ext-local,200", "ext-local,${X},1", "a,b,1\n", "a,b,1,2"],
}


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_what_can_be_written_is_taken(name: str, value: Any) -> None:
    check({name: value}, {3})


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_what_cannot_be_written_is_named(name: str, value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        check({name: value}, {3})
    assert list(caught.value.fields) == [name]


def test_any_recording_is_taken_where_nobody_knows_them() -> None:
    check({"announcement_id": 99}, None)


def test_a_fixed_caller_id_is_needed_only_by_who_asks_for_one() -> None:
    wanted = defaults("200", {"FOLLOWME_TIME": "20"})
    check_caller_id(wanted, {"caller_id_mode": "default"})
    fixed = replace(wanted, caller_id_mode="fixed")
    check_caller_id(fixed, {"ring_time": 20})
    with pytest.raises(Invalid):
        check_caller_id(fixed, {"caller_id_mode": "fixed"})


def test_what_does_not_fit_is_told_by_the_field_s_own_name() -> None:
    columns = {"grplist": ColumnShape(255, "latin1", False, False), "grppre": ColumnShape(100, "latin1", True, True)}
    check_widths({"grplist": "2" * 255, "grppre": "é", "dring": "x" * 999}, columns)
    with pytest.raises(Invalid) as caught:
        check_widths({"grplist": "2" * 256, "grppre": "😀"}, columns)
    assert caught.value.fields.keys() == {"numbers", "caller_name_prefix"}
