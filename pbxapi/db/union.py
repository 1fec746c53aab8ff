"""Rows of several tables by one statement, whatever character sets and collations they have.

MySQL refuses a UNION of columns of one character set in two collations, which is how an exchange looks after some
upgrades. So all text is brought to one there; each table is still searched by its own, and finds what it always finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, null, select, table, text, union_all

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, CompoundSelect


@dataclass(frozen=True, slots=True)
class Branch:
    """What is asked of one table: `texts`, None for a column that it has not, of the rows of `where`, or of all.

    `place` tells its rows from those of others: it is their first column.
    """

    place: int
    table: str
    texts: Sequence[ColumnElement[Any] | None]
    where: ColumnElement[bool] | None = None


def union_of(branches: Sequence[Branch], dialect: str) -> CompoundSelect[Any]:
    """The statement; there is at least one branch. On MySQL numbers come as text."""
    return union_all(*(_select(branch, mysql=dialect != "sqlite") for branch in branches))


def _select(branch: Branch, *, mysql: bool) -> Any:
    columns = [_text(column, mysql=mysql).label(f"c{place}") for place, column in enumerate(branch.texts, 1)]
    statement = select(literal_column(str(branch.place)).label("c0"), *columns).select_from(table(branch.table))
    return statement if branch.where is None else statement.where(branch.where)


def _text(column: ColumnElement[Any] | None, *, mysql: bool) -> ColumnElement[Any]:
    if column is None:
        return null()
    return func.convert(column.op("USING")(text("utf8mb4"))) if mysql else column
