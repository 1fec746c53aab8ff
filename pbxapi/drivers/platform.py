"""What FreePBX and Issabel provision with: one implementation, and the platform's own data and command."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from pbxapi.drivers.provisioned import Provisioned
from pbxapi.errors import Timeout, Unavailable
from pbxapi.pbx.apply_commands import NeedReload, PlatformCommand
from pbxapi.pbx.applying import Applier, ApplyCommand
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.asterisk_conf import ConfError, read
from pbxapi.pbx.change import Changes
from pbxapi.pbx.extension_operations import Operations
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.platform import PlatformLook
from pbxapi.pbx.platform_extensions import VOICEMAIL, PlatformExtensions
from pbxapi.pbx.platform_features import PlatformFeatures
from pbxapi.pbx.platform_follow_me import PlatformFollowMe
from pbxapi.pbx.platform_queues import PlatformQueues
from pbxapi.pbx.queue_leaving import QueueLeaving
from pbxapi.pbx.queue_seats import PlatformSeats
from pbxapi.pbx.row_changes import Rows
from pbxapi.pbx.sip_extensions import ConfSipExtensions
from pbxapi.pbx.voicemail_file import VoicemailFile
from pbxapi.settings import Settings
from pbxapi.store import Store

if TYPE_CHECKING:
    from pbxapi.ami import Client
    from pbxapi.db.engine import Engine
    from pbxapi.pbx.interfaces import Peers


def provisioning(  # noqa: PLR0917
    settings: Settings, store: Store, tables: Engine, command: ApplyCommand | None, ami: Client, peers: Peers
) -> Provisioned:
    """Put it together; `tables` is the platform's own database. No `command`: its own. Connects to nothing."""
    given, platform = settings.provisioning, settings.platform.driver
    look = PlatformLook(tables, platform)
    astdb = AstDb(ami)
    voicemail = VoicemailFile(given.voicemail_conf_path, given.voicemail_path, ami)
    writing = HostLock(lock_path(store, "write"), "The exchange's configuration")
    flag = NeedReload(tables)
    command = command or PlatformCommand(platform, look, given.apply_command, ami)
    applying = Applier(
        store.changes,
        HostLock(lock_path(store, "apply"), "Applying the configuration"),
        writing,
        command,
        flag,
        timeout=given.apply_timeout,
    )
    rows = Rows(tables, lambda table: look.now().schema.tables[table].transactional)
    changes = Changes(writing, store.changes, astdb, rows=rows, files={VOICEMAIL: voicemail}, applying=applying)
    operations = Operations(
        astdb,
        voicemail,
        settings.calls.contexts,
        lambda: transports(settings.platform.pjsip_conf_path),
        settings.platform.channel_driver,
    )
    extensions = PlatformExtensions(
        engine=tables, look=look, astdb=astdb, changes=changes, operations=operations, voicemail=voicemail,
        journal=store.changes, peers=peers, sections=ConfSipExtensions(settings.platform.pjsip_conf_path).sections,
        leaving=QueueLeaving(ami, astdb),
    )  # fmt: skip
    return Provisioned(
        seats=PlatformSeats(look, astdb, frozenset(settings.calls.contexts)),
        queue_setup=PlatformQueues(tables, look, astdb, changes, settings.calls.contexts),
        extensions=extensions,
        follow_me=PlatformFollowMe(tables, look, astdb, changes),
        features=PlatformFeatures(tables, look, astdb, changes),
        applying=applying,
        others={
            "extensions.version": lambda: _warning(look),
            "extensions.apply": command.why_not,
            "extensions.voicemail": voicemail.why_not,
        },
        close=applying.close,
    )


def _warning(look: PlatformLook) -> str | None:
    try:
        return look.now().layout.warning
    except (Unavailable, Timeout) as error:
        return str(error)


def lock_path(store: Store, name: str) -> Path:
    """Where our processes on this host find each other: beside the store, where that is a file."""
    if store.file:
        return Path(f"{store.file}.{name}.lock")
    same = hashlib.blake2b(store.url.encode(), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"pbxapi-{same}.{name}.lock"


def transports(pjsip_conf_path: str) -> Collection[str] | None:
    """The PJSIP transports of the configuration files; None where they cannot be read here."""
    try:
        return {section.name for section in read(pjsip_conf_path) if section.get("type") == "transport"}
    except (OSError, ConfError):
        return None
