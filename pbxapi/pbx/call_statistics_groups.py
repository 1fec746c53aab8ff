"""What calls can be grouped by, and the items of an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from pbxapi.errors import Invalid
from pbxapi.pbx.call_statistics_sources import Counting
from pbxapi.pbx.call_statistics_tally import Tallies, Tally
from pbxapi.pbx.cdr_totals import ALL, DID, DISPOSITION, DISPOSITIONS, EXTENSION, QUEUE
from pbxapi.pbx.local_time import Clock
from pbxapi.pbx.naive_time import EPOCH, HOUR, HOURS_A_DAY, day_of, weekday_of

MOST_ITEMS = 10_000
WEEKDAYS = range(1, 8)

Item = dict[str, Any]
Arrange = Callable[[Tallies, range, Clock], list[Item]]


@dataclass(frozen=True, slots=True)
class Group:
    """How calls are counted, and how the tallies become items."""

    counting: Counting
    arrange: Arrange


def check_size(group_by: str, hours: range) -> None:
    """Raises Invalid for a range with more hours or days than an answer may have items."""
    grain = GROUPS[group_by].counting.grain
    if group_by in {"hour", "day"} and len(hours) // grain > MOST_ITEMS:
        raise Invalid(
            f"The range has more than {MOST_ITEMS} items: ask for a shorter one, or by a longer unit of time.",
            {"group_by": [f"More than {MOST_ITEMS} items."]},
        )


def _by_hour(tallies: Tallies, hours: range, clock: Clock) -> list[Item]:
    none = Tally()
    return [_item(name, tallies.get((hour, ""), none)) for hour, name in _names(hours, clock)]


def _by_day(tallies: Tallies, hours: range, clock: Clock) -> list[Item]:
    none, days = Tally(), range(hours.start // HOURS_A_DAY, -(-hours.stop // HOURS_A_DAY))
    return [_item(day_of(day).isoformat(), tallies.get((day, ""), none)) for day in days]


def _by_weekday(tallies: Tallies, hours: range, clock: Clock) -> list[Item]:
    none = Tally()
    return [_item(weekday, tallies.get((weekday, ""), none)) for weekday in WEEKDAYS]


def _heatmap(tallies: Tallies, hours: range, clock: Clock) -> list[Item]:
    none, found = Tally(), []
    for weekday in WEEKDAYS:
        of_day = [tallies.get((weekday * HOURS_A_DAY + hour, ""), none) for hour in range(HOURS_A_DAY)]
        hours_of_day = [_item(hour, tally) for hour, tally in enumerate(of_day)]
        found.append({**_item(weekday, together(of_day)), "hours": hours_of_day})
    return found


def _hour_of_week(hour: int) -> int:
    return weekday_of(hour // HOURS_A_DAY) * HOURS_A_DAY + hour % HOURS_A_DAY


def _by_key(tallies: Tallies, hours: range, clock: Clock) -> list[Item]:
    """Those with the most calls first."""
    if len(tallies) > MOST_ITEMS:
        raise Invalid(f"There are more than {MOST_ITEMS} items: ask for a shorter range.")
    ordered = sorted(tallies.items(), key=lambda found: (-found[1].calls, found[0]))
    return [_item(key, tally) for (_, key), tally in ordered]


def _by_disposition(tallies: Tallies, hours: range, clock: Clock) -> list[Item]:
    return [_item(name, tallies[0, name]) for name in DISPOSITIONS if (0, name) in tallies]


GROUPS: dict[str, Group] = {
    "hour": Group(Counting(ALL, 1), _by_hour),
    "day": Group(Counting(ALL, HOURS_A_DAY), _by_day),
    "weekday": Group(Counting(ALL, HOURS_A_DAY, weekday_of), _by_weekday),
    "heatmap": Group(Counting(ALL, 1, _hour_of_week), _heatmap),
    "disposition": Group(Counting(DISPOSITION, 0), _by_disposition),
    "extension": Group(Counting(EXTENSION, 0), _by_key),
    "queue": Group(Counting(QUEUE, 0), _by_key),
    "did": Group(Counting(DID, 0), _by_key),
}


def together(tallies: Iterable[Tally]) -> Tally:
    """One tally of several."""
    found = Tally()
    for tally in tallies:
        found.merge(tally)
    return found


def hour_name(hour: int, clock: Clock) -> str:
    """An hour's beginning in ISO 8601."""
    return (EPOCH + timedelta(hours=hour)).replace(tzinfo=clock.zone).isoformat()


def _item(key: str | int, tally: Tally) -> Item:
    return {"key": key, **tally.shown()}


def _names(hours: range, clock: Clock) -> Iterator[tuple[int, str]]:
    """Every hour with its name; without those that daylight saving leaves out."""
    for day in range(hours.start // HOURS_A_DAY, -(-hours.stop // HOURS_A_DAY)):
        midnight = (EPOCH + timedelta(days=day)).replace(tzinfo=clock.zone)
        plain = midnight.utcoffset() == (midnight + timedelta(days=1)).utcoffset()
        date, offset = midnight.isoformat()[:10], midnight.isoformat()[19:]
        for hour in range(max(hours.start, day * HOURS_A_DAY), min(hours.stop, (day + 1) * HOURS_A_DAY)):
            if plain:
                yield hour, f"{date}T{hour % HOURS_A_DAY:02}:00:00{offset}"
            elif _exists(hour, clock):
                yield hour, hour_name(hour, clock)


def _exists(hour: int, clock: Clock) -> bool:
    local = EPOCH + timedelta(hours=hour)
    return clock.local(local.replace(tzinfo=clock.zone).astimezone(UTC)) == local


def hours_of(lower: int, upper: int) -> range:
    """The hours that a range of seconds has a part of."""
    return range(lower // HOUR, -(-upper // HOUR))
