"""Pages of `cdr` in the order of time, by keyset.

The table has no primary key, uniqueid is not unique, and a busy second holds many rows, so the rows of one second are
put in order here: by uniqueid, sequence, and what else they hold. A cursor is the second and the key of the last row
that was sent. It costs the same at any depth (`calldate <= ?` in the order of the index), and rows that are written in
the meantime, also into the second that it stands in, make none lost and none sent twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from pbxapi.db.call_tables import CallTables
from pbxapi.errors import Invalid
from pbxapi.pbx.cdr_rows import head

MOST_IN_A_SECOND = 50_000
"""What one second may hold: more has a wrong date, and would have to be put in order in memory."""

_SECOND = re.compile(r"[0-9]{4}-(?:0[0-9]|1[0-2])-(?:[0-2][0-9]|3[01]) (?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}")
"""A time of the table, also a zero one; MySQL 8 would not compare its dates with another text."""

Key = tuple[int, str, int, str]
Found = Any
"""A row: second, uniqueid and sequence, and then the columns that were asked for."""


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where rows were sent. `behind` is how many of that second; `same` how many with that very key."""

    second: str
    key: Key
    behind: int
    same: int

    @classmethod
    def read(cls, cursor: str) -> Position:
        """Raises Invalid for a text that no page gave."""
        try:
            plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            second, uniqueid, sequence, digest, behind, same = json.loads(plain)
            texts, numbers = (second, uniqueid, digest), (sequence, behind, same)
            if not all(isinstance(t, str) for t in texts) or not all(type(n) is int for n in numbers):
                raise ValueError
            if not _SECOND.fullmatch(second) or not 0 <= behind <= MOST_IN_A_SECOND or abs(sequence) > 2**63:
                raise ValueError
        except (ValueError, TypeError, RecursionError, binascii.Error):
            raise Invalid("The cursor is none that this collection gave.", {"cursor": ["Not a cursor."]}) from None
        return cls(second, (len(uniqueid), uniqueid, sequence, digest), behind, same)


@dataclass(slots=True)
class Place:
    """A row, how many of its second came before and with it, and how many of those with its very key."""

    row: Found
    behind: int
    same: int

    def cursor(self, same: int | None = None) -> str:
        """What a caller shows to go on behind it, or behind the `same` first rows that are just like it."""
        position = [self.row[0], *key(self.row)[1:], self.behind, same or self.same]
        plain = json.dumps(position, separators=(",", ":"))
        return base64.urlsafe_b64encode(plain.encode()).rstrip(b"=").decode()


class Pager:
    """Reads rows with these conditions and columns, newest first unless `oldest_first`."""

    def __init__(
        self,
        connection: Connection,
        tables: CallTables,
        where: Sequence[ColumnElement[bool]],
        columns: Sequence[ColumnElement[Any]],
        *,
        oldest_first: bool = False,
    ) -> None:
        self._connection = connection
        self._date = tables.date
        self._reverse = not oldest_first
        self._select: Select[Any] = select(*head(tables), *columns).where(*where)

    def page(self, limit: int, cursor: str | None) -> tuple[list[Found], str | None]:
        """`limit` rows and the cursor of those that follow, None when none do."""
        # One more row says that there are more, and yet another that the second of that one is complete.
        places = list(islice(self.places(limit + 2, cursor), limit + 1))
        following = places[limit - 1].cursor() if len(places) > limit else None
        return [place.row for place in places[:limit]], following

    def places(self, size: int, cursor: str | None) -> Iterator[Place]:
        """Every row that follows the cursor; read by `size` at a time. Raises Invalid for a cursor that is none."""
        after = Position.read(cursor) if cursor else None
        for second, group in self._seconds(size, after):
            if len(group) == 1 and (after is None or second != after.second):
                yield Place(group[0], 1, 1)
                continue
            previous, same = None, 0
            for behind, row in enumerate(sorted(group, key=key, reverse=self._reverse), 1):
                at = key(row)
                same = same + 1 if at == previous else 1
                previous = at
                if after is None or second != after.second or self._follows(at, same, after):
                    yield Place(row, behind, same)

    def _follows(self, at: Key, same: int, after: Position) -> bool:
        if at == after.key:
            return same > after.same
        return at < after.key if self._reverse else at > after.key

    def _seconds(self, size: int, after: Position | None) -> Iterator[tuple[str, list[Found]]]:
        """Seconds in order, each with all of its rows."""
        bound = after.second if after else None
        size += after.behind if after else 0
        inclusive = True
        while True:
            rows = self._read(bound, size, inclusive=inclusive)
            groups = [(second, list(group)) for second, group in groupby(rows, lambda row: row[0])]
            groups = [(second, group) for second, group in groups if second is not None]
            if len(rows) < size or not groups:
                yield from groups
                return
            # Of the last second there may be more.
            bound, inclusive = groups.pop()[0], False
            yield from groups
            yield bound, self._of_second(bound)

    def _read(self, bound: str | None, size: int, *, inclusive: bool) -> Sequence[Found]:
        query, date = self._select, self._date
        if bound is not None and self._reverse:
            query = query.where(date <= bound if inclusive else date < bound)
        elif bound is not None:
            query = query.where(date >= bound if inclusive else date > bound)
        elif not self._reverse:
            query = query.where(date.is_not(None))  # such rows would come first, and fill the page
        return self._connection.execute(
            query.order_by(date.desc() if self._reverse else date.asc()).limit(size)
        ).fetchall()

    def _of_second(self, second: str) -> list[Found]:
        rows = self._connection.execute(self._select.where(self._date == second).limit(MOST_IN_A_SECOND + 1)).fetchall()
        if len(rows) > MOST_IN_A_SECOND:
            raise Invalid(
                f"More than {MOST_IN_A_SECOND} records bear the one time {second}. Ask for those before or after it."
            )
        return list(rows)


def key(row: Found) -> Key:
    """What tells the rows of a second apart, and puts them in order: a later channel has a higher uniqueid."""
    rest = hashlib.blake2b(repr(tuple(row[3:])).encode(), digest_size=6).hexdigest()
    uniqueid = row[1] or ""
    return len(uniqueid), uniqueid, int(row[2] or 0), rest
