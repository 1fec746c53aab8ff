"""Patterns of call policies against Asterisk's own matching."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pbxapi.pbx.dial_patterns import allows, forbids
from tests.real.asterisk import Asterisk
from tests.real.raw_manager import RawManager

PATTERNS = (
    "2XX", "2xx", "NXX", "ZXX", "0[1-3]X.", "[15-7]X", "0[02-4*]!", "9.", "9!", "*7X", "+49.", ".", "100", "1[xz]1",
    "0Z.", "#X", "[a-c]1", "00N.", "nzx",
)  # fmt: skip
NUMBERS = (
    "200", "2000", "20", "099", "199", "299", "0245", "024", "0445", "9", "90", "9000", "*72", "*7", "+4930", "+49",
    "004930", "100", "101", "1x1", "1z1", "11", "51", "65", "8", "00", "0*", "02", "0900123", "#1", "a1", "c1", "A1",
    "2w0900", "9*72", "9#1", "00900", "001", "xxx", "NXX",
)  # fmt: skip


@pytest.fixture(scope="module")
def asterisk_with_patterns(asterisk22: Asterisk) -> Iterator[Asterisk]:
    for number, pattern in enumerate(PATTERNS):
        asterisk22.command(f"dialplan add extension _{pattern},1,NoOp() into policy{number}")
    yield asterisk22
    for number in range(len(PATTERNS)):
        asterisk22.command(f"dialplan remove context policy{number}")


def test_a_pattern_allows_no_number_that_asterisk_would_not_match(asterisk_with_patterns: Asterisk) -> None:
    with RawManager(asterisk_with_patterns.ports.ami) as manager:
        for place, pattern in enumerate(PATTERNS):
            for number in NUMBERS:
                [answer] = manager.ask("Getvar", Variable=f"DIALPLAN_EXISTS(policy{place},{number},1)")
                theirs = answer["Value"] == "1"
                assert forbids(pattern, number) is theirs, (pattern, number)
                if number.isdigit():
                    assert allows(pattern, number) is theirs, (pattern, number)
                else:
                    assert theirs or not allows(pattern, number), (pattern, number)
