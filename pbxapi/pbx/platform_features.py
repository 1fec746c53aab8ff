"""Do not disturb, forwards, call waiting and ring time of FreePBX and Issabel: in AstDB, and in effect at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from pbxapi.db.engine import connect
from pbxapi.db.platform_tables import users
from pbxapi.errors import NotFound
from pbxapi.pbx import feature_plans as plans
from pbxapi.pbx import lamps
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.change import Changes
from pbxapi.pbx.plan import Plan
from pbxapi.pbx.platform import PlatformLook
from pbxapi.pbx.provisioning import Features, Outcome, Values, Write
from pbxapi.pbx.single_write import write_one
from pbxapi.pbx.stored import Stored, lead

if TYPE_CHECKING:
    from sqlalchemy import Engine

SWITCHES = ("DND", "CW", *plans.FORWARDS.values())


class PlatformFeatures:
    """`provisioning.FeatureStates` over AstDB; the ring time stands in the table `users` as well."""

    def __init__(self, engine: Engine, look: PlatformLook, astdb: AstDb, changes: Changes) -> None:
        self._engine = engine
        self._look = look
        self._astdb = astdb
        self._changes = changes

    def get(self, number: str) -> Features:
        """Those of one extension. Raises NotFound."""
        return plans.view(self._read(number))

    def change(self, number: str, values: Values, how: Write) -> tuple[Features, Outcome]:
        """Switch what is given: `do_not_disturb`, `call_forward` (of which only the kinds that are in it),
        `call_waiting`, `ring_time`. Raises NotFound and Invalid.
        """
        plans.check(values)
        return write_one(self._changes, number, partial(self._change, number, values, how), how)

    def _change(self, number: str, values: Values, how: Write) -> tuple[Features, Plan]:
        platform = self._look.now()
        old = self._read(number)
        if how.check:
            how.check(plans.view(old))
        new = plans.switched(old, values)
        after = plans.view(new)
        if platform.on(lamps.SETTING):
            some = list(plans.lamps(old, values))
            old = lamps.with_states(self._astdb, old, [device for device, _ in some])
            new = plans.lit(plans.switched(old, values), some, plans.DND_OFF[platform.layout.platform])
        return after, lead(old, new)

    def _read(self, number: str) -> Stored:
        with connect(self._engine) as connection:
            statement = select(users.c.ringtimer).where(users.c.extension == number)
            user = connection.execute(statement).mappings().first()
        if user is None:
            raise NotFound(f"There is no extension {number}")
        keys = {("AMPUSER", key): value for key, value in self._astdb.tree("AMPUSER", number).items()}
        for family in SWITCHES:
            value = self._astdb.get(family, number)
            if value is not None:
                keys[family, number] = value
        return Stored(number, user=dict(user), keys=keys)
