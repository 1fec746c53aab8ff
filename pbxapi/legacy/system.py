"""`systemresources`, `getharddrivers`, `getiptablesstatus`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pbxapi.legacy.commands import Asked, command
from pbxapi.pbx.host_state import ABSENT, ACTIVE, INACTIVE, UNKNOWN

if TYPE_CHECKING:
    from pbxapi.pbx.host_state import Disk, Firewall, Purpose, Resources, RuleSet

KEYS = {
    "logs": "logs",
    "thirdparty": "third_party",
    "voicemails": "voicemail",
    "backups": "backups",
    "configuration": "configuration",
    "recording": "recordings",
}
ON_ISSABEL = "issabel_modules"
NOT_RUNNING = "iptables: Firewall is not running.\n"
UNITS = "BKMGTPE"
DAY, HOUR, MINUTE = 86_400, 3600, 60


@command("read", "/system/resources")
def systemresources(asked: Asked) -> object:
    """The parts of `uptime`. In classic mode the users have their word with them, as `uptime` puts it."""
    found = asked.pbx.host.resources()
    users = str(found.users)
    if asked.settings.legacy.mode == "classic":
        users += " user" if found.users < 2 else " users"
    return {
        "datetime": f"{found.measured_at:%H:%M:%S} up {up(found)}",
        "users": users,
        "usage": f"{found.load_1m:.2f}, {found.load_5m:.2f}, {found.load_15m:.2f}",
    }


@command("read", "/system/disk")
def getharddrivers(asked: Asked) -> object:
    """The file system of `/`, and what is taken up by purpose.

    It waits for no count: a folder that has not been counted yet has an empty text for its size, one that is not there
    an empty list.
    """
    found = asked.pbx.host.disk()
    purposes = {each.name: each for each in found.purposes}
    keys = {**KEYS, ON_ISSABEL: ON_ISSABEL} if ON_ISSABEL in purposes else KEYS
    return {"harddisk": hard_disk(found), **{key: size(purposes.get(name)) for key, name in keys.items()}}


@command("read", "/system/firewall")
def getiptablesstatus(asked: Asked) -> object:
    """Whether rules are loaded, and in a line for each what there is: not the rules themselves."""
    found = asked.pbx.host.firewall()
    return {"pid": status(found), "is_exist": found.state == ACTIVE}


def up(found: Resources) -> str:
    """How long, as uptime(1) puts it: `30 min`, ` 3:25`, `1 day,  3:25`."""
    days, rest = divmod(found.uptime, DAY)
    hours, minutes = rest // HOUR, rest % HOUR // MINUTE
    whole = f"{days} day{'s' if days > 1 else ''}, " if days else ""
    return whole + (f"{hours:2}:{minutes:02}" if hours else f"{minutes} min")


def hard_disk(found: Disk) -> dict[str, str]:
    """As `df -h` shows it. Empty texts where it does not answer."""
    root = next((each for each in found.file_systems if each.mount == "/"), None)
    if root is None or root.total is None or root.used is None or root.free is None:
        return {"size": "", "used": "", "avail": "", "usepercent": "", "mount": "/"}
    may_use = root.used + root.free
    return {
        "size": human(root.total),
        "used": human(root.used),
        "avail": human(root.free),
        "usepercent": f"{math.ceil(100 * root.used / may_use) if may_use else 0}%",
        "mount": root.mount,
    }


def size(purpose: Purpose | None) -> list[str]:
    """As `du -sh` shows it, and the path; nothing of what is not there."""
    if purpose is None or purpose.state == ABSENT:
        return []
    return ["" if purpose.bytes is None else human(purpose.bytes), purpose.path]


def human(number: int) -> str:
    """As df and du do with -h: by powers of 1,024, rounded up, with one decimal below 10."""
    if number < 1024:
        return str(number) if number else "0"
    amount, unit = float(number), 0
    while amount >= 1024 and unit + 1 < len(UNITS):
        amount, unit = amount / 1024, unit + 1
    tenths = math.ceil(amount * 10)
    if tenths < 100:
        return f"{tenths / 10:.1f}{UNITS[unit]}"
    whole = math.ceil(amount)
    return f"{whole}{UNITS[unit]}" if whole < 1024 else f"1.0{UNITS[unit + 1]}"


def status(found: Firewall) -> str:
    """What there is, or why it is not told."""
    here = [each for each in found.rule_sets if each.state != ABSENT]
    if not here:
        return "There is no firewall on this host.\n"
    if found.state == INACTIVE:
        return NOT_RUNNING
    return "".join(f"{_line(each)}\n" for each in here)


def _line(each: RuleSet) -> str:
    if each.rules is None:
        return f"{each.name}: {each.reason or each.state}" if each.state == UNKNOWN else f"{each.name}: {each.state}"
    policy = f", policy of input: {each.input_policy}" if each.input_policy else ""
    return f"{each.name}: {each.state}, {each.rules} rules{policy}"
