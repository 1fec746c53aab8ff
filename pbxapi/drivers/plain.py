"""What an Asterisk with no platform around it provisions with: its own tables or files, as EXTENSION_STORE says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxapi.ami import AmiError, AmiRefused, Client
from pbxapi.db.engine import Login, engine, sqlite_engine
from pbxapi.db.login import url_login
from pbxapi.db.schema import SchemaLook
from pbxapi.drivers.platform import lock_path
from pbxapi.drivers.provisioned import Provisioned
from pbxapi.pbx import plain_follow_me as follow
from pbxapi.pbx.applying import Applier
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.change import Changes, ConfFile
from pbxapi.pbx.dialect import DIALECTS, Dialect
from pbxapi.pbx.file_store import FileStore, templates
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.plain_applying import Loaded, Reloads
from pbxapi.pbx.plain_extensions import PlainExtensions
from pbxapi.pbx.plain_follow_me import PlainFollowMe
from pbxapi.pbx.plain_operations import PlainOperations
from pbxapi.pbx.plain_store import PlainStore, transports
from pbxapi.pbx.provisioning import Write
from pbxapi.pbx.queue_seats import PlainSeats
from pbxapi.pbx.realtime_store import RealtimeStore
from pbxapi.pbx.row_changes import Rows
from pbxapi.pbx.running import Running, running
from pbxapi.pbx.section_file import SectionFile
from pbxapi.pbx.voicemail_file import FILE as VOICEMAIL
from pbxapi.pbx.voicemail_file import VoicemailFile
from pbxapi.settings import Settings
from pbxapi.store import Store

if TYPE_CHECKING:
    from pbxapi.db.engine import Engine
    from pbxapi.pbx.interfaces import Peers

DATABASE = "asterisk"
STORE = "extensions.store"
NOT_SET = "set EXTENSION_STORE to realtime or file"
NO_DATABASE = "set REALTIME_DATABASE_URL or DB_PASSWORD"
NO_REALTIME = "EXTENSION_STORE=realtime is for CHAN_DRIVER=pjsip only"


@dataclass(frozen=True)
class _Place:
    """Where extensions are kept."""

    store: PlainStore
    file: SectionFile | None
    rows: Rows | None
    close: Callable[[], None]


def provisioning(settings: Settings, store: Store, login: Login | None, ami: Client, peers: Peers) -> Provisioned:
    """Put it together; `login` is DB_HOST's. Connects to nothing."""
    given = settings.provisioning
    seats = PlainSeats(peers, settings.platform.channel_driver, frozenset(settings.calls.contexts))
    context = settings.calls.contexts[0]
    dialect = DIALECTS[settings.platform.channel_driver].with_context(context)
    astdb = AstDb(ami)
    runs = running(dialect, ami, astdb)
    if not given.extension_store:
        return Provisioned(seats=seats, others={STORE: lambda: NOT_SET})
    if given.extension_store == "file":
        place = _files(settings, ami, dialect, runs)
    elif dialect.technology != "pjsip":
        return Provisioned(seats=seats, others={STORE: lambda: NO_REALTIME})
    elif (tables := _engine(settings, login)) is None:
        return Provisioned(seats=seats, others={STORE: lambda: NO_DATABASE})
    else:
        place = _realtime(tables, dialect)

    voicemail = VoicemailFile(given.voicemail_conf_path, given.voicemail_path, ami)
    follow_me = _follow_me(settings, ami)
    lock = HostLock(lock_path(store, "write"), "The exchange's configuration")
    loads: dict[str, Callable[[], None]] = {dialect.module: place.file.reload} if place.file else {}
    command = Reloads({**loads, follow.MODULE: lambda: _reload(follow_me)})
    one_run = HostLock(lock_path(store, "apply"), "Applying the configuration")
    applying = Applier(store.changes, one_run, lock, command, timeout=given.apply_timeout)
    sections = {each.file.name: each for each in (place.file, follow_me) if each}

    def changes(files: dict[str, ConfFile], how_applied: Applier) -> Changes:
        every: dict[str, ConfFile] = {VOICEMAIL: voicemail, **files}
        return Changes(lock, store.changes, astdb, rows=place.rows, files=every, applying=how_applied)

    at_once = changes(dict(sections), Loaded(store.changes, one_run, lock, command, timeout=given.apply_timeout))
    later = changes({name: file.unloaded() for name, file in sections.items()}, applying)

    def chosen(how: Write) -> Changes:
        return at_once if how.apply else later

    follows = PlainFollowMe(follow_me, chosen, runs.has, context)
    operations = PlainOperations(
        store=place.store, dialect=dialect, running=runs, voicemail=voicemail, journal=store.changes,
        contexts=settings.calls.contexts, transports=lambda: transports(ami, dialect), belongings=follows.removal,
    )  # fmt: skip
    extensions = PlainExtensions(
        ami=ami, store=place.store, dialect=dialect, running=runs, operations=operations, changes=chosen,
        journal=store.changes,
    )  # fmt: skip
    return Provisioned(
        seats=seats,
        extensions=extensions,
        follow_me=follows,
        applying=applying,
        others={
            STORE: lambda: _asked(place.store.why_not),
            "extensions.voicemail": voicemail.why_not,
            "extensions.follow_me": lambda: _asked(follow_me.why_not),
        },
        close=place.close,
    )


def _files(settings: Settings, ami: Client, dialect: Dialect, runs: Running) -> _Place:
    given = settings.provisioning
    name = given.pjsip_file if dialect.technology == "pjsip" else given.sip_file
    file = SectionFile(
        ami, name, dialect.module, main=dialect.main, templates=templates(dialect), lacking=runs.lacking
    )  # fmt: skip
    return _Place(FileStore(file, dialect), file, None, lambda: None)


def _realtime(tables: Engine, dialect: Dialect) -> _Place:
    look = SchemaLook(tables)
    rows = Rows(tables, lambda table: look.now().tables[table].transactional)
    return _Place(RealtimeStore(tables, look, dialect), None, rows, tables.dispose)


def _engine(settings: Settings, login: Login | None) -> Engine | None:
    name = DATABASE
    if settings.provisioning.realtime_url:
        login, name = url_login(settings.provisioning.realtime_url)
        if login is None:
            return sqlite_engine(name, only_read=False)
    return engine(login, name, timeout=settings.ami.timeout) if login else None


def _follow_me(settings: Settings, ami: Client) -> SectionFile:
    """Asterisk's own followme.conf, or a file of ours that it includes."""
    name = settings.provisioning.follow_me_file
    if name == follow.MAIN:
        return SectionFile(ami, name, follow.MODULE)
    mark = {"pbxapi-follow-me": {"enable_callee_prompt": "no"}}
    return SectionFile(ami, name, follow.MODULE, main=follow.MAIN, templates=mark)


def _reload(file: SectionFile) -> None:
    """An Asterisk without app_followme has nothing to load."""
    with contextlib.suppress(AmiRefused):
        file.reload()


def _asked(why_not: Callable[[], str | None]) -> str | None:
    try:
        return why_not()
    except AmiError:
        return "Asterisk does not answer"
