"""Keys: kept as hashes, found by the hash of what a request brings."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from pbxapi.errors import Conflict, Invalid, NotFound, Unavailable
from pbxapi.pbx.call_policy import CallPolicy, check_scopes
from pbxapi.store.key_checks import NAME, check_expiry, check_name, checked_networks, checked_scopes
from pbxapi.store.tables import keys

if TYPE_CHECKING:
    from pbxapi.store.engine import Store

MARK = "pbx_"
SHAPE = re.compile(MARK + r"[A-Za-z0-9_-]{43}")
"""What every key of the store looks like: 256 random bits in base64url."""
PREFIX_LENGTH = 12
LONGEST_GRACE = timedelta(days=30)
USED_EVERY = timedelta(minutes=1)
TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is kept. `prefix` is the beginning of it, for people to tell keys apart; the rest is nowhere.

    `networks` are such as 10.0.0.0/8; none: from everywhere. `previous_until` is until when the key that a rotation
    took the place of is still good. `version` counts the changes.
    """

    name: str
    prefix: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...] = ()
    policy: CallPolicy | None = None
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rotated_at: datetime | None = None
    previous_until: datetime | None = None
    last_used_at: datetime | None = None
    last_used_from: str | None = None
    version: int = 1

    def status(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


@dataclass(frozen=True, slots=True)
class Found:
    """The key that a hash is of. `previous`: by the secret that a rotation took the place of."""

    key: Key
    previous: bool


def hash_of(secret: str) -> str:
    """What is kept of a secret. SHA-256 alone will do: 256 random bits are not found by trying (ADR 17)."""
    return sha256(secret.encode()).hexdigest()


class KeyStore:
    """Rows of `keys`. Every method raises Unavailable when the store does not answer.

    `changes` counts what this process changed: who remembers keys reads them again when it has moved.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.changes = 0

    def create(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        networks: Iterable[str] = (),
        policy: CallPolicy | None = None,
        expires_at: datetime | None = None,
        created_by: str,
    ) -> tuple[Key, str]:
        """Make a key; it, and its secret, which is not kept. Raises Invalid, and Conflict where there is one."""
        check_name(name)
        check_expiry(expires_at)
        scopes = checked_scopes(scopes)
        check_scopes(policy, scopes)
        secret = _new_secret()
        values = {
            "name": name, "hash": hash_of(secret), "prefix": secret[:PREFIX_LENGTH], "created_at": datetime.now(UTC),
            "created_by": created_by, "version": 1,
            **_columns({"scopes": scopes, "networks": networks, "policy": policy, "expires_at": expires_at}),
        }  # fmt: skip
        try:
            with self._store.begin() as connection:
                connection.execute(insert(keys).values(values))
                made = _key(_row(connection, name))
        except Unavailable as error:
            # That it is the only one of this name is the database's word, also when two come at once.
            if isinstance(error.__cause__, IntegrityError):
                raise self._taken(name) from None
            raise
        self.changes += 1
        return made, secret

    def all(self) -> list[Key]:
        """Every key, by name; those that were revoked are among them."""
        with self._store.begin() as connection:
            found = [_key(row) for row in connection.execute(select(keys)).mappings()]
        return sorted(found, key=lambda key: key.name)

    def get(self, name: str) -> Key:
        """One key. Raises NotFound."""
        with self._store.begin() as connection:
            return _key(_row(connection, name))

    def find(self, digest: str) -> Found | None:
        """The key that has this hash, or had it before its rotation; whether it is good still is not looked at."""
        query = select(keys).where(or_(keys.c.hash == digest, keys.c.previous_hash == digest))
        with self._store.begin() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else Found(_key(row), row["hash"] != digest)

    def change(self, name: str, changes_of: Callable[[Key], Mapping[str, Any]]) -> tuple[Key, Key]:
        """Change scopes, networks, policy or expires_at; the key before and after it.

        `changes_of` gives them for the key as it is, and may raise. Raises NotFound, Conflict and Invalid.
        """

        def values(row: RowMapping) -> Mapping[str, Any]:
            key = _key(row)
            changes = changes_of(key)
            _check_not_revoked(key)
            check_expiry(changes.get("expires_at"))
            check_scopes(changes.get("policy", key.policy), changes.get("scopes", key.scopes))
            return _columns(changes)

        return self._changed(name, values)

    def rotate(
        self,
        name: str,
        *,
        grace: timedelta = timedelta(0),
        expires_at: datetime | None = None,
        check: Callable[[Key], None] = lambda key: None,
    ) -> tuple[Key, str]:
        """Give a key another secret, and with `expires_at` another end; the secret before it is good for `grace` more.

        That before the last one is good no longer. Raises NotFound, Invalid, Conflict, and what `check` raises.
        """
        if not timedelta(0) <= grace <= LONGEST_GRACE:
            raise Invalid("The key cannot be rotated", {"grace": [f"Must be {LONGEST_GRACE.days} days at most."]})
        check_expiry(expires_at)
        secret, now = _new_secret(), datetime.now(UTC)

        def values(row: RowMapping) -> Mapping[str, Any]:
            key = _key(row)
            check(key)
            _check_not_revoked(key)
            if expires_at is None and key.status(now) == "expired":
                raise Conflict(f"The key {name} has expired: give it another expires_at")
            changes = {
                "hash": hash_of(secret), "prefix": secret[:PREFIX_LENGTH], "rotated_at": now,
                "previous_hash": row["hash"], "previous_until": now + grace,
            }  # fmt: skip
            return changes | ({"expires_at": expires_at} if expires_at else {})

        _, after = self._changed(name, values)
        return after, secret

    def revoke(self, name: str, check: Callable[[Key], None] = lambda key: None) -> tuple[Key, Key]:
        """Let a key be good no longer, for ever; it before and after. Raises NotFound, and what `check` raises."""

        def values(row: RowMapping) -> Mapping[str, Any]:
            check(_key(row))
            return {} if row["revoked_at"] else {"revoked_at": datetime.now(UTC)}

        return self._changed(name, values)

    def used(self, name: str, at: datetime, where: str) -> None:
        """Note that a key was used, unless that was noted less than a minute before."""
        stale = or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < at - USED_EVERY)
        with self._store.begin() as connection:
            connection.execute(
                update(keys).where(keys.c.name == name, stale).values(last_used_at=at, last_used_from=where[:64])
            )

    def _changed(self, name: str, values_of: Callable[[RowMapping], Mapping[str, Any]]) -> tuple[Key, Key]:
        """Write what `values_of` makes of the row, and only on that state of it."""
        for _ in range(TRIES):
            with self._store.begin() as connection:
                row = _row(connection, name)
                values = values_of(row)
                if not values:
                    return _key(row), _key(row)
                same = (keys.c.name == name, keys.c.version == row["version"])
                done = connection.execute(update(keys).where(*same).values(**values, version=row["version"] + 1))
                after = _key(_row(connection, name))
            if done.rowcount:
                self.changes += 1
                return _key(row), after
        raise Conflict(f"The key {name} is being changed by others")

    def _taken(self, name: str) -> Conflict:
        if self.get(name).revoked_at is None:
            return Conflict(f"There is a key {name} already")
        return Conflict(f"The key {name} was revoked, and its name stays taken for the audit log: choose another one")


def _new_secret() -> str:
    return MARK + secrets.token_urlsafe(32)


def _check_not_revoked(key: Key) -> None:
    if key.revoked_at is not None:
        raise Conflict(f"The key {key.name} was revoked, which is for ever: make another one")


def _row(connection: Connection, name: str) -> RowMapping:
    row = None
    # Not every database takes every character in a question.
    if re.fullmatch(NAME, name):
        row = connection.execute(select(keys).where(keys.c.name == name)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such key")
    return row


def _columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Checked, and as the columns hold them. Raises Invalid."""
    values = dict(changes)
    if "scopes" in values:
        values["scopes"] = " ".join(checked_scopes(values["scopes"]))
    if "networks" in values:
        values["networks"] = json.dumps(checked_networks(values["networks"]))
    if "policy" in values:
        policy: CallPolicy | None = values["policy"]
        values["policy"] = None if policy is None else json.dumps(policy.document())
    return values


_AS_THEY_ARE = [field.name for field in fields(Key) if field.name not in {"scopes", "networks", "policy"}]


def _key(row: RowMapping) -> Key:
    return Key(
        scopes=tuple(row["scopes"].split()),
        networks=tuple(json.loads(row["networks"])),
        policy=_policy(row),
        **{name: row[name] for name in _AS_THEY_ARE},
    )


def _policy(row: RowMapping) -> CallPolicy | None:
    if row["policy"] is None:
        return None
    try:
        return CallPolicy.from_document(json.loads(row["policy"]))
    except (Invalid, ValueError) as error:
        # Without it the key could call anybody: it must not be used at all.
        raise RuntimeError(f"the call policy of the key {row['name']} cannot be read") from error
