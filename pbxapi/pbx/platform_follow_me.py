"""Follow-me of FreePBX and Issabel, in the table, AstDB and lamps, as their own screens keep them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import column, select

from pbxapi.db.engine import connect
from pbxapi.db.platform_tables import findmefollow, recordings, users
from pbxapi.errors import NotFound, NotSupported
from pbxapi.pbx import follow_me_plans as plans
from pbxapi.pbx import lamps
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.change import Changes
from pbxapi.pbx.follow_me_check import ANNOUNCEMENTS, check, check_caller_id, check_widths
from pbxapi.pbx.follow_me_layout import MODULE, TABLE, FollowMeLayout, layout_of
from pbxapi.pbx.follow_me_numbers import clean, join
from pbxapi.pbx.plan import Plan, Value
from pbxapi.pbx.platform import NEED_RELOAD, Platform, PlatformLook
from pbxapi.pbx.provisioning import FollowMe, Outcome, Values, Write
from pbxapi.pbx.single_write import write_one
from pbxapi.pbx.stored import Stored

if TYPE_CHECKING:
    from sqlalchemy import ColumnClause, Connection, Engine


class PlatformFollowMe:
    """`provisioning.FollowMes` over the platform's own table.

    NotSupported where its follow-me module is not enabled. What is not understood, such as a calendar, is kept.
    """

    def __init__(self, engine: Engine, look: PlatformLook, astdb: AstDb, changes: Changes) -> None:
        self._engine = engine
        self._look = look
        self._astdb = astdb
        self._changes = changes

    def all(self) -> tuple[FollowMe, ...]:
        """Every follow-me of an extension that is there, by number: two queries, and AstDB's AMPUSER as a whole."""
        platform, _ = self._platform()
        with connect(self._engine) as connection:
            rows = _rows(connection, platform, None)
            extensions = set(connection.execute(select(users.c.extension)).scalars())
        entries: dict[str, dict[tuple[str, str], str]] = {}
        for key, value in self._astdb.tree(plans.FAMILY).items():
            entries.setdefault(key.partition("/")[0], {})[plans.FAMILY, key] = value
        found = (
            plans.view(_stored(number, row, entries.get(number, {})), platform.settings)
            for number, row in rows.items()
            if number in extensions
        )
        return tuple(sorted(filter(None, found), key=lambda each: (len(each.extension), each.extension)))

    def get(self, number: str) -> FollowMe:
        """One. Raises NotFound."""
        platform, _ = self._platform()
        with connect(self._engine) as connection:
            found = plans.view(self._read(connection, platform, number), platform.settings)
            if found is None or not _extensions(connection, [number]):
                raise _nothing(number)
        return found

    def rows(self, number: str | None = None) -> list[dict[str, str]]:
        """The rows of the table as they are, also of numbers that are no extension."""
        platform, _ = self._platform()
        with connect(self._engine) as connection:
            found = _rows(connection, platform, number)
        return [
            {name: "" if value is None else str(value) for name, value in {"grpnum": each, **row}.items()}
            for each, row in found.items()
        ]

    def put(self, number: str, values: Values, how: Write, *, merge: bool = False) -> tuple[FollowMe, Outcome]:
        """Set it; with `merge` only what is given changes, and it has to be there.

        Raises NotFound, also for a number that is no extension, and Invalid.
        """
        return write_one(self._changes, number, partial(self._put, number, values, how, merge=merge), how)

    def delete(self, number: str, how: Write) -> Outcome:
        """Remove it. Raises NotFound."""
        _, outcome = write_one(self._changes, number, partial(self._delete, number, how), how)
        return outcome

    def _put(self, number: str, values: Values, how: Write, *, merge: bool) -> tuple[FollowMe, Plan]:
        platform, layout = self._platform()
        with connect(self._engine) as connection:
            if not _extensions(connection, [number]):
                raise NotFound(f"There is no extension {number}")
            old = self._read(connection, platform, number)
            current = plans.view(old, platform.settings)
            if merge and current is None:
                raise _nothing(number)
            if how.check:
                how.check(current)
            check(values, _recordings(connection, platform, [values.get(name) for name in ANNOUNCEMENTS]))
            default = plans.defaults(number, platform.settings)
            wanted = plans.changed(current if merge and current else default, values, default)
            check_caller_id(wanted, values)
            grplist = _grplist(connection, number, values) or (plans.kept_list(old) if merge else number)
            ids = [wanted.announcement_id, wanted.remote_announcement_id, wanted.too_late_announcement_id]
            columns = platform.schema.tables[TABLE].columns
            new = plans.saved(
                old, wanted, grplist,
                layout=layout, columns=columns, files=_recordings(connection, platform, ids) or {},
            )  # fmt: skip
            check_widths(new.rows[plans.place(number)], columns)
        return plans.view(new, platform.settings) or wanted, self._plan(platform, layout, old, new, on=wanted.enabled)

    def _delete(self, number: str, how: Write) -> tuple[None, Plan]:
        platform, layout = self._platform()
        with connect(self._engine) as connection:
            old = self._read(connection, platform, number)
        new = plans.removed(old)
        if new == old:
            raise _nothing(number)
        current = plans.view(old, platform.settings)
        if how.check and current:
            how.check(current)
        return None, self._plan(platform, layout, old, new, on=False)

    def _plan(self, platform: Platform, layout: FollowMeLayout, old: Stored, new: Stored, *, on: bool) -> Plan:
        if platform.on(lamps.SETTING):
            devices = lamps.devices_of(old)
            old = lamps.with_states(self._astdb, old, map(plans.lamp, devices))
            new = plans.lit(replace(new, states=old.states), devices, enabled=on)
        plan = plans.plan(old, new, layout)
        return plan + Plan(rows=(NEED_RELOAD,)) if plan.reload else plan

    def _platform(self) -> tuple[Platform, FollowMeLayout]:
        platform = self._look.now()
        version = platform.modules.get(MODULE)
        if version is None or not platform.schema.has(TABLE):
            raise NotSupported("The follow-me module is not enabled on this exchange")
        return platform, layout_of(version)

    def _read(self, connection: Connection, platform: Platform, number: str) -> Stored:
        row = _rows(connection, platform, number).get(number)
        entries = {(plans.FAMILY, key): value for key, value in self._astdb.tree(plans.FAMILY, number).items()}
        return _stored(number, row, entries)


def _stored(number: str, row: Mapping[str, Value] | None, entries: Mapping[tuple[str, str], str]) -> Stored:
    return Stored(number, rows={} if row is None else {plans.place(number): row}, keys=entries)


def _rows(connection: Connection, platform: Platform, number: str | None) -> dict[str, dict[str, Value]]:
    """Rows by number, every column that the table has here but for the number."""
    names = platform.schema.tables[TABLE].columns
    columns: list[ColumnClause[Any]] = [column(name) for name in names]
    statement = select(*columns).select_from(findmefollow).order_by(findmefollow.c.grpnum)
    if number is not None:
        statement = statement.where(findmefollow.c.grpnum == number)
    found = {}
    for row in connection.execute(statement).mappings():
        found[str(row["grpnum"])] = {name: row[name] for name in names if name != "grpnum"}
    return found


def _extensions(connection: Connection, numbers: Collection[str]) -> set[str]:
    """Those of the numbers that are extensions here."""
    statement = select(users.c.extension).where(users.c.extension.in_(numbers))
    return set(connection.execute(statement).scalars())


def _grplist(connection: Connection, number: str, values: Values) -> str:
    """The list as it is kept; empty when none was given."""
    numbers = [cleaned for each in values.get("numbers") or () if (cleaned := clean(each))]
    return join(number, numbers, _extensions(connection, numbers)) if numbers else ""


def _recordings(connection: Connection, platform: Platform, ids: Sequence[Any]) -> dict[int, str] | None:
    """Paths of those of the recordings that are there, by id; None when the exchange keeps none."""
    if not platform.schema.has("recordings"):
        return None
    wanted = [each for each in ids if each]
    if not wanted:
        return {}
    statement = select(recordings.c.id, recordings.c.filename).where(recordings.c.id.in_(wanted))
    return {row.id: _text(row.filename) for row in connection.execute(statement)}


def _text(path: bytes | str | None) -> str:
    return path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else path or ""


def _nothing(number: str) -> NotFound:
    return NotFound(f"Extension {number} has no follow-me")
