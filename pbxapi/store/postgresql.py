"""PostgreSQL: no wait for the server is without an end."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg
from sqlalchemy import Engine, event

PATIENCE = 7.0
"""Seconds: some more than the server itself allows a statement."""


class _Connection(psycopg.Connection[Any]):
    """One whose server may stop without a word: libpq waits for it for ever."""

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
        """As psycopg's own, which asks now and then whether there is more to do, and until the deadline."""
        return super().wait(self._bounded(gen), *args, **kwargs)

    def _bounded(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        deadline = time.monotonic() + PATIENCE
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > deadline:
                    gen.close()
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server does not answer")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


def bound(engine: Engine) -> None:
    """Let this engine's connections wait no longer than PATIENCE."""
    event.listen(engine, "do_connect", _connect)


def _connect(dialect: object, record: object, arguments: Any, options: Any) -> Any:
    return _Connection.connect(*arguments, **options)
