"""Secrets that this program makes for itself: random, made once, the same in every worker."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from pbxapi.errors import Unavailable
from pbxapi.store.tables import secrets

if TYPE_CHECKING:
    from pbxapi.store.engine import Store

RECORDING_IDS = "recording-ids"
"""What ids of recordings are sealed with."""

BYTES = 32


class SecretStore:
    """Rows of `secrets`. None ever changes, so each is read once in a process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, bytes] = {}

    def get(self, name: str) -> bytes:
        """The 32 random bytes of this name, made at the first use. Raises Unavailable."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = bytes.fromhex(self._read(name) or self._made(name))
        return known

    def _made(self, name: str) -> str:
        value = token_hex(BYTES)
        try:
            with self._store.begin() as connection:
                connection.execute(insert(secrets).values(name=name, value=value))
        except Unavailable:
            # Another worker made it in the meantime, and its is the one; or there is none, and the store is at fault.
            found = self._read(name)
            if found is None:
                raise
            return found
        return value

    def _read(self, name: str) -> str | None:
        with self._store.begin() as connection:
            found: str | None = connection.execute(
                select(secrets.c.value).where(secrets.c.name == name)
            ).scalar_one_or_none()
            return found
