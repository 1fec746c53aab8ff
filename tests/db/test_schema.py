"""What fits into a column, and the schema of SQLite; real servers: tests/real/test_schema.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine

from pbxapi.db.platform_tables import metadata
from pbxapi.db.schema import ColumnShape, SchemaLook, look
from pbxapi.errors import Unavailable


def column(length: int | None = 50, charset: str | None = "utf8mb4") -> ColumnShape:
    return ColumnShape(length, charset, nullable=True, default=True)


@pytest.fixture
def tables() -> Iterator[Engine]:
    made = create_engine("sqlite://")
    metadata.create_all(made)
    yield made
    made.dispose()


def test_length_is_counted_in_characters_as_mysql_does() -> None:
    assert column(5).fault("äöüß€") is None
    assert column(5).fault("\N{PILE OF POO}" * 5) is None
    assert column(5).fault("Alices") == "Longer than 5 characters."
    assert column(None).fault("x" * 100_000) is None


@pytest.mark.parametrize(
    ("charset", "text", "fits"),
    [
        ("latin1", "Zoë — 5 €", True),  # MySQL's latin1 is Windows-1252
        ("latin1", "Łódź", False),
        ("latin2", "Łódź", True),
        ("utf8mb3", "Łódź", True),
        ("utf8", "\N{PILE OF POO}", False),
        ("utf8mb4", "\N{PILE OF POO}", True),
        ("ascii", "Zoë", False),
        ("swe7", "Alice", True),
        ("swe7", "Zoë", False),  # not known here: only what every set has
        (None, "\N{PILE OF POO}", True),
        ("utf8mb4", "a\ud800", False),  # half a character, which JSON can carry
        (None, "a\0", False),
    ],
)
def test_a_character_that_the_charset_lacks_is_a_fault_and_not_a_question_mark(
    charset: str | None, text: str, fits: bool
) -> None:
    fault = column(charset=charset).fault(text)
    assert (fault is None) == fits
    if fault is not None:
        assert fault.isascii(), "it can always be shown"


@given(st.text(max_size=30), st.sampled_from(["latin1", "latin2", "utf8", "utf8mb4", "ascii", "big5", "unknown", None]))
def test_nothing_makes_the_check_fail(text: str, charset: str | None) -> None:
    column(20, charset).fault(text)


def test_sqlite_tells_declared_widths(tables: Engine) -> None:
    schema = SchemaLook(tables).now()
    sip = schema.tables["sip"]
    assert sip.transactional
    assert list(sip.columns) == ["id", "keyword", "data", "flags"]
    assert sip.columns["data"] == ColumnShape(8100, None, nullable=False, default=False)
    assert sip.columns["flags"] == ColumnShape(None, None, nullable=False, default=True)
    assert schema.tables["modules"].columns["id"].default
    assert schema.has("users", "mohclass")
    assert not schema.has("users", "no_such")
    assert not schema.has("no_such")


def test_one_extension_may_have_two_rows_as_on_freepbx(tables: Engine) -> None:
    with tables.begin() as connection:
        for _ in range(2):
            connection.exec_driver_sql("INSERT INTO users (extension) VALUES ('200')")
            connection.exec_driver_sql("INSERT INTO devices (id) VALUES ('200')")
        [row] = connection.exec_driver_sql("SELECT DISTINCT mohclass, noanswer_dest FROM users")
    assert tuple(row) == ("default", "")


def test_the_answer_is_held_as_long_as_it_may_be_and_asked_for_anew_after(tables: Engine) -> None:
    patient, impatient = SchemaLook(tables, ttl=3600), SchemaLook(tables, ttl=-1)
    assert not patient.now().has("later")
    assert not impatient.now().has("later")
    with tables.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id VARCHAR(20))")
    assert not patient.now().has("later")
    assert impatient.now().has("later")


def test_a_database_that_is_not_there_is_unavailable() -> None:
    made = create_engine("sqlite:////nonexistent/platform.db")
    with pytest.raises(Unavailable):
        SchemaLook(made).now()
    made.dispose()


def test_looking_does_not_change_anything(tables: Engine) -> None:
    with tables.connect() as connection:
        assert look(connection).tables.keys() == metadata.tables.keys()
