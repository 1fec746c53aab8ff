"""The host of this API, and where an exchange keeps what fills its disks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo

from pbxapi.ami import AmiError
from pbxapi.db.engine import Login
from pbxapi.drivers.platform import lock_path
from pbxapi.pbx.host import LocalHost
from pbxapi.pbx.host_services import Answer, Asks
from pbxapi.pbx.system import AmiSystem
from pbxapi.settings import Settings
from pbxapi.store import Store

BACKUPS = {
    "asterisk": "/var/spool/asterisk/backup",
    # The module backup; before FreePBX 15 it lets one choose.
    "freepbx": "/var/spool/asterisk/backup",
    "issabel": "/var/www/backup",
}
ISSABEL_MODULES = "/opt/issabel"
ANSWER = 0.7
"""Seconds for each of the two questions that Asterisk is asked about itself."""


def folders(settings: Settings) -> dict[str, str]:
    """What is counted, by purpose. The largest comes last: when its time is over, the others are known."""
    platform = settings.platform
    found = {
        "configuration": "/etc",
        "voicemail": settings.provisioning.voicemail_path,
        "logs": "/var/log",
        "backups": BACKUPS[platform.driver],
        "third_party": "/opt",
        "recordings": platform.recordings_path,
    }
    return {"issabel_modules": ISSABEL_MODULES, **found} if platform.driver == "issabel" else found


def local_host(  # noqa: PLR0917
    settings: Settings,
    store: Store,
    zone: tzinfo,
    login: Login | None,
    asterisk: Asks,
    database: Callable[[], bool] | None,
    counted: Mapping[str, str] | None = None,
) -> LocalHost:
    """Put it together; `asterisk` and `database` ask those two, `counted` takes the place of `folders`."""
    asks: dict[str, Asks] = {"asterisk": asterisk}
    if database is not None:
        asks["database"] = lambda: Answer() if database() else None
    return LocalHost(
        exchange=settings.ami.host,
        database_is_here=login is None or login.local,
        folders=folders(settings) if counted is None else counted,
        path=lock_path(store, "disk"),
        asks=asks,
        zone=zone,
    )


def ask_asterisk(system: AmiSystem) -> Answer | None:
    """Asterisk's own answer; None: it gives none in time."""
    try:
        found = system.asterisk(timeout=ANSWER)
    except AmiError:
        return None
    return Answer(found["version"], found["started_at"])
