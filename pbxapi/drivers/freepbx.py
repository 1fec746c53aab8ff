"""FreePBX 13 to 17: an Asterisk whose configuration FreePBX writes from its database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pbxapi.db.engine import engine, ready
from pbxapi.db.login import freepbx_login
from pbxapi.drivers import asterisk
from pbxapi.drivers.platform import provisioning
from pbxapi.pbx.interfaces import Pbx
from pbxapi.pbx.sip_extensions import DatabaseSipExtensions
from pbxapi.settings import Settings
from pbxapi.store import Store

if TYPE_CHECKING:
    from pbxapi.db.engine import Engine
    from pbxapi.pbx.applying import ApplyCommand


def build(
    settings: Settings,
    store: Store,
    *,
    tables: Engine | None = None,
    command: ApplyCommand | None = None,
    folders: Mapping[str, str] | None = None,
) -> Pbx:
    """A FreePBX. Connects to nothing.

    `tables`, `command` and `folders` take the place of its database, its fwconsole, and what is counted of its disks.
    """
    login = None
    if tables is None:
        login = freepbx_login(asterisk.database_login(settings), settings.database.freepbx_conf_path)
        tables = engine(login, login.database or "asterisk", timeout=settings.ami.timeout)
    parts = {"database": partial(ready, tables)}
    provision = partial(provisioning, settings, store, tables, command)
    pbx = asterisk.assemble(settings, store, DatabaseSipExtensions(tables), parts, login, provision, folders)

    def close() -> None:
        pbx.close()
        tables.dispose()

    return replace(pbx, close=close)
