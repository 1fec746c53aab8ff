from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.errors import Invalid
from pbxapi.pbx import office_hours
from pbxapi.pbx.call_policy import LONGEST_ENTRY, MOST_ENTRIES, CallPolicy, check_scopes
from pbxapi.pbx.dial_patterns import allows, compiled, forbids

INSIDE = CallPolicy(destinations=("2XX", "-299"))


@pytest.mark.parametrize(
    ("pattern", "number", "fits"),
    [
        ("2XX", "200", True), ("2XX", "2000", False), ("2XX", "20", False), ("ZXX", "099", False),
        ("NXX", "199", False),
        ("NXX", "299", True), ("nxx", "299", True), ("0[1-3]X.", "0245", True), ("0[1-3]X.", "0445", False),
        ("0[1-3]X.", "024", False), ("9.", "9", False), ("9!", "9", True), ("*7X", "*72", True), ("[15-7]", "6", True),
        ("[15-7]", "4", False), ("+49.", "+4930", True), ("+49.", "004930", False), ("100", "100", True),
        # What Asterisk or a provider might pass over.
        (".", "2-00", False), ("2XX", "2_0", False), (".", "0900\n", False), (".", "", False), (".", "2 00", False),
        ("2XX", "\u0662\u0660\u0660", False),
    ],
)  # fmt: skip
def test_a_pattern_means_what_it_means_to_asterisk(pattern: str, number: str, fits: bool) -> None:
    assert allows(pattern, number) is fits


@pytest.mark.parametrize(
    "pattern", ["", "2X.X", "2 XX", "[5-1]", "[]", "[1-]", "[", "2/", "_2XX", "2XX,1", "1" * 65, "é"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|range|place"):
        compiled(pattern)


@given(
    st.text("0123456789XZN*#+", min_size=1, max_size=8),
    st.sampled_from(["", ".", "!"]),
    st.text("0159*+w", max_size=12),
)
def test_a_pattern_agrees_with_its_letters_one_by_one(body: str, end: str, number: str) -> None:
    def fits(letter: str, digit: str) -> bool:
        return digit in {"X": "0123456789", "Z": "123456789", "N": "23456789"}.get(letter, letter)

    long_enough = {"": len(number) == len(body), ".": len(number) > len(body), "!": len(number) >= len(body)}[end]
    expected = bool(number) and long_enough and all(map(fits, body, number))
    rest = number[len(body) :]
    assert allows(body + end, number) is (expected and (not rest or rest.isdigit()))
    assert forbids(body + end, number) is expected


@given(st.text("0123456789XZN*#+", max_size=3), st.sampled_from([".", "!"]), st.text(max_size=8))
def test_behind_what_is_allowed_come_digits_alone(body: str, end: str, number: str) -> None:
    if allows(body + end, number):
        assert re.fullmatch("[0-9]*", number[len(body) :])


@given(st.text(max_size=20))
def test_no_text_is_worse_than_a_wrong_pattern(text: str) -> None:
    try:
        compiled(text)
    except ValueError:
        return
    assert re.fullmatch(r"[0-9A-Za-z*#+\[\]-]*[.!]?", text)


def test_what_forbids_forbids_whatever_allows() -> None:
    assert INSIDE.against_destination("200") is None
    assert INSIDE.against_destination("299") == "the destination 299 is not among those that it may call"
    assert INSIDE.against_destination("00900123") is not None
    only_forbidding = CallPolicy(destinations=("-00.",))
    assert only_forbidding.against_destination("200") is None
    for number in ("00900123", "+900123", "*72", "0w0900123", "1#00900"):
        assert only_forbidding.against_destination(number) is not None
    assert CallPolicy(destinations=("0900w.", "0900.", "-0900.")).against_destination("0900w1") is not None


@pytest.mark.parametrize("origin", ["200", "PJSIP/200", "Local/200@from-internal", "Local/200@from-internal/n"])
def test_a_source_is_the_number_that_is_rung(origin: str) -> None:
    assert CallPolicy(sources=("2XX",)).against_source(origin) is None
    assert CallPolicy(sources=("3XX",)).against_source(origin) == f"calls may not begin at {origin}"


def test_a_local_channel_is_a_destination_too() -> None:
    assert INSIDE.against_source("Local/00900123@from-internal") is not None
    assert INSIDE.against_source("Local/201@from-internal") is None
    assert INSIDE.against_source("PJSIP/whatever") is None


def test_a_caller_id_is_known_by_its_number() -> None:
    policy = CallPolicy(caller_ids=("5551000",))
    for good in (None, "", "5551000", "Sales <5551000>", '"Sales, North" <5551000> '):
        assert policy.against_caller_id(good) is None
    for bad in ("5551001", "5551000 <5551001>", "Sales", "<5551000> 1", "<5551000"):
        assert policy.against_caller_id(bad) is not None


def test_variables_are_named_where_a_number_could_come_from_one() -> None:
    assert CallPolicy(hours=("08:00-18:00",)).against_variables(["ANY"]) is None
    assert INSIDE.against_variables(["OUTNUM"]) == "the channel variable OUTNUM is not among those that it may set"
    named = CallPolicy(destinations=("2XX",), variables=("CUSTOMER",))
    assert named.against_variables(["__CUSTOMER"]) is None
    assert named.against_variables(["CUSTOMER", "_OUTNUM"]) is not None


@pytest.mark.parametrize(
    ("hours", "moment", "among"),
    [
        ("Mon-Fri 08:00-18:00", "2026-11-23 08:00", True),  # a Monday
        ("Mon-Fri 08:00-18:00", "2026-11-23 18:00", False),
        ("Mon-Fri 08:00-18:00", "2026-11-22 12:00", False),
        ("Sat,Sun 10:00-14:00", "2026-11-22 12:00", True),
        ("Sat-Mon 10:00-14:00", "2026-11-23 12:00", True),
        ("Sat-Mon 10:00-14:00", "2026-11-24 12:00", False),
        ("Fri 22:00-06:00", "2026-11-28 05:59", True),  # the morning after
        ("Fri 22:00-06:00", "2026-11-27 05:59", False),
        ("22:00-06:00", "2026-11-27 05:59", True),
        ("sunday 00:00-24:00", "2026-11-22 23:59", True),
        ("sunday 00:00-24:00", "2026-11-23 00:00", False),
    ],
)
def test_hours_are_those_of_the_exchanges_clock(hours: str, moment: str, among: bool) -> None:
    local = datetime.fromisoformat(moment)
    assert office_hours.parse(hours).hold(local) is among
    assert (CallPolicy(hours=(hours,)).against_now(local) is None) is among


@pytest.mark.parametrize(
    "text", ["", "Mon", "8-18", "Mon-Fri 08:00", "Foo 08:00-18:00", "08:00-25:00", "Mon- 08:00-09:00"]
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no|not"):
        office_hours.parse(text)


def test_a_policy_comes_back_from_its_document() -> None:
    policy = CallPolicy(
        destinations=("2XX", "-299"), sources=("1XX",), caller_ids=("5551000",), variables=("CUSTOMER",),
        calls_at_once=2, calls_a_minute=10, hours=("Mon-Fri 08:00-18:00",),
    )  # fmt: skip
    assert CallPolicy.from_document(policy.document()) == policy
    assert CallPolicy.from_document({}) == CallPolicy()
    assert CallPolicy.from_document(dict.fromkeys(policy.document())) == CallPolicy()


def test_every_fault_of_a_policy_is_named() -> None:
    wrong = {
        "destinations": ["2XX", "[9-1]"], "sources": "1XX", "caller_ids": ["Sales"], "variables": ["SHELL(id)"],
        "calls_at_once": 0, "calls_a_minute": True, "hours": ["always"], "other": 1,
    }  # fmt: skip
    with pytest.raises(Invalid) as caught:
        CallPolicy.from_document(wrong)
    assert set(caught.value.fields) == {f"policy.{name}" for name in wrong}


def test_what_could_not_be_kept_is_refused() -> None:
    for wrong in (["1"] * (MOST_ENTRIES + 1), ["1" * (LONGEST_ENTRY + 1)], [1], [None]):
        with pytest.raises(Invalid):
            CallPolicy.from_document({"hours": wrong})


@pytest.mark.parametrize("scope", ["provision", "secrets", "admin"])
def test_no_policy_goes_with_a_scope_that_it_cannot_hold(scope: str) -> None:
    for policy in (INSIDE, CallPolicy(calls_at_once=1), CallPolicy(hours=("08:00-18:00",))):
        with pytest.raises(Invalid, match="would hold nobody"):
            check_scopes(policy, ["calls", scope])
        check_scopes(policy, ["read", "calls", "agents", "cdr"])
    for nothing in (None, CallPolicy()):
        check_scopes(nothing, ["calls", scope])


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
HOURS = ("Mon-Fri 08:00-18:00", "Sun 01:30-03:30", "Sat 22:00-06:00", "02:00-03:00", "Sun-Mon 00:00-24:00")


@given(
    st.sampled_from(HOURS), st.sampled_from(ZONES),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
)  # fmt: skip
def test_hours_are_what_the_clock_on_the_wall_shows_also_when_it_is_put_forward_or_back(
    hours: str, zone: str, moment: datetime
) -> None:
    wall = moment.astimezone(ZoneInfo(zone)).strftime("%a %H:%M").lower()
    assert office_hours.parse(hours).hold(moment.astimezone(ZoneInfo(zone))) is (wall in minutes(hours))


@lru_cache
def minutes(hours: str) -> frozenset[str]:
    """Every minute of a week that they hold, one after the other from their beginning on."""
    days, _, times = hours.rpartition(" ")
    first, _, last = times.partition("-")
    found = set()
    for number in range(7):
        if not days or number in office_hours.parse(hours).days:
            at = datetime(2026, 11, 23 + number) + timedelta(hours=int(first[:2]), minutes=int(first[3:]))
            while True:
                found.add(f"{at:%a %H:%M}".lower())
                at += timedelta(minutes=1)
                if f"{at:%H:%M}" == last.replace("24:00", "00:00"):
                    break
    return frozenset(found)
