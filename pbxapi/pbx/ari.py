"""Asterisk's REST interface (ARI), for those who have it on."""

from __future__ import annotations

import threading
from typing import Any

import requests

from pbxapi.errors import Refused, Timeout, Unavailable

CONNECT_TIMEOUT = 2.0


class HttpAri:
    """ARI over HTTP. One `requests.Session` a thread: a session is not safe to share."""

    def __init__(self, url: str, username: str, secret: str, *, timeout: float) -> None:
        """`url` is the root, such as http://127.0.0.1:8088; `timeout` in seconds, for each read."""
        self._url = url.rstrip("/") + "/ari"
        self._auth = (username, secret)
        self._timeout = timeout
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"HttpAri({self._url!r}, username={self._auth[0]!r})"

    def channels(self) -> list[dict[str, Any]]:
        """GET /ari/channels as it is. Raises Unavailable, Timeout, Refused."""
        answer = self._get("/channels")
        if not isinstance(answer, list):
            raise Refused("ARI gave something else than a list of channels")
        return answer

    def ping(self) -> bool:
        """Whether ARI answers and takes the user name and secret."""
        try:
            self._get("/asterisk/ping")
        except (Unavailable, Timeout, Refused):
            return False
        return True

    def _get(self, path: str) -> Any:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            # The environment's proxies and .netrc have no business between us and the exchange.
            session.trust_env = False
            session.auth = self._auth
        try:
            answer = session.get(self._url + path, timeout=(CONNECT_TIMEOUT, self._timeout), allow_redirects=False)
        except requests.Timeout as error:
            raise Timeout("ARI did not answer in time") from error
        except requests.RequestException as error:
            raise Unavailable("ARI cannot be reached", part="ari") from error
        if answer.status_code in {401, 403}:
            raise Unavailable("ARI refused our user name or secret", part="ari", retry_after=30)
        if not answer.ok:
            raise Refused(f"ARI answered {answer.status_code}")
        try:
            return answer.json()
        except ValueError as error:
            raise Refused("ARI's answer is not JSON") from error
