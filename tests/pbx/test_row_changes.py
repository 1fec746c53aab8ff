"""Rows of a plan on a database: here SQLite; tests/real has InnoDB and MyISAM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from pbxapi.errors import Conflict, Refused
from pbxapi.pbx.plan import RowChange
from pbxapi.pbx.row_changes import Rows, take_back, write
from pbxapi.pbx.step import Step

MAKE = """
CREATE TABLE users (extension TEXT, name TEXT, ringtimer INTEGER);
CREATE TABLE sip (id TEXT, keyword TEXT, data TEXT, flags INTEGER, PRIMARY KEY (id, keyword));
INSERT INTO users VALUES ('201', 'Bob', NULL);
INSERT INTO sip VALUES ('201', 'secret', 'x', 2), ('201', 'dial', 'SIP/201', 3), ('202', 'secret', 'y', 2);
"""
CHANGES = [
    RowChange("users", {"extension": "200"}, None, {"name": "Alice", "ringtimer": 0}),
    RowChange("users", {"extension": "201"}, {"name": "Bob"}, {"name": "Robert"}),
    RowChange("sip", {"id": "200", "keyword": "secret"}, None, {"data": "z", "flags": 2}),
    RowChange("sip", {"id": "201", "keyword": "secret"}, {"data": "x", "flags": 2}, None),
    RowChange("sip", {"id": "201", "keyword": "dial"}, {"data": "SIP/201", "flags": 3}, None),
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path}/platform.db")
    with made.begin() as connection:
        for statement in MAKE.split(";"):
            connection.execute(text(statement))
    yield made
    made.dispose()


def dump(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        found: list[tuple[object, ...]] = []
        for name in ("users", "sip"):
            found += sorted(map(tuple, connection.execute(text(f"SELECT * FROM {name}"))), key=repr)
        return found


@pytest.mark.parametrize("transactional", [True, False])
def test_rows_are_inserted_updated_and_deleted(engine: Engine, transactional: bool) -> None:
    Rows(engine, lambda table: transactional).write(CHANGES, [])
    assert dump(engine) == [
        ("200", "Alice", 0), ("201", "Robert", None), ("200", "secret", "z", 2), ("202", "secret", "y", 2),
    ]  # fmt: skip


def test_a_row_that_is_not_any_more_what_was_read_is_a_conflict_and_nothing_is_written(engine: Engine) -> None:
    before = dump(engine)
    stale = RowChange("users", {"extension": "201"}, {"name": "Rob"}, {"name": "Robert"})
    with pytest.raises(Conflict, match="users 201"):
        Rows(engine, lambda table: True).write([*CHANGES[:1], stale], [])
    assert dump(engine) == before


def test_null_is_compared_as_a_value(engine: Engine) -> None:
    change = RowChange("users", {"extension": "201"}, {"ringtimer": None}, {"ringtimer": 15})
    Rows(engine, lambda table: True).write([change], [])
    assert ("201", "Bob", 15) in dump(engine)


def test_steps_outside_run_before_the_commit_and_their_failure_leaves_no_row(engine: Engine) -> None:
    before = dump(engine)

    def fail() -> None:
        raise Refused("AstDB said no")

    undone: list[str] = []
    with pytest.raises(Refused):
        Rows(engine, lambda table: True).write(CHANGES, [Step("AstDB", fail, lambda: undone.append("AstDB"))])
    assert dump(engine) == before
    assert undone == ["AstDB"]


def test_nothing_is_visible_to_others_while_the_steps_outside_run(engine: Engine) -> None:
    before = dump(engine)
    seen: list[list[tuple[object, ...]]] = []
    Rows(engine, lambda table: True).write(CHANGES, [Step("look", lambda: seen.append(dump(engine)), lambda: None)])
    assert seen == [before]


def test_rows_that_no_transaction_holds_go_last_so_that_who_dies_before_leaves_them(engine: Engine) -> None:
    seen: list[list[tuple[object, ...]]] = []
    Rows(engine, lambda table: False).write(
        CHANGES[3:], [Step("look", lambda: seen.append(dump(engine)), lambda: None)]
    )
    assert ("201", "secret", "x", 2) in seen[0]
    assert ("201", "secret", "x", 2) not in dump(engine)


def test_taking_back_by_hand_leaves_what_others_wrote_since(engine: Engine) -> None:
    with engine.begin() as connection:
        write(connection, CHANGES)
        connection.execute(text("UPDATE users SET name = 'Theirs' WHERE extension = '201'"))
        connection.execute(text("UPDATE sip SET data = 'theirs' WHERE id = '200'"))
        connection.execute(text("INSERT INTO sip VALUES ('201', 'dial', 'theirs', 0)"))
        take_back(connection, CHANGES)
    assert dump(engine) == [
        ("201", "Theirs", None),
        ("200", "secret", "theirs", 2), ("201", "dial", "theirs", 0), ("201", "secret", "x", 2),
        ("202", "secret", "y", 2),
    ]  # fmt: skip


def test_a_row_that_is_there_already_is_a_conflict_and_stays(engine: Engine) -> None:
    before = dump(engine)
    for transactional in (True, False):
        taken = RowChange("sip", {"id": "202", "keyword": "secret"}, None, {"data": "y", "flags": 2})
        with pytest.raises(Conflict, match="Somebody else"):
            Rows(engine, {True: lambda table: True, False: lambda table: False}[transactional]).write(
                [*CHANGES[:1], taken], []
            )
        assert dump(engine) == before
