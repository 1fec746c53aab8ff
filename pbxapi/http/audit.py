"""Who did what, from where: one line a change and a look at secrets, never the secret itself."""

from __future__ import annotations

import logging

from flask import request

from pbxapi.http.auth import principal
from pbxapi.logs import AUDIT

log = logging.getLogger(AUDIT)


def record(what: str) -> None:
    """Log it with the name of the key and the address that the request came from."""
    if log.isEnabledFor(logging.INFO):
        log.info("%s from %s: %s", principal().name, request.remote_addr, what)
