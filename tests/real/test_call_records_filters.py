"""Filters over MariaDB, in every character set that the platforms' tables have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pbxapi.errors import NotFound
from pbxapi.pbx.history import Filters
from tests.pbx.test_cdr_filters import (  # noqa: F401
    ROWS,
    found,
    test_a_filter_finds_what_it_says,
    test_hostile_text_finds_nothing_and_breaks_nothing,
)
from tests.real.cdr_table import CdrTable
from tests.things_cdr import CdrReader

VARIANTS = ("freepbx17-InnoDB-utf8mb4", "freepbx17-MyISAM-utf8mb3", "issabel5-InnoDB-latin1")


@pytest.fixture(scope="module", params=VARIANTS)
def database(request: pytest.FixtureRequest, cdr_tables: Callable[[str], CdrTable]) -> CdrTable:
    made = cdr_tables(request.param)
    made.add(*ROWS)
    return made


@pytest.fixture(scope="module")
def reader(database: CdrTable) -> Iterator[CdrReader]:
    made = CdrReader(database.engine())
    yield made
    made.close()


HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.text("'\"\\%_|;-#/* \x00\n\x1a`😀éŞк()0x,?:s", min_size=1, max_size=20),
    st.sampled_from(
        ["' OR 1=1 -- ", "\\' OR 1=1 -- ", "%' OR '1'='1", ":src", "%(src)s", "%s", "\\", "||", "|", "😀", "0"]
    ),
)
EXACT = ("src", "dst", "either", "accountcode", "did", "linkedid", "uniqueid", "src_prefix", "dst_prefix")


@given(text=HOSTILE, name=st.sampled_from(EXACT))
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_hostile_text_in_a_filter_that_compares_finds_nothing(reader: CdrReader, text: str, name: str) -> None:
    asked: dict[str, Any] = {name: f"zz{text}"}  # no row begins so
    filters = Filters(**asked)
    assert found(reader, filters) == []
    calls, _ = reader.records.calls(filters, limit=5, cursor=None)
    assert calls == []
    assert reader.records.total(filters, calls=True) == 0


@given(text=HOSTILE)
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_a_hostile_id_is_one_of_nothing(reader: CdrReader, text: str) -> None:
    for ask in (reader.records.of_channel, reader.records.of_call, reader.records.journey):
        with pytest.raises(NotFound):
            ask(f"zz{text}")
