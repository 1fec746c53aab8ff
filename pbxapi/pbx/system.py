"""The exchange itself: versions, whether its parts answer, and what works on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, tzinfo
from typing import Any

from pbxapi import __version__
from pbxapi.ami import AmiError, AmiRefused, Client, Message
from pbxapi.pbx.capabilities import CAPABILITIES, judge
from pbxapi.pbx.interfaces import Capability
from pbxapi.pbx.live import Shared

READY_TIMEOUT = 1.0
"""Seconds a part may take to say that it is there."""

RIGHTS_TTL = 30.0


class AmiSystem:
    """What the exchange says of itself. `parts` are further things that have to be ready (store, ari, database).

    `others` are capabilities that are not the manager's; each says why it is not there, or None.
    """

    def __init__(
        self,
        ami: Client,
        driver: str,
        parts: Mapping[str, Callable[[], bool]],
        *,
        others: Mapping[str, Callable[[], str | None]],
        timezone: tzinfo | None,
    ) -> None:
        self._ami = ami
        self._driver = driver
        self._parts: dict[str, Callable[[], bool]] = {"ami": self._ping, **parts}
        self._others = others
        self._timezone = timezone
        self._judged: Shared[list[Capability]] = Shared(self._judge, ttl=RIGHTS_TTL)

    def info(self) -> dict[str, Any]:
        """Versions and the driver. Raises AmiError."""
        return {
            "driver": self._driver,
            "version": __version__,
            "asterisk": self.asterisk(),
            "capabilities": {c.name: c.available for c in self.capabilities()},
        }

    def asterisk(self, *, timeout: float | None = None) -> dict[str, Any]:
        """What Asterisk says of itself; each of two questions may take `timeout` seconds. Raises AmiError."""
        settings = self._ami.request("CoreSettings", timeout=timeout).response
        status = self._ami.request("CoreStatus", timeout=timeout).response
        processed = status.get("CoreProcessedCalls")
        return {
            "version": settings.get("AsteriskVersion") or None,
            "ami_version": settings.get("AMIversion") or None,
            "name": settings.get("SystemName") or None,
            "started_at": self._started_at(status),
            "calls": int(status.get("CoreCurrentCalls") or 0),
            "calls_processed": int(processed) if processed.isdigit() else None,
        }

    def _started_at(self, status: Message) -> datetime | None:
        """Asterisk gives its own local time and no offset."""
        try:
            local = datetime.fromisoformat(f"{status.get('CoreStartupDate')} {status.get('CoreStartupTime')}")
        except ValueError:
            return None
        return local.replace(tzinfo=self._timezone) if self._timezone else local.astimezone()

    def capabilities(self, *, fresh: bool = False) -> list[Capability]:
        """Each capability, whether it works, and if not why. Raises AmiError."""
        return self._judged.get(fresh=fresh).value

    def _judge(self) -> list[Capability]:
        listed = {name for name, _ in self._ami.request("ListCommands").response.items()}
        judged = [judge(c, listed, self._why_missing) for c in CAPABILITIES]
        reasons = {name: why_not() for name, why_not in self._others.items()}
        return [*judged, *(Capability(name, reason is None, reason) for name, reason in reasons.items())]

    def _why_missing(self, action: str) -> str:
        """Ask for an action that ListCommands does not list: it is refused either way, and the words tell why."""
        try:
            self._ami.request(action)
        except AmiRefused as error:
            return error.words
        return ""

    def ready(self) -> dict[str, bool]:
        """Which parts answer, all asked at once; one that has not within a second does not answer."""
        pool = ThreadPoolExecutor(len(self._parts), thread_name_prefix="pbxapi-ready")
        asked = {name: pool.submit(ask) for name, ask in self._parts.items()}
        done, _ = wait(asked.values(), READY_TIMEOUT + 0.1)
        # Who is late is not waited for: each part bounds its own attempt.
        pool.shutdown(wait=False, cancel_futures=True)
        return {name: future in done and future.result() for name, future in asked.items()}

    def _ping(self) -> bool:
        try:
            self._ami.request("Ping", timeout=READY_TIMEOUT)
        except AmiError:
            return False
        return True
