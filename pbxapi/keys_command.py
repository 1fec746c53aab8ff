"""`pbxapi keys`: make keys for the API, list, rotate and revoke them; in the store, whether the API runs or not."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from pbxapi import logs
from pbxapi.environment import read_environment
from pbxapi.findings import Finding
from pbxapi.scopes import SCOPES
from pbxapi.settings import Settings, SettingsError

if TYPE_CHECKING:
    from pbxapi.pbx.call_policy import CallPolicy
    from pbxapi.store import Store
    from pbxapi.store.keys import Key

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
SOON = timedelta(days=14)
"""A key that expires within it is worth a remark."""
YOUNG = timedelta(days=30)
"""A key that is older than this and was never used is worth one, too."""
SCOPE_HELP = "Scopes:\n" + "\n".join(f"  {name:<12}{what}" for name, what in SCOPES.items())
EXPIRES_HELP = "from when it is refused: 90d, 12h, 2027-01-01 or 2027-01-01T08:00:00+01:00"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said on the command line."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    making = commands.add_parser(
        "create", help="make a key, and print it", epilog=SCOPE_HELP,
        description="Make a key. It is printed on standard output, once: only a hash of it is kept.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    making.add_argument("name", metavar="NAME", help="what logs and the audit log are to know it by")
    making.add_argument("--scope", action="append", required=True, metavar="SCOPE", help="may be given several times")
    making.add_argument(
        "--network", action="append", default=[], metavar="NETWORK",
        help="an address or a network that it may be used from, such as 10.0.0.0/8; several times (everywhere)",
    )  # fmt: skip
    making.add_argument("--expires", metavar="WHEN", help=f"{EXPIRES_HELP} (never)")
    making.add_argument("--policy", type=Path, metavar="FILE", help="a call policy in JSON: whom it may call, and when")
    making.set_defaults(act=_create)
    listing = commands.add_parser("list", help="list the keys, those that were revoked among them")
    listing.add_argument("--json", action="store_true", help="as the REST interface tells them")
    listing.set_defaults(act=_list)
    revoking = commands.add_parser("revoke", help="let a key be good no longer, for ever; in effect within 2 s")
    revoking.add_argument("name", metavar="NAME")
    revoking.set_defaults(act=_revoke)
    rotating = commands.add_parser("rotate", help="give a key another secret, and print it")
    rotating.add_argument("name", metavar="NAME")
    rotating.add_argument(
        "--grace",
        default="0s",
        metavar="TIME",
        help="for how long the old one is good still: 30m, 24h, 7d (%(default)s)",
    )
    rotating.add_argument("--expires", metavar="WHEN", help=f"{EXPIRES_HELP} (as before)")
    rotating.set_defaults(act=_rotate)


def run(args: argparse.Namespace) -> int:
    """Do it. Raises SettingsError: also for a name, a scope or a time that cannot be used."""
    from pbxapi.app import build_store  # noqa: PLC0415
    from pbxapi.errors import Invalid, PbxError, Unavailable, in_its_words  # noqa: PLC0415
    from pbxapi.store.migrate import is_current, what_to_do  # noqa: PLC0415

    settings = Settings.from_environ(read_environment())
    logs.configure_audit(settings.audit)
    store = build_store(settings)
    try:
        if not is_current(store):
            raise SettingsError([f"STORE_URL: {store!r} has not the tables of this version: {what_to_do(store)}"])
        act: Callable[[argparse.Namespace, Store, tzinfo | None], None] = args.act
        act(args, store, settings.platform.timezone)
    except Unavailable as error:
        # The database's own words: no password is among them.
        raise SettingsError([f"STORE_URL: {store!r} does not take it: {in_its_words(error)}"]) from None
    except Invalid as error:
        wrong = [f"{name}: {' '.join(words)}" for name, words in error.fields.items()]
        raise SettingsError([f"{error}.", *wrong]) from None
    except PbxError as error:
        raise SettingsError([f"{error}."]) from None
    finally:
        store.close()
    return 0


def read_duration(text: str, what: str) -> timedelta:
    """Read 30m, 24h, 90d or 4w. Raises SettingsError, naming `what`."""
    found = re.fullmatch(r"([0-9]{1,8})([smhdw])", text.strip())
    if not found:
        raise SettingsError([f"{what} must be a time such as 30m, 24h, 90d or 4w, not {text!r}"])
    return timedelta(seconds=int(found[1]) * UNITS[found[2]])


def read_expiry(text: str, zone: tzinfo | None, now: datetime) -> datetime:
    """Read a time from now on, or a date in this zone (None: the system's), or a time. Raises SettingsError."""
    try:
        if re.fullmatch(r"[0-9]+[a-z]", text.strip()):
            return now + read_duration(text, "--expires")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()):
            local = datetime.combine(date.fromisoformat(text.strip()), time.min)
        else:
            local = datetime.fromisoformat(text.strip())
        if local.tzinfo is not None:
            return local
        return local.replace(tzinfo=zone) if zone else local.astimezone()
    except (ValueError, OverflowError, OSError):
        raise SettingsError(
            [f"--expires must be such as 90d, 2027-01-01 or a time in ISO 8601, not {text!r}"]
        ) from None


def key_findings(store: Store) -> Iterator[Finding]:
    """What the doctor says of keys that are no use or soon will not be. Raises Unavailable."""
    now, found = datetime.now(UTC), [key for key in store.keys.all() if key.revoked_at is None]
    for key in found:
        age = now - key.created_at
        how = f"`pbxapi keys rotate {key.name} --expires 90d` gives it another secret and time."
        gone = f"`pbxapi keys revoke {key.name}` if nobody needs it."
        if key.status(now) == "expired":
            yield Finding("remark", f"the key {key.name} expired on {_day(key.expires_at)}", f"{how}\n{gone}")
        elif key.expires_at is not None and key.expires_at < now + SOON:
            yield Finding("remark", f"the key {key.name} expires on {_day(key.expires_at)}", how)
        elif key.last_used_at is None and age > YOUNG:
            yield Finding("remark", f"the key {key.name} was never used in {age.days} days", gone)
    yield Finding("fine", f"keys: {len(found)} beside API_SECRET_KEY")


def _create(args: argparse.Namespace, store: Store, zone: tzinfo | None) -> None:
    from pbxapi.http.audit_trail import record_command, who_runs  # noqa: PLC0415

    expires_at = read_expiry(args.expires, zone, datetime.now(UTC)) if args.expires else None
    policy = _policy(args.policy) if args.policy else None
    key, secret = store.keys.create(
        args.name, args.scope, networks=args.network, policy=policy, expires_at=expires_at, created_by=who_runs()
    )
    record_command(store, "key.create", f"key {key.name}", after=_settings(key))
    _tell(secret, f"The key {key.name} is made: {_told(key)}. It is not shown again.")


def _rotate(args: argparse.Namespace, store: Store, zone: tzinfo | None) -> None:
    from pbxapi.http.audit_trail import record_command  # noqa: PLC0415

    grace = read_duration(args.grace, "--grace")
    expires_at = read_expiry(args.expires, zone, datetime.now(UTC)) if args.expires else None
    key, secret = store.keys.rotate(args.name, grace=grace, expires_at=expires_at)
    old = f"good until {_time(key.previous_until)}" if grace else "good no longer"
    record_command(store, "key.rotate", f"key {key.name}", detail=f"the one before is {old}")
    _tell(secret, f"The key {key.name} has another secret, and the old one is {old}. It is not shown again.")


def _revoke(args: argparse.Namespace, store: Store, zone: tzinfo | None) -> None:
    from pbxapi.http.audit_trail import record_command  # noqa: PLC0415

    before, after = store.keys.revoke(args.name)
    if before.revoked_at is not None:
        sys.stderr.write(f"The key {args.name} was revoked before, at {_time(before.revoked_at)}.\n")
        return
    record_command(store, "key.revoke", f"key {after.name}")
    sys.stderr.write(f"The key {after.name} is revoked: within 2 s it is refused everywhere.\n")


def _list(args: argparse.Namespace, store: Store, zone: tzinfo | None) -> None:
    found = store.keys.all()
    if args.json:
        from pbxapi.http.body import text_of  # noqa: PLC0415
        from pbxapi.http.keys import document  # noqa: PLC0415

        sys.stdout.write(f"{text_of([document(key) for key in found])}\n")
        return
    now = datetime.now(UTC)
    rows = [("NAME", "STATUS", "BEGINS", "EXPIRES", "LAST USED", "MAY")]
    rows += [
        (key.name, key.status(now), key.prefix, _day(key.expires_at), _day(key.last_used_at), _told(key))
        for key in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:5], widths, strict=True)]
        sys.stdout.write("  ".join([*cells, row[5]]) + "\n")


def _tell(secret: str, about: str) -> None:
    """The secret alone on standard output, so that KEY=$(pbxapi keys create ...) works."""
    sys.stderr.write(f"{about}\n")
    sys.stdout.write(f"{secret}\n")


def _told(key: Key) -> str:
    where = f"from {', '.join(key.networks)}" if key.networks else "from everywhere"
    calls = ", with a call policy" if key.policy else ""
    return f"{' '.join(key.scopes)}, {where}{calls}" + (f", until {_time(key.expires_at)}" if key.expires_at else "")


def _settings(key: Key) -> dict[str, object]:
    from pbxapi.http.keys import settings_of  # noqa: PLC0415

    return settings_of(key)


def _policy(path: Path) -> CallPolicy:
    from pbxapi.pbx.call_policy import CallPolicy  # noqa: PLC0415

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"--policy {path}: {error.strerror}"]) from None
    except ValueError as error:
        raise SettingsError([f"--policy {path} is not JSON: {error}"]) from None
    if not isinstance(document, dict):
        raise SettingsError([f"--policy {path} is not a JSON object"])
    return CallPolicy.from_document(document)


def _day(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d}" if when else "-"


def _time(when: datetime | None) -> str:
    return when.isoformat(timespec="seconds") if when else "-"
