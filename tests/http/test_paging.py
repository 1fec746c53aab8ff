from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pbxapi.http.paging import page

keys = st.lists(st.tuples(st.text(), st.integers()), unique=True)


def key(item: tuple[str, int]) -> tuple[str, int]:
    return item


@given(keys, st.integers(1, 10))
def test_pages_together_are_the_whole_in_order(items: list[tuple[str, int]], limit: int) -> None:
    seen: list[tuple[str, int]] = []
    cursor = None
    for _ in range(len(items) + 1):
        found = page(items, key=key, limit=limit, cursor=cursor)
        assert len(found.items) <= limit
        assert found.items or not items
        seen += found.items
        cursor = found.next
        if cursor is None:
            break
    assert seen == sorted(items)


@given(st.sets(st.integers(), min_size=3), st.sets(st.integers()), st.data())
def test_a_cursor_stays_right_while_items_come_and_go(before: set[int], new: set[int], data: st.DataObject) -> None:
    first = page(sorted(before), key=lambda number: (number,), limit=2)
    gone = data.draw(st.sets(st.sampled_from(sorted(before))))
    after = sorted((before | new) - gone)
    last = first.items[-1]
    if first.next is not None:
        rest = page(after, key=lambda number: (number,), limit=1000, cursor=first.next)
        assert list(rest.items) == [number for number in after if number > last]
