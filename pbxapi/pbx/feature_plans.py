"""What a user switches at the phone, as FreePBX and Issabel keep it: entries of AstDB, and states of lamps.

Calls read all of it live, so nothing here ever needs a reload.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from pbxapi.errors import Invalid
from pbxapi.pbx.lamps import BUSY, NOT_INUSE, UNAVAILABLE, devices_of
from pbxapi.pbx.provisioning import CallForward, Features, Values
from pbxapi.pbx.stored import Stored

FORWARDS = {"all": "CF", "busy": "CFB", "unavailable": "CFU"}
"""The family of each kind; the key is the extension."""

DND_OFF = {"freepbx": UNAVAILABLE, "issabel": NOT_INUSE}
"""What a lamp is set to when do not disturb ends (module donotdisturb of either). On FreePBX it is part of the
extension's own hint, where a free lamp would make a phone that is not there look free."""

RING_TIME = range(121)
"""Seconds."""

_NUMBER = re.compile(r"[0-9*#+]{1,30}")


def view(stored: Stored) -> Features:
    """What is switched. AstDB goes before the row, as it does for calls."""
    kept = stored.key("AMPUSER", "ringtimer") or str((stored.user or {}).get("ringtimer") or "0")
    return Features(
        extension=stored.number,
        # The dialplan takes any value for on; FreePBX's own interfaces only YES.
        do_not_disturb=bool(stored.key("DND")),
        call_forward=CallForward(**{field: stored.key(family) or None for field, family in FORWARDS.items()}),
        call_waiting=stored.key("CW") == "ENABLED",
        ring_time=int(kept) if kept.isascii() and kept.isdigit() else 0,
    )


def check(values: Values) -> None:
    """Raise Invalid for what cannot be written."""
    faults = {}
    for field, number in _forwards(values).items():
        if number and not _NUMBER.fullmatch(number):
            faults[f"call_forward.{field}"] = ["Must be up to 30 of 0-9 * # +."]
    ring_time = values.get("ring_time")
    if ring_time is not None and ring_time not in RING_TIME:
        faults["ring_time"] = [f"Must be 0 to {RING_TIME.stop - 1} seconds; 0 is the exchange's default."]
    if faults:
        raise Invalid("The features cannot be used as they are", faults)


def switched(old: Stored, values: Values) -> Stored:
    """The same with these values; what is not given stays. None switches off; a forward that is None ends."""
    keys: dict[tuple[str, str], str | None] = {}
    if "do_not_disturb" in values:
        keys["DND", old.number] = "YES" if values["do_not_disturb"] else None
    if "call_waiting" in values:
        keys["CW", old.number] = "ENABLED" if values["call_waiting"] else None
    for field, number in _forwards(values).items():
        keys[FORWARDS[field], old.number] = number or None
    user = old.user
    if "ring_time" in values:
        ring_time = values["ring_time"] or 0
        keys["AMPUSER", f"{old.number}/ringtimer"] = str(ring_time)
        user = {**(old.user or {}), "ringtimer": ring_time}
    together = {**old.keys, **keys}
    return replace(old, user=user, keys={place: value for place, value in together.items() if value is not None})


def _forwards(values: Values) -> Mapping[str, str | None]:
    """The forwards that are given; None for all of them together ends every kind."""
    given: Mapping[str, str | None] | None = values.get("call_forward", {})
    return dict.fromkeys(FORWARDS) if given is None else given


def lamps(stored: Stored, values: Values) -> Iterator[tuple[str, str]]:
    """The states that tell of what these values are about, with the family of its entry."""
    families = ["DND"] if "do_not_disturb" in values else []
    families += [FORWARDS[field] for field in _forwards(values)]
    for family in families:
        yield f"Custom:{family}{stored.number}", family
        for device in devices_of(stored):
            yield f"Custom:DEV{family}{device}", family


def lit(stored: Stored, some: Collection[tuple[str, str]], dnd_off: str) -> Stored:
    """The same with these lamps as its entries say. One that nobody has ever set stays so until it comes on."""
    states = dict(stored.states)
    for device, family in some:
        if stored.key(family):
            states[device] = BUSY
        elif device in states:
            states[device] = dnd_off if family == "DND" else NOT_INUSE
    return replace(stored, states=states)
