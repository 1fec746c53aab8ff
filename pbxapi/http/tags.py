"""Tags of states that hold secrets, and of what a write has left: what If-Match names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from flask import request
from werkzeug.exceptions import PreconditionFailed

from pbxapi.http.context import state

SHOWN = "-s"
"""At the end of a tag: of the answer that shows the secrets."""


def keyed_tag(document: object, *, shown: bool = False) -> str:
    """The tag of a state, quotes and all.

    Keyed, so that nobody finds out a secret in the document by trying. Who sees secrets and who does not have two
    answers, and so two tags; as If-Match they are one.
    """
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    key = hashlib.blake2b(state().settings.api_secret_key.encode(), person=b"pbxapi.etag").digest()
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12, key=key).hexdigest()
    return f'"{digest}{SHOWN if shown else ""}"'


class Precondition:
    """If-Match, for `Write.check`: raises PreconditionFailed (412) under the write lock. Keeps what was there.

    `tag` gives the tag of what is there.
    """

    def __init__(self, tag: Callable[[Any], str]) -> None:
        self._tag = tag
        self.before: Any = None

    def __call__(self, current: Any) -> None:
        """Look at what is about to be changed; None is nothing."""
        self.before = current
        if "If-Match" not in request.headers:
            return
        matches = current is not None and request.if_match.contains
        tag = self._tag(current).strip('"') if current is not None else ""
        if not matches or not (matches(tag) or matches(tag + SHOWN)):
            raise PreconditionFailed("The resource is not what If-Match says: read it again.")
