"""The same statistics, counted in plain Python over the rows: what the database's answers are compared with."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

RANKS = ["ANSWERED", "BUSY", "NO ANSWER", "CONGESTION", "FAILED"]
DEVICE = re.compile(r"(?:(?:PJSIP|SIP|IAX2|SCCP)/([0-9]{2,8})-|Local/([0-9]{2,8})@)")
Row = Mapping[str, Any]


def items(
    rows: Iterable[Row], start: str, end: str, group_by: str, *, linked: bool = True
) -> dict[Any, dict[str, Any]]:
    """The items that are not empty, by key. `start` and `end` are local times; a heatmap's are (weekday, hour)."""
    inside = [row for row in rows if row["calldate"] and start <= row["calldate"] < end and row["calldate"] >= "1970"]
    found: dict[Any, list[list[Row]]] = {}
    for legs in calls(inside, linked=linked):
        for key, mine in keyed(legs, group_by):
            found.setdefault(key, []).append(mine)
    return {key: shown(each) for key, each in found.items()}


def totals(rows: Iterable[Row], start: str, end: str, *, linked: bool = True) -> dict[str, Any]:
    found = items(rows, start, end, "all", linked=linked)
    return found.get("", shown([]))


def calls(rows: Iterable[Row], *, linked: bool) -> list[list[Row]]:
    def call(row: Row) -> tuple[str, str]:
        return row["calldate"][:13], (linked and row["linkedid"]) or row["uniqueid"]

    return [list(legs) for _, legs in groupby(sorted(rows, key=call), call)]


def keyed(legs: list[Row], group_by: str) -> list[tuple[Any, list[Row]]]:
    at = datetime.strptime(legs[0]["calldate"][:13], "%Y-%m-%d %H")
    if group_by == "disposition":
        said = {leg["disposition"] for leg in legs}
        return [(next((name for name in RANKS if name in said), "UNKNOWN"), legs)]
    keys_of: dict[str, Callable[[Row], list[Any]]] = {
        "all": lambda leg: [""], "hour": lambda leg: [at], "day": lambda leg: [f"{at:%Y-%m-%d}"],
        "weekday": lambda leg: [at.isoweekday()], "heatmap": lambda leg: [(at.isoweekday(), at.hour)],
        "extension": extensions, "did": lambda leg: [leg["did"].strip()],
        "queue": lambda leg: [leg["lastdata"].split(",")[0].strip()] if leg["lastapp"] == "Queue" else [],
    }  # fmt: skip
    of_legs = keys_of[group_by]
    keys = {key for leg in legs for key in of_legs(leg) if key or group_by == "all"}
    return [(key, [leg for leg in legs if key in of_legs(leg)]) for key in keys]


def extensions(leg: Row) -> list[str]:
    found = [DEVICE.match(leg[name]) for name in ("channel", "dstchannel")]
    return [match[1] or match[2] for match in found if match]


def shown(each: list[list[Row]]) -> dict[str, Any]:
    talks, rings = [], []
    for legs in each:
        answered = [leg for leg in legs if leg["disposition"] == "ANSWERED"]
        if answered:
            first = min(at(leg) for leg in legs)
            picked_up = min(at(leg) + timedelta(seconds=leg["duration"] - leg["billsec"]) for leg in answered)
            rings.append(max(0, int((picked_up - first).total_seconds())))
            talks.append(max(leg["billsec"] for leg in answered))
    n = len(rings)
    return {
        "calls": len(each), "answered": n, "answer_rate": round(n / len(each), 4) if each else None,
        "talk_time": sum(talks), "average_talk_time": round(sum(talks) / n, 1) if n else None,
        "average_ring_time": round(sum(rings) / n, 1) if n else None,
        "p95_ring_time": sorted(rings)[math.ceil(n * 95 / 100) - 1] if n else None,
    }  # fmt: skip


def at(leg: Row) -> datetime:
    return datetime.strptime(leg["calldate"], "%Y-%m-%d %H:%M:%S")


def flattened(answer: Mapping[str, Any]) -> dict[Any, dict[str, Any]]:
    """The items of an answer as `items` gives them."""
    found: dict[Any, dict[str, Any]] = {}
    for item in answer["items"]:
        plain = dict(item)
        key, hours = plain.pop("key"), plain.pop("hours", None)
        if answer["group_by"] == "hour":
            key = datetime.fromisoformat(key).replace(tzinfo=None)
        parts = {key: plain} if hours is None else {(key, hour["key"]): without_key(hour) for hour in hours}
        found |= {name: part for name, part in parts.items() if part["calls"]}
    return found


def without_key(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "key"}
