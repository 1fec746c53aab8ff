"""queues_additional.conf, and what the dialplan needs to call a queue and, from it, its members."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tests.real.stand_in.astdb import AstDb
from tests.real.stand_in.section import Option, section
from tests.real.stand_in.tables import Tables

IN_THE_DIALPLAN = frozenset({
    "answered_elsewhere", "cron_dom", "cron_dow", "cron_hour", "cron_minute", "cron_month", "cron_random",
    "cron_schedule", "eventmemberstatus", "eventwhencalled", "monitor-join", "recording", "rvol_mode", "rvolume",
    "skip_joinannounce",
})  # fmt: skip
"""Keywords that are not written to the file."""

MEMBER = re.compile(r"Local/([0-9]+)@from-queue/n")
RING_OPTIONS = {0: "", 1: "r", 2: "R"}


def files(tables: Tables, without_hint: Collection[str] = ()) -> dict[str, str]:
    """The one file, by name. `without_hint` are extensions whose state does not count."""
    return {
        "queues_additional.conf": "".join(
            section(queue, _options(tables, queue, without_hint)) for queue in tables.queues
        )
    }


def without_hint(astdb: AstDb) -> set[str]:
    """The extensions for which that was chosen."""
    users = astdb.tree("AMPUSER")
    return {number for key, value in users.items() if value == "ignorestate" and (number := _own(key))}


def _own(key: str) -> str:
    number, _, rest = key.partition("/")
    return number if rest == "queues/qnostate" else ""


def _options(tables: Tables, queue: str, without_hint: Collection[str]) -> Iterator[Option]:
    rows = tables.queue_details.get(queue, ())
    for keyword, data in rows:
        if keyword != "member" and keyword not in IN_THE_DIALPLAN and data:
            yield keyword, data
    yield "context", ""
    for keyword, data in rows:
        if keyword == "member":
            yield keyword, data + _named(tables, data, without_hint)


def _named(tables: Tables, data: str, without_hint: Collection[str]) -> str:
    member = MEMBER.match(data)
    if member is None or member[1] not in tables.users:
        return ""
    hint = "" if member[1] in without_hint else f",hint:{member[1]}@ext-local"
    return f',"{tables.users[member[1]]["name"]}"{hint}'


def dialplan(tables: Tables) -> list[str]:
    """The numbers of the queues; what a member goes through is in subroutines.conf."""
    return [line for queue in tables.queues for line in _number(tables, queue)]


def _number(tables: Tables, queue: str) -> list[str]:
    row = tables.queues[queue]
    details = dict(tables.queue_details.get(queue, ()))
    otherwise = f"Goto({row['dest']})" if row["dest"] else "Hangup()"
    options = "t" + RING_OPTIONS[row["ringing"]] + ("n" if details.get("retry") == "none" else "")
    return [
        f"exten => {queue},1,Gosub(sub-caller,s,1)",
        " same => n,Answer()",
        f" same => n,Set(__NODEST={queue})",
        f" same => n,Set(CALLERID(name)={row['grppre']}${{CALLERID(name)}})",
        f" same => n,QueueLog({queue},${{UNIQUEID}},NONE,DID,${{FROM_DID}})",
        f" same => n,Queue({queue},{options},,,{row['maxwait']})",
        " same => n,Set(__NODEST=)",
        f" same => n,{otherwise}",
    ]


def store(tables: Tables, astdb: AstDb) -> None:
    """What the reload of FreePBX itself writes to AstDB: the hint by which a phone shows that its agent is paused."""
    if tables.platform != "freepbx":
        return
    hints: dict[str, list[str]] = {}
    for queue, rows in tables.queue_details.items():
        for keyword, data in rows:
            if keyword == "member" and (member := MEMBER.match(data)) and member[1] in tables.users:
                hints.setdefault(member[1], []).append(f"Queue:{queue}_pause_{member[0]}")
    for number, some in hints.items():
        astdb.put("AMPUSER", f"{number}/pausequeuehint", "&".join(some))
