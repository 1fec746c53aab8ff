"""All that a platform holds of one extension, wherever it holds it, and what leads from one such state to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pbxapi.pbx.plan import KeyChange, Plan, RowChange, Secret, StateChange, Value
from pbxapi.pbx.provisioning import Mailbox

SECRETS = frozenset({"secret", "md5_cred", "secret_origional"})
"""Keywords of a device whose data nobody is shown. The last is FreePBX's own spelling of a stale copy."""

RowKey = tuple[str, tuple[tuple[str, Value], ...]]
"""A table, and the columns and values that find the row in it."""


MAPPINGS = "kvstore_FreePBX_modules_Voicemail"
MAPPING_GROUP = "vmmapping"
"""Where FreePBX's voicemail module keeps which mailbox a device's is, from 14 on."""


def mapping_place(number: str) -> RowKey:
    """The row of one extension."""
    return MAPPINGS, (("key", number), ("id", MAPPING_GROUP))


@dataclass(frozen=True, slots=True)
class Stored:
    """One extension. `user` and `device` are its rows, None where it has none.

    `settings` are the rows of its device in `table` (sip, iax, dahdi) by keyword, with their `flags`; `rows` further
    rows that are its own; `keys` entries of AstDB by family and key; `states` custom states by device; `box` its
    voicemail box.
    """

    number: str
    user: Mapping[str, Value] | None = None
    device: Mapping[str, Value] | None = None
    table: str = "sip"
    settings: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[RowKey, Mapping[str, Value]] = field(default_factory=dict)
    keys: Mapping[tuple[str, str], str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    box: Mailbox | None = None

    @property
    def exists(self) -> bool:
        """Whether it is an extension; else it is what is left of one, or nothing."""
        return self.user is not None or self.device is not None

    def key(self, family: str, key: str = "") -> str | None:
        """An entry of AstDB below this number: `key("AMPUSER", "cidname")`, `key("CW")`."""
        return self.keys.get((family, f"{self.number}/{key}" if key else self.number))


def lead(old: Stored, new: Stored) -> Plan:
    """What has to be done so that what was `old` is `new`; voicemail.conf and the reload are the caller's business."""
    return Plan(
        rows=tuple(_rows(_all_rows(old), _all_rows(new))),
        keys=tuple(_keys(old.keys, new.keys)),
        states=tuple(
            StateChange(device, old.states.get(device), new.states.get(device))
            for device in sorted({**old.states, **new.states})
            if old.states.get(device) != new.states.get(device)
        ),
    )


def _all_rows(stored: Stored) -> dict[RowKey, Mapping[str, Value]]:
    found: dict[RowKey, Mapping[str, Value]] = {}
    if stored.user is not None:
        found["users", (("extension", stored.number),)] = stored.user
    if stored.device is not None:
        found["devices", (("id", stored.number),)] = stored.device
    for keyword, data in stored.settings.items():
        shown = Secret(data) if keyword in SECRETS else data
        row: dict[str, Value] = {"data": shown, "flags": stored.flags.get(keyword, 0)}
        found[stored.table, (("id", stored.number), ("keyword", keyword))] = row
    return found | dict(stored.rows)


def _rows(old: Mapping[RowKey, Mapping[str, Value]], new: Mapping[RowKey, Mapping[str, Value]]) -> Iterator[RowChange]:
    for place, row in old.items():
        if place not in new:
            yield RowChange(place[0], dict(place[1]), row, None)
    for place, row in new.items():
        before = old.get(place)
        if before is None:
            yield RowChange(place[0], dict(place[1]), None, row)
        elif changed := [name for name, value in row.items() if before.get(name) != value]:
            yield RowChange(
                place[0],
                dict(place[1]),
                {name: before[name] for name in changed},
                {name: row[name] for name in changed},
            )


def _keys(old: Mapping[tuple[str, str], str], new: Mapping[tuple[str, str], str]) -> Iterator[KeyChange]:
    for place in [*old, *(place for place in new if place not in old)]:
        if old.get(place) != new.get(place):
            yield KeyChange(*place, old.get(place), new.get(place))
