"""Which FreePBX or Issabel this is: its version, its settings, its tables. Read, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from pbxapi.db.engine import connect
from pbxapi.db.platform_tables import admin, freepbx_settings, issabelpbx_settings, modules
from pbxapi.db.schema import Schema, SchemaLook
from pbxapi.pbx.layout import Layout, layout_for
from pbxapi.pbx.live import Shared
from pbxapi.pbx.plan import RowChange

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

TRUE = frozenset({"1", "true", "yes", "on"})

DEFAULTS = {
    "AMPEXTENSIONS": "extensions", "ASTSIPDRIVER": "both", "CFRINGTIMERDEFAULT": "0", "CONCURRENCYLIMITDEFAULT": "0",
    "DEFAULT_INTERNAL_AUTO_ANSWER": "disabled", "DEVICE_ALLOW": "", "DEVICE_CALLGROUP": "", "DEVICE_DISALLOW": "",
    "DEVICE_PICKUPGROUP": "", "DEVICE_QUALIFY": "yes", "DEVICE_SIP_CANREINVITE": "no", "DEVICE_SIP_DTMF": "rfc2833",
    "DEVICE_SIP_ENCRYPTION": "no", "DEVICE_SIP_NAT": "no", "DEVICE_SIP_QUALIFYFREQ": "60", "DEVICE_SIP_SENDRPID": "no",
    "DEVICE_SIP_TRUSTRPID": "yes", "ENABLECW": "1", "FOLLOWME_PRERING": "7", "FOLLOWME_RG_STRATEGY": "ringallv2-prim",
    "FOLLOWME_TIME": "20", "FOLLOWME_DISABLED": "1", "RINGTIMER": "15", "SIPSECRETSIZE": "32", "USEDEVSTATE": "1",
}  # fmt: skip
"""What a platform does where its settings lack one: older versions know fewer of them."""

TTL = 30.0

NEED_RELOAD = RowChange("admin", {"variable": "need_reload"}, {}, {"value": "true"})
"""What says that changes wait to be applied. Unconditional: whoever else sets it wants the same."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What was found. `modules` are those that are enabled, by name, with their versions."""

    layout: Layout
    settings: Mapping[str, str]
    modules: Mapping[str, str]
    schema: Schema

    def on(self, setting: str) -> bool:
        """Whether a setting of yes and no is yes."""
        return self.settings.get(setting, "").lower() in TRUE


class PlatformLook:
    """Looks again after `ttl` seconds. Raises Unavailable and Timeout."""

    def __init__(self, engine: Engine, platform: str, ttl: float = TTL) -> None:
        self._engine = engine
        self._platform = platform
        self._schema = SchemaLook(engine, ttl)
        self._shared: Shared[Platform] = Shared(self._look, ttl=ttl)

    def now(self) -> Platform:
        """The platform as it was at most `ttl` seconds ago."""
        return self._shared.get().value

    def _look(self) -> Platform:
        schema = self._schema.now()
        with connect(self._engine) as connection:
            enabled = _modules(connection, schema)
            layout = layout_for(self._platform, self._version(connection, schema, enabled))
            return Platform(layout, _settings(connection, schema, layout), enabled, schema)

    def _version(self, connection: Connection, schema: Schema, enabled: Mapping[str, str]) -> str:
        """Of core, or what else tells it: Issabel's own version is in `admin`."""
        found = enabled.get("core") or enabled.get("framework") or ""
        if self._platform == "issabel" and schema.has("admin"):
            rows = connection.execute(select(admin.c.value).where(admin.c.variable == "version"))
            return str(rows.scalars().first() or found)
        return found


def _modules(connection: Connection, schema: Schema) -> dict[str, str]:
    if not schema.has("modules"):
        return {}
    rows = connection.execute(select(modules.c.modulename, modules.c.version).where(modules.c.enabled == 1))
    return {str(name): str(version) for name, version in rows}


def _settings(connection: Connection, schema: Schema, layout: Layout) -> dict[str, str]:
    found = dict(DEFAULTS)
    table = issabelpbx_settings if layout.platform == "issabel" else freepbx_settings
    if schema.has(layout.settings_table):
        # What the exchange logs in with is nobody's business here.
        wanted = select(table.c.keyword, table.c.value, table.c.defaultval).where(table.c.keyword.not_like("%PASS%"))
        for keyword, value, default in connection.execute(wanted):
            found[keyword] = str((value if value is not None else default) or "")
    # PJSIP knows it by the newer name alone (FreePBX Core, drivers/PJSip).
    dtmf = found["DEVICE_SIP_DTMF"]
    return found | {"PJSIP_DTMF": "rfc4733" if dtmf == "rfc2833" else dtmf}
