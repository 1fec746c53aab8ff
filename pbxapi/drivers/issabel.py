"""Issabel 4 and 5: an Asterisk whose configuration Issabel writes from its database."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pbxapi.db.engine import engine, ready
from pbxapi.db.login import issabel_login
from pbxapi.drivers import asterisk
from pbxapi.drivers.platform import provisioning
from pbxapi.pbx.interfaces import Pbx
from pbxapi.settings import Settings
from pbxapi.store import Store


def build(settings: Settings, store: Store) -> Pbx:
    """An Issabel. Connects to nothing."""
    login = issabel_login(asterisk.database_login(settings), settings.database.issabel_conf_path)
    tables = engine(login, "asterisk", timeout=settings.ami.timeout)
    parts = {"database": partial(ready, tables)}
    provision = partial(provisioning, settings, store, tables, None)
    pbx = asterisk.assemble(settings, store, asterisk.conf_sip_extensions(settings), parts, login, provision)

    def close() -> None:
        pbx.close()
        tables.dispose()

    return replace(pbx, close=close)
