"""Steps that are done all or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pbxapi.errors import Inconsistent

log = logging.getLogger("pbxapi.change")


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, and how to take it back, also when it is not known whether, or how far, it was done."""

    what: str
    do: Callable[[], None]
    undo: Callable[[], None]


def run(steps: Sequence[Step]) -> None:
    """Do every step, or none: at the first that fails, it and those before it are undone, the last first.

    Raises what the step raised; Inconsistent, with what was left, when an undo failed.
    """
    begun: list[Step] = []
    try:
        for step in steps:
            begun.append(step)
            step.do()
    except BaseException as error:
        undo(begun, error)
        raise


def undo(steps: Sequence[Step], cause: BaseException) -> None:
    """Take steps back, the last first. Raises Inconsistent from `cause` when one cannot be."""
    left = []
    for step in reversed(steps):
        try:
            step.undo()
        except Exception:
            log.exception("could not be undone: %s", step.what)
            left.append(step.what)
    if left:
        raise Inconsistent(
            "The change failed half way, and this could not be undone: " + ", ".join(left), left
        ) from cause
