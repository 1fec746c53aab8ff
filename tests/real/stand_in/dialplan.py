"""extensions_additional.conf: the numbers, their follow-me, the queues, and the hints that lamps watch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.real.stand_in import queues
from tests.real.stand_in.astdb import AstDb
from tests.real.stand_in.tables import Row, Tables

SUBROUTINES = Path(__file__).parent / "subroutines.conf"
VOICEMAIL_ENTRIES = ("*", "vmb", "vmu", "vms", "vmi")
# AstDB keys that the reload of FreePBX 14 copies from the row; later versions write them when follow-me is saved.
FROM_ROW = {"strategy": "strategy", "postdest": "postdest", "dring": "dring", "ringing": "ringing"}


def files(tables: Tables, hints: Mapping[str, str]) -> dict[str, str]:
    """The one file, by name."""
    settings = tables.settings
    lines = [
        "[globals]",
        f"RINGTIMER_DEFAULT={settings.get('RINGTIMER') or 15}",
        f"DIAL_OPTIONS={settings.get('DIAL_OPTIONS') or 'tr'}",
        "",
        "[ext-findmefollow]",
        *(
            line
            for number, row in tables.follow_me.items()
            if number in tables.users
            for line in _follow_me(tables, row)
        ),
        "",
        "[ext-local]",
        *(line for user in tables.users.values() for line in _number(user, hints.get(user["extension"], ""))),
        "",
        "[ext-queues]",
        *queues.dialplan(tables),
        "",
    ]
    return {"extensions_additional.conf": "\n".join(lines) + "\n" + SUBROUTINES.read_text()}


def _number(user: Row, hint: str) -> list[str]:
    number = user["extension"]
    lines = [
        f"exten => {number},1,Gosub(sub-exten,s,1({number}))",
        f" same => n(dest),Gosub(sub-voicemail,s,1({number},${{DIALSTATUS}}))",
    ]
    if hint:
        lines.append(f"exten => {number},hint,{hint}")
    if (user["voicemail"] or "novm") != "novm":
        direct = f"1,Gosub(sub-voicemail,s,1({number},DIRECTDIAL))"
        lines += [f"exten => {entry}{number},{direct}" for entry in VOICEMAIL_ENTRIES]
    return lines


def _follow_me(tables: Tables, row: Row) -> list[str]:
    """FreePBX 14 and later read prefix and destination from AstDB at call time, the others write them here."""
    number, keys = row["grpnum"], f"AMPUSER/{row['grpnum']}/followme"
    live = tables.platform == "freepbx" and tables.major >= 14
    return [
        f"exten => {number},1,Set(FM_PREFIX={_value(live, keys, 'grppre', row)})",
        f" same => n,Set(FM_ELSE={_value(live, keys, 'postdest', row)})",
        f' same => n,GotoIf($[${{DB_EXISTS({keys}/ddial)}} != 1 | "${{DB({keys}/ddial)}}" = "EXTENSION"]'
        "?ext-local,${EXTEN},1:followme-check,${EXTEN},1)",
        f"exten => FM{number},1,Goto({number},1)",
    ]


def _value(live: bool, keys: str, column: str, row: Row) -> str:
    return f"${{DB({keys}/{column})}}" if live else row[column] or ""


def hints(tables: Tables, astdb: AstDb) -> dict[str, str]:
    """What each number's lamp watches, from AstDB as it is now: a number without AMPUSER/N/device has none."""
    users, devices = astdb.tree("AMPUSER"), astdb.tree("DEVICE")
    found = {}
    for number in tables.users:
        names = [name for name in users.get(f"{number}/device", "").split("&") if name]
        places = [devices.get(f"{name}/dial", "") for name in names]
        own = "&".join(place for place in places if place)
        override = tables.devices.get(number, {}).get("hint_override")
        found[number] = "&".join(part for part in (override or own, f"Custom:DND{number}") if part)
        if tables.platform == "freepbx" and tables.major >= 14:
            found[number] += f",CustomPresence:{number}"
    return found


def store(tables: Tables, astdb: AstDb, made: Mapping[str, str]) -> None:
    """What the reload of FreePBX itself writes to AstDB."""
    if tables.platform != "freepbx":
        return
    for number, hint in made.items():
        astdb.put("AMPUSER", f"{number}/hint", hint)
    if tables.major == 14:
        for number, row in tables.follow_me.items():
            for column, key in FROM_ROW.items():
                astdb.put("AMPUSER", f"{number}/followme/{key}", row[column] or "")
