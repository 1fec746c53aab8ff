"""Issabel 4 and 5: an Asterisk whose configuration Issabel writes from its database."""

from __future__ import annotations

from pbxapi.db.login import issabel_login
from pbxapi.drivers import asterisk
from pbxapi.pbx.interfaces import Pbx
from pbxapi.settings import Settings
from pbxapi.store import Store


def build(settings: Settings, store: Store) -> Pbx:
    """An Issabel. Connects to nothing."""
    # Nothing else is read from Issabel's database, so that its login is not looked for where another one is named.
    login = None
    if not settings.records.database_url:
        login = issabel_login(asterisk.database_login(settings), settings.database.issabel_conf_path)
    return asterisk.assemble(settings, store, asterisk.conf_sip_extensions(settings), {}, login)
