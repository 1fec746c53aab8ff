"""A write about one number: decided under the write lock, shown for a dry run, else carried out and applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pbxapi.pbx.change import Changes
from pbxapi.pbx.plan import Plan
from pbxapi.pbx.provisioning import Outcome, Write

T = TypeVar("T")


def write_one(changes: Changes, number: str, decide: Callable[[], tuple[T, Plan]], how: Write) -> tuple[T, Outcome]:
    """`decide` reads what is there and gives what will be, with the plan for it. Raises what it and `Changes` raise."""
    with changes.locked():
        after, plan = decide()
        if how.dry_run or plan.empty:
            return after, Outcome(plan)
        change = changes.carry_out([number], plan)
    applied, reason = changes.finish(change, plan, how)
    return after, Outcome(plan, (), applied, reason)
