"""Asking programs of this host that only show something, and telling what one may not see from what is not there."""

from __future__ import annotations

import logging
import re
import shutil
from time import monotonic

from pbxapi.pbx.host_state import ABSENT, INACTIVE, UNKNOWN
from pbxapi.pbx.run_program import PATH, run_program

log = logging.getLogger("pbxapi.host")

TIMEOUT = 3.0
"""Seconds that one program may take."""

MAY_NOT = re.compile(r"permission denied|not permitted|must be root|not authorized|access denied", re.IGNORECASE)
LEAST = 0.1


class Unseen(Exception):
    """Nothing can be said: `state` is absent, inactive or unknown, and the text says why."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state


def ask(program: str, *words: str, deadline: float, not_running: str = "") -> str:
    """What it prints; `deadline` is monotonic. `not_running` is a pattern of what it says when nothing runs.

    Raises Unseen. Nothing is tried by sudo: what only root may see is not shown to who is not root.
    """
    path = shutil.which(program, path=PATH)
    if path is None:
        raise Unseen(ABSENT, f"there is no {program} here")
    try:
        ended = run_program([path, *words], max(LEAST, min(TIMEOUT, deadline - monotonic())))
    except OSError as error:
        raise Unseen(UNKNOWN, f"{program} cannot be run: {error.strerror}") from None
    if ended.status == 0:
        return ended.output
    if ended.status is None:
        raise Unseen(UNKNOWN, f"{program} did not answer in time")
    if MAY_NOT.search(ended.output):
        raise Unseen(UNKNOWN, f"only root may ask {program}, and this API does not run as root")
    if not_running and re.search(not_running, ended.output):
        raise Unseen(INACTIVE, f"{program} finds nothing that runs")
    log.info("%s: status %s: %s", program, ended.status, ended.output[:500])
    raise Unseen(UNKNOWN, f"{program} failed (status {ended.status})")
