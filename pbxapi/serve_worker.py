"""gunicorn's worker of threads, told to end at any moment of its life."""

from __future__ import annotations

import os
import signal

from gunicorn.workers.gthread import ThreadWorker

ENDINGS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


class Worker(ThreadWorker):  # type: ignore[misc]
    """Keeps what tells it to end until it has handlers for it.

    One that gunicorn sends between the fork and its worker's handlers would go to the master's, in the worker's copy of
    it, where nobody looks: the worker would serve on, and be killed after `graceful_timeout`.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        """gunicorn makes it in the master, just before the fork."""
        super().__init__(*args, **kwargs)
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)

    def init_signals(self) -> None:
        """gunicorn calls it in the worker."""
        super().init_signals()
        listen()


def listen() -> None:
    """Let through what tells a process to end."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)


os.register_at_fork(after_in_parent=listen)
