"""Whom a key may call, from where, when and how often: a limit for toll fraud, whatever scopes the key has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPolicy:
    """What a key may place. An empty tuple or None forbids nothing.

    `destinations` and `sources` are patterns of Asterisk's dialplan without the leading `_` (`X` 0-9, `Z` 1-9, `N` 2-9,
    `[15-7]`, `.` one or more, `!` none or more; https://docs.asterisk.org, "Pattern Matching"), and one that begins
    with `-` forbids what an earlier one allowed. `caller_ids` are numbers that may be shown. `hours` are such as
    `Mon-Fri 08:00-18:00`, in the exchange's time.
    """

    destinations: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    caller_ids: tuple[str, ...] = ()
    calls_at_once: int | None = None
    calls_a_minute: int | None = None
    hours: tuple[str, ...] = ()
