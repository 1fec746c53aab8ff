"""FreePBX 13 to 17: an Asterisk whose configuration FreePBX writes from its database."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pbxapi.db.engine import engine, ready
from pbxapi.db.login import freepbx_login
from pbxapi.drivers import asterisk
from pbxapi.pbx.interfaces import Pbx
from pbxapi.pbx.sip_extensions import DatabaseSipExtensions
from pbxapi.settings import Settings
from pbxapi.store import Store


def build(settings: Settings, store: Store) -> Pbx:
    """A FreePBX. Connects to nothing."""
    login = freepbx_login(asterisk.database_login(settings), settings.database.freepbx_conf_path)
    tables = engine(login, "asterisk", timeout=settings.ami.timeout)
    parts = {"database": partial(ready, tables)}
    pbx = asterisk.assemble(settings, store, DatabaseSipExtensions(tables), parts, login)

    def close() -> None:
        pbx.close()
        tables.dispose()

    return replace(pbx, close=close)
