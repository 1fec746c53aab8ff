"""The rows of a plan: written in one transaction, and taken back by hand where a table knows no transactions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, bindparam, column, delete, insert, select, table, true, tuple_, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from pbxapi.db.engine import connect
from pbxapi.errors import Conflict, Inconsistent, Timeout, Unavailable
from pbxapi.pbx.plan import RowChange, Value
from pbxapi.pbx.step import Step, run

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Insert, TableClause, Update

MOST_AT_ONCE = 500
"""Rows of one DELETE, or INSERT: a batch has 28,000, of which the driver makes copies."""

Kind = tuple[str, tuple[str, ...], tuple[str, ...] | None, tuple[str, ...] | None]


class Rows:
    """Writes rows. `transactional` says whether a table can be rolled back; one of MyISAM, which is common, cannot."""

    def __init__(self, engine: Engine, transactional: Callable[[str], bool]) -> None:
        self._engine = engine
        self._transactional = transactional

    def write(self, changes: Sequence[RowChange], outside: Sequence[Step]) -> None:
        """Write all rows, do the steps outside of the database, and commit.

        Raises Conflict when a row is not any more what the plan says, Unavailable, Timeout, and what the steps raise,
        with nothing changed; Inconsistent when that could not be had. In tables without transactions what is written
        without a condition (need_reload) stays: somebody else may have written the same since.
        """
        transactional = {table: self._transactional(table) for table in {change.table for change in changes}}
        by_hand = [change for change in changes if not transactional[change.table]]
        telling = [change for change in changes if transactional[change.table] and change.before != {}]
        # Who dies half way leaves an extension that can be deleted once more, rather than half of one.
        late = [change for change in by_hand if change.after is None]
        soon = [change for change in changes if transactional[change.table] or change.after is not None]
        written: list[bool] = []

        def do() -> None:
            check_free(connection, by_hand)
            written.append(True)
            write(connection, soon)

        with connect(self._engine) as connection:
            steps = [
                Step("rows", do, lambda: self._take_back(connection, by_hand if written else [])),
                *outside,
                Step("rows that go", lambda: write(connection, late), _nothing),
                Step("commit", lambda: self._commit(connection, telling), _nothing),
            ]
            try:
                run(steps)
            except IntegrityError as error:
                raise Conflict("Somebody else has written such a row meanwhile: try again") from error

    def _take_back(self, connection: Connection, by_hand: Sequence[RowChange]) -> None:
        # A lost connection has been rolled back by the server already.
        if not connection.invalidated:
            connection.rollback()
        if by_hand:
            with connect(self._engine) as another:
                take_back(another, by_hand)
                another.commit()

    def _commit(self, connection: Connection, telling: Sequence[RowChange]) -> None:
        """Commit; where the answer is lost, look whether it was done: one row of the transaction tells of all."""
        # A server that is gone by now has surely not committed, one that goes while it does may have.
        connection.exec_driver_sql("SELECT 1")
        try:
            connection.commit()
        except DBAPIError as error:
            if not telling:
                return  # no table of it knows transactions: each row was there at once
            try:
                done = self._written(telling[0])
            except (Unavailable, Timeout):
                what = "whether the rows were written: the database was lost at the commit"
                raise Inconsistent("The database was lost at the commit: it is not known whether rows were written",
                                   [what]) from error  # fmt: skip
            if not done:
                raise

    def _written(self, change: RowChange) -> bool:
        with connect(self._engine) as connection:
            # FOR UPDATE waits for a commit that is still under way.
            rows = connection.execute(_table(change).select().where(_where(change.key)).with_for_update())
            found = rows.mappings().first()
        if found is None or change.after is None:
            return (found is None) == (change.after is None)
        return all(str(found[name]) == str(value) for name, value in change.after.items())


def check_free(connection: Connection, changes: Sequence[RowChange]) -> None:
    """Raise Conflict when a row that is to be inserted is there already: taking back ours would take theirs."""
    inserts = [change for change in changes if change.before is None]
    for some in _groups(inserts, lambda change: (change.table, tuple(change.key))):
        for part, places in _places(some):
            if connection.execute(select(1).select_from(_table(part[0])).where(places).limit(1)).first():
                raise Conflict(f"Somebody else has written {_name(part[0])} meanwhile: read it again")


def write(connection: Connection, changes: Iterable[RowChange]) -> None:
    """Insert, update and delete, without a commit: all of a kind in one go, rows that go first. Raises Conflict."""
    for some in _groups(sorted(changes, key=lambda change: change.after is not None), _kind):
        _, _, before, after = _kind(some[0])
        if before is None:
            _insert_all(connection, some)
        elif after is None:
            _delete(connection, some)
        else:
            _update(connection, some)


def _insert_all(connection: Connection, changes: Sequence[RowChange]) -> None:
    statement = _insert(changes[0].table, (*changes[0].key, *(changes[0].after or ())))
    for first in range(0, len(changes), MOST_AT_ONCE):
        some = changes[first : first + MOST_AT_ONCE]
        connection.execute(statement, [{**change.key, **(change.after or {})} for change in some])


@lru_cache(maxsize=64)
def _insert(name: str, names: tuple[str, ...]) -> Insert:
    return insert(table(name, *map(column, names)))


def _groups(changes: Iterable[RowChange], alike: Callable[[RowChange], Hashable]) -> Iterable[list[RowChange]]:
    """Those that are alike together, in the order of the first of each."""
    found: dict[Hashable, list[RowChange]] = {}
    for change in changes:
        found.setdefault(alike(change), []).append(change)
    return found.values()


def _update(connection: Connection, changes: Sequence[RowChange]) -> None:
    """Each row that still is as it was read: somebody else's screen may have saved it since."""
    statement = _update_statement(*_kind(changes[0]))
    for change in changes:
        values = {f"key_{name}": value for name, value in change.key.items()}
        values |= {f"old_{name}": value for name, value in (change.before or {}).items()}
        values |= {f"new_{name}": value for name, value in (change.after or {}).items()}
        if connection.execute(statement, values).rowcount == 0:
            raise Conflict(f"Somebody else has changed {_name(change)} meanwhile: read it again")


@lru_cache(maxsize=64)
def _update_statement(
    name: str, key: tuple[str, ...], before: tuple[str, ...] | None, after: tuple[str, ...] | None
) -> Update:
    conditions = [column(each) == bindparam(f"key_{each}") for each in key]
    conditions += [column(each).is_not_distinct_from(bindparam(f"old_{each}")) for each in before or ()]
    names = dict.fromkeys([*key, *(before or ()), *(after or ())])
    statement = update(table(name, *map(column, names))).where(and_(*conditions))
    return statement.values({each: bindparam(f"new_{each}") for each in after or ()})


def _delete(connection: Connection, changes: Sequence[RowChange]) -> None:
    for part, places in _places(changes):
        connection.execute(delete(_table(part[0])).where(places))


def _places(changes: Sequence[RowChange]) -> Iterator[tuple[Sequence[RowChange], ColumnElement[bool]]]:
    """Changes of one table, some at a time, with what finds their rows."""
    names = list(changes[0].key)
    for first in range(0, len(changes), MOST_AT_ONCE):
        part = changes[first : first + MOST_AT_ONCE]
        keys = [tuple(change.key[name] for name in names) for change in part]
        yield part, tuple_(*(column(name) for name in names)).in_(keys)


def take_back(connection: Connection, changes: Sequence[RowChange]) -> None:
    """Make each row again what it was, as far as it was changed, the last first; what others wrote since stays."""
    for change in reversed(changes):
        ours = and_(_where(change.key), _where(change.after or {}))
        if change.before is None:
            connection.execute(delete(_table(change)).where(ours))
        elif change.after is None:
            there = connection.execute(_table(change).select().where(_where(change.key))).first()
            if there is None:
                connection.execute(insert(_table(change)), dict(change.key) | dict(change.before))
        elif change.before:
            connection.execute(update(_table(change)).where(ours).values(dict(change.before)))


def _kind(change: RowChange) -> Kind:
    before = None if change.before is None else tuple(change.before)
    after = None if change.after is None else tuple(change.after)
    if change.before is not None and change.after is None:
        before = ()  # what a deleted row held makes no difference to how it is deleted
    return change.table, tuple(change.key), before, after


def _table(change: RowChange) -> TableClause:
    names = dict.fromkeys([*change.key, *(change.before or ()), *(change.after or ())])
    return table(change.table, *(column(name) for name in names))


def _where(key: Mapping[str, Value]) -> ColumnElement[bool]:
    return and_(true(), *(column(name).is_not_distinct_from(value) for name, value in key.items()))


def _name(change: RowChange) -> str:
    return f"{change.table} {' '.join(str(value) for value in change.key.values())}"


def _nothing() -> None: ...
