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


def with_live_half(settings: str, whole: str) -> str:
    """The tag of a resource of which only one half is configured, and the other one moves by itself.

    `"<settings>.<whole>"`: If-None-Match compares all of it, If-Match only what stands before the dot.
    """
    return f"{settings[:-1]}.{whole[1:]}"


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
        wanted = request.if_match
        named = {tag.partition(".")[0].removesuffix(SHOWN) for tag in wanted.as_set() if tag}
        if current is None or not (wanted.star_tag or self._tag(current).strip('"') in named):
            raise PreconditionFailed("The resource is not what If-Match says: read it again.")
