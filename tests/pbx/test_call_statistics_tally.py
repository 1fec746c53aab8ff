from __future__ import annotations

import pytest

from pbxapi.pbx.call_statistics_tally import Tally


@pytest.mark.parametrize(
    ("rings", "p95"),
    [([7], 7), (range(1, 21), 19), (range(1, 101), 95), ([1] * 19 + [60], 1), ([1] * 18 + [60, 90], 60)],
)
def test_the_percentile_is_the_nearest_rank(rings: list[int], p95: int) -> None:
    tally = Tally()
    for ring in rings:
        tally.add(ring, 1, 10)
    tally.add(None, 50, 0)  # nobody answered these: they have no ring time
    assert tally.shown()["p95_ring_time"] == p95


def test_a_tally_that_is_kept_comes_back_whole() -> None:
    tally = Tally()
    tally.add(3, 4, 100)
    tally.add(12, 1, 20)
    tally.add(None, 2, 0)
    again = Tally()
    again.add_kept(*tally.kept())
    assert again.shown() == tally.shown()
