"""What the doctor says of the logins to the exchange's databases: their rights, and how they are connected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pbxapi.findings import Finding

if TYPE_CHECKING:
    from pbxapi.db.engine import Login
    from pbxapi.db.grants import Session
    from pbxapi.settings import Settings

READ = ("SELECT",)
WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
# A table of each database that has to be read or written; those that a platform has not are not asked about.
CALL_RECORDS = (("cdr", READ), ("cel", READ))
PLATFORM = tuple((name, WRITE) for name in ("users", "devices", "sip", "findmefollow", "queues_details", "admin"))
REALTIME = tuple((name, WRITE) for name in ("ps_endpoints", "ps_auths", "ps_aors"))
POOL = 15
"""Connections that each of our pools opens at most (SQLAlchemy's QueuePool: 5, and 10 beyond them)."""

POOLS = 3
"""Pools a worker: the platform's tables, pages of call records, and exports."""

Place = tuple["Login", str, tuple[tuple[str, tuple[str, ...]], ...]]


def databases(settings: Settings, workers: int, threads: int) -> Iterator[Finding]:
    """Look at each login. Nothing of it is changed."""
    from pbxapi.db.engine import engine  # noqa: PLC0415
    from pbxapi.db.grants import session  # noqa: PLC0415
    from pbxapi.errors import PbxError  # noqa: PLC0415

    limits: dict[tuple[str, int], int] = {}
    for login, name, tables in _places(settings):
        what = f"database {name} at {login.socket or f'{login.host}:{login.port}'}"
        opened = engine(login, name, timeout=settings.ami.timeout)
        try:
            found = session(opened)
        except PbxError as error:
            cause = error.__cause__.__cause__ if error.__cause__ else None
            advice = f"{cause}\nIs the server running, and are host, user and password right?"
            yield Finding("fault", f"{what}: {error}", advice)
            continue
        finally:
            opened.dispose()
        yield from _rights(what, found, name, tables)
        if not login.local and not found.encrypted:
            advice = "Set up TLS on the database server (ssl_cert and ssl_key): it is used as soon as it is offered."
            yield Finding("remark", f"{what}: is on another host, and what it answers is not encrypted", advice)
        if found.connections is not None:
            limits[login.socket or login.host, login.port] = found.connections
    yield from _enough(min(limits.values(), default=None), workers, threads)


def _rights(what: str, found: Session, name: str, tables: tuple[tuple[str, tuple[str, ...]], ...]) -> Iterator[Finding]:
    lacking = {table: rights for table, wanted in tables if (rights := found.lacks(wanted, name, table))}
    user = "@".join(f"'{part}'" for part in found.user.rsplit("@", 1))
    if not lacking:
        yield Finding("fine", f"{what}: {found.user} has the rights that are needed")
    for table, rights in lacking.items():
        level = "remark" if table == "cel" or found.roles else "fault"
        advice = f"GRANT {', '.join(rights)} ON `{name}`.`{table}` TO {user};"
        yield Finding(level, f"{what}: {found.user} lacks {', '.join(rights)} on {table}", advice)
    if found.may_all:
        every = ", ".join(dict.fromkeys(right for _, wanted in tables for right in wanted))
        advice = (
            "One of its own is safer; with it in DB_USERNAME and DB_PASSWORD, or in CDR_DATABASE_URL:\n"
            "CREATE USER 'pbxapi'@'localhost' IDENTIFIED BY '<a long random one>';\n"
            f"GRANT {every} ON `{name}`.* TO 'pbxapi'@'localhost';"
        )
        yield Finding("remark", f"{what}: {found.user} may do anything to every database", advice)


def _enough(limit: int | None, workers: int, threads: int) -> Iterator[Finding]:
    """Whether workers, threads and connections go together."""
    most = workers * POOLS * min(POOL, threads)
    if limit is not None and most > limit:
        advice = f"Fewer workers or threads, or max_connections above {most} in the server's configuration."
        yield Finding("remark", f"{workers} workers may open {most} connections, the database takes {limit}", advice)
    if threads > 2 * POOL:
        advice = f"More than {2 * POOL} wait for each other: let there be more workers with fewer threads."
        yield Finding("remark", f"{threads} threads a worker share {POOL} connections to each database", advice)


def _places(settings: Settings) -> Iterator[Place]:
    """The logins that are used, as the drivers find them. What is in SQLite has none."""
    from pbxapi.db.call_engines import DATABASE  # noqa: PLC0415
    from pbxapi.db.login import freepbx_login, issabel_login, url_login  # noqa: PLC0415
    from pbxapi.drivers.asterisk import database_login  # noqa: PLC0415

    login = given = database_login(settings)
    if settings.platform.driver == "freepbx":
        login = freepbx_login(given, settings.database.freepbx_conf_path)
        yield login, login.database or "asterisk", PLATFORM
    elif settings.platform.driver == "issabel":
        login = issabel_login(given, settings.database.issabel_conf_path)
        yield login, "asterisk", PLATFORM
    elif settings.provisioning.extension_store == "realtime":
        own, name = url_login(settings.provisioning.realtime_url) if settings.provisioning.realtime_url else (login, "")
        if own is not None and own.password:
            yield own, name or "asterisk", REALTIME
    if settings.records.database_url:
        own, name = url_login(settings.records.database_url)
        if own is not None:
            yield own, name, CALL_RECORDS
    elif login.password:
        yield login, DATABASE, CALL_RECORDS
