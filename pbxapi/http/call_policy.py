"""Holding a key to its call policy, at each place where it can make a call go somewhere."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

from flask import request
from werkzeug.exceptions import Forbidden, TooManyRequests

from pbxapi.errors import Unavailable
from pbxapi.http import problems
from pbxapi.http.auth import REFUSED, Principal, principal
from pbxapi.http.context import state
from pbxapi.pbx.call_policy import CallPolicy
from pbxapi.pbx.text import LOCAL
from pbxapi.store.placed import TooManyCalls

log = logging.getLogger("pbxapi.http")

E = TypeVar("E", bound=Exception)

_SAID = {
    "calls_at_once": "as many of its calls as it may have at once are going on",
    "calls_a_minute": "it has placed as many calls as it may in a minute",
}


class CallForbidden(Forbidden):
    """403: the key's call policy is against it."""

    problem = "call-policy"


@contextmanager
def placing(
    to: str,
    *,
    origin: str | None = None,
    caller_id: str | None = None,
    variables: Iterable[str] = (),
    channel: str | None = None,
) -> Iterator[Callable[[str], None]]:
    """Around what makes a call: check it first, count it, and forget it when it was not placed after all.

    `channel` is the id of the one that is sent there, where that is no new call. Gives a function that takes the call's
    id. Raises CallForbidden (403), TooManyRequests (429), and Unavailable where it cannot be counted: then nothing is
    placed.
    """
    caller = principal()
    policy = caller.policy
    if policy is None:
        yield _counted_nowhere
        return
    _check(
        policy.against_destination(to), policy.against_source(origin) if origin is not None else None,
        policy.against_caller_id(caller_id), policy.against_variables(variables),
        policy.against_now(datetime.now(state().pbx.zone)),
    )  # fmt: skip
    if policy.calls_at_once is None and policy.calls_a_minute is None:
        yield _counted_nowhere
        return
    number = _count(caller, policy, channel)
    try:
        yield lambda call_id: _name(number, call_id)
    except BaseException as error:
        if not _may_be_on_its_way(error):
            with suppress(Unavailable):
                state().store.placed.release(number)
        raise


def _counted_nowhere(call_id: str) -> None:
    """For a key whose calls are not counted."""


def _count(caller: Principal, policy: CallPolicy, channel: str | None) -> int:
    pbx, now = state().pbx, datetime.now(UTC)
    call_id = pbx.channels.get(channel).linkedid if channel else None
    # What is written of calls may be less than there is: they were transferred, or placed by the older interface.
    live = {call.id for call in pbx.calls.all().value} if policy.calls_at_once is not None else set()
    try:
        return state().store.placed.admit(
            caller.name, policy.calls_at_once, policy.calls_a_minute, now, call_id=call_id, live=live
        )
    except TooManyCalls as error:
        wait = min(60, max(1, math.ceil(error.retry_after)))
        why = _SAID[error.limit]
        raise _refused(why, TooManyRequests(f"{_whose()}: {why}.", retry_after=wait)) from None


def _name(number: int, call_id: str) -> None:
    try:
        state().store.placed.name(number, call_id)
    except Unavailable:
        # The call is placed, and counts for a minute.
        log.warning("it could not be written which call the key %s placed: %s", principal().name, call_id)


def _may_be_on_its_way(error: BaseException) -> bool:
    return problems.kind_of(error).status in {500, 504} or problems.may_have_run(error)


def check_interface(interface: str | None) -> None:
    """Raise CallForbidden unless the key may let a queue call this interface: Local/00900@from-internal is a call."""
    policy = principal().policy
    local = LOCAL.match(interface or "")
    if policy and local:
        _check(policy.against_destination(local["extension"]))


def check_digits() -> None:
    """Raise CallForbidden unless the key may send digits: behind them may be a line that dials on."""
    policy = principal().policy
    if policy and policy.destinations:
        _check("digits could dial on to any number")


def _check(*faults: str | None) -> None:
    for fault in filter(None, faults):
        raise _refused(fault, CallForbidden(f"{_whose()}: {fault}."))


def _refused(why: str, error: E) -> E:
    request.environ[REFUSED] = why
    return error


def _whose() -> str:
    return f"The call policy of the key {principal().name}"
