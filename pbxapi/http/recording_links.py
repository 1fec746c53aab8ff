"""Links to recordings that need no key and expire: for the player in a web page, which cannot send one."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from itsdangerous import BadData, URLSafeSerializer
from werkzeug.exceptions import Forbidden, Gone

from pbxapi.http.context import state

MOST = 2_000
"""Characters of a token."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link gives, until when (in seconds since 1970)."""

    recording: str
    until: int
    form: str | None
    download: bool

    @property
    def expires_at(self) -> datetime:
        """Until when."""
        return datetime.fromtimestamp(self.until, UTC)


class LinkRefused(Forbidden):
    """403: the token was not made here, or with another API_SECRET_KEY."""

    problem = "link-refused"


class LinkExpired(Gone):
    """410: it was right once."""

    problem = "link-expired"


def signed(link: Link) -> str:
    """The token of a link."""
    token = _serializer().dumps([link.recording, link.until, link.form, link.download])
    return token if isinstance(token, str) else token.decode()


def opened(token: str) -> Link:
    """The link of a token. Raises LinkRefused and LinkExpired."""
    try:
        link = Link(*_serializer().loads(token))
    except (BadData, TypeError):
        raise LinkRefused("This link was altered, or was made with a key that is not in use any more.") from None
    if link.until <= time.time():
        raise LinkExpired(f"This link was good until {link.expires_at:%Y-%m-%d %H:%M:%S} UTC. Ask for a new one.")
    return link


def _serializer() -> URLSafeSerializer:
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(state().settings.api_secret_key, salt="pbxapi.recording-link", signer_kwargs=options)
