"""`cdrreport`: rows of the call records as the older interface listed them."""

from __future__ import annotations

import calendar
import re
from datetime import datetime

from pbxapi.errors import Invalid
from pbxapi.http.context import capable
from pbxapi.legacy.commands import Asked, command
from pbxapi.legacy.parameters import Parameters
from pbxapi.pbx.history import Filters

FIELDS = frozenset({"src", "dst", "channel", "dstchannel", "accountcode", "clid", "cnum", "cnam"})
ALL = ("ANSWERED", "BUSY", "FAILED", "NO ANSWER")
RECORDED = {"only": True, "without": False}
DEFAULT, MOST = 100, 10_000

_TIME = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ](\d\d?):(\d\d?)(?::(\d\d?))?)?\Z", re.ASCII)


@command("cdr", "/cdr")
def cdrreport(asked: Asked) -> object:
    """The newest rows that fit. `custom`, which was once put into the SQL as it came, is not looked at."""
    given = asked.given
    # `between` goes first: what cannot be read is said whether or not there is a database.
    between = _between(given)
    records = capable(asked.pbx.call_records, "call records")
    return records.report(_filters(given), limit=_limit(given.text("limit")), between=between)


def _filters(given: Parameters) -> Filters:
    field, pattern = given.text("field_name").lower(), given.text("field_pattern")
    status = given.text("status").upper()
    return Filters(
        contains=((field, pattern),) if field in FIELDS and pattern else (),
        disposition=(status,) if status in ALL else ALL,
        has_recording=RECORDED.get(given.text("recordings").lower()),
    )


def _limit(text: str) -> int:
    number = int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
    return number if 1 <= number <= MOST else DEFAULT


def _between(given: Parameters) -> tuple[str, str] | None:
    """By the exchange's clock, and both included, as BETWEEN is in SQL."""
    start, end = given.text("start_date"), given.text("end_date")
    if not start and not end:
        return None
    if not start or not end:
        raise Invalid("start_date and end_date go together: send both or neither")
    return _time("start_date", start), _time("end_date", end)


def _time(name: str, text: str) -> str:
    """As the table holds it. Clients that end every month on the 31st mean its last day, and MySQL understood them."""
    found = _TIME.match(text)
    try:
        if found is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        if day <= 31:
            day = min(day, calendar.monthrange(year, month)[1])
        return datetime(year, month, day, hour, minute, second).isoformat(" ")
    except ValueError:
        raise Invalid(f"{name} must be a time such as 2026-01-31 23:59:59") from None
