"""Questions that may never be answered, such as those to a file system whose server is gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class _Asked(threading.Thread):
    def __init__(self, question: Callable[[], Any]) -> None:
        super().__init__(name="pbxapi-host", daemon=True)
        self._question = question
        self.answer: Any = None

    def run(self) -> None:
        self.answer = self._question()


class Patience:
    """Asks in a thread, and waits so many seconds. A question that hangs is not asked a second time meanwhile."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._under_way: dict[Hashable, _Asked] = {}
        self._lock = threading.Lock()

    def ask(self, key: Hashable, question: Callable[[], T]) -> T | None:
        """The answer; None when it did not come in time. `question` must not raise."""
        with self._lock:
            asked = self._under_way.get(key)
            if asked is None or not asked.is_alive():
                asked = self._under_way[key] = _Asked(question)
                asked.start()
        asked.join(self._seconds)
        answer: T | None = asked.answer
        return answer
