"""Who still calls what."""

from __future__ import annotations

import logging
import threading
from collections import Counter

log = logging.getLogger("pbxapi.legacy")


class Usage:
    """Uses by key and command, of this process since its start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses: Counter[tuple[str, str]] = Counter()

    def count(self, key: str, command: str, successor: str) -> None:
        """Count one use. The 1st, 10th, 100th, ... is logged: a wallboard asks every second."""
        with self._lock:
            self._uses[key, command] += 1
            uses = self._uses[key, command]
        if str(uses).strip("0") == "1":
            log.info("uses of cmd=%s by the key %s since the start: %d; use %s instead", command, key, uses, successor)

    def counts(self) -> dict[tuple[str, str], int]:
        """Uses by key and command."""
        with self._lock:
            return dict(self._uses)
