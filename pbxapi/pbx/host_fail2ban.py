"""The jails of fail2ban, by its own client: its socket is root's, and what goes over it is pickled."""

from __future__ import annotations

import re
from time import monotonic

from pbxapi.pbx.host_asking import Unseen, ask
from pbxapi.pbx.host_state import ACTIVE, Fail2ban, Jail

CLIENT = "fail2ban-client"
NOT_RUNNING = r"Failed to access socket path|Is fail2ban running|Unable to contact server"
# What goes on to its command line: a jail is a section of jail.conf, and may be called anything.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
MOST_JAILS = 50
LEAST = 0.3
"""Seconds that have to be left to ask for one more jail."""


def fail2ban(deadline: float) -> Fail2ban:
    """Ask for the jails, and for each what it has counted; `deadline` is monotonic."""
    try:
        names = jail_names(ask(CLIENT, "status", deadline=deadline, not_running=NOT_RUNNING))
    except Unseen as error:
        return Fail2ban(error.state, reason=str(error))
    return Fail2ban(ACTIVE, tuple(_jail(name, deadline) for name in names[:MOST_JAILS]))


def _jail(name: str, deadline: float) -> Jail:
    if not NAME.fullmatch(name) or deadline - monotonic() < LEAST:
        return Jail(name, None, None, None, None)
    try:
        return parse_jail(name, ask(CLIENT, "status", name, deadline=deadline))
    except Unseen:
        return Jail(name, None, None, None, None)


def jail_names(text: str) -> list[str]:
    """Read `fail2ban-client status`: `` `- Jail list:\tasterisk, sshd``."""
    listed = re.search(r"Jail list:[ \t]*(.*)", text)
    return [name.strip() for name in listed[1].split(",") if name.strip()] if listed else []


def parse_jail(name: str, text: str) -> Jail:
    """Read `fail2ban-client status JAIL`: `|- Currently failed:\t0`, and its like."""
    wanted = ("Currently failed", "Total failed", "Currently banned", "Total banned")
    found = [re.search(rf"{words}:\s*(\d+)", text) for words in wanted]
    return Jail(name, *(int(each[1]) if each else None for each in found))
