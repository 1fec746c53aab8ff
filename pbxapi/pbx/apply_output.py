"""What the platforms' reload commands print, and what it says about how they ended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from pbxapi.pbx.run_program import Ended

FAILED = re.compile(
    r"error\(s\) have occur"  # FreePBX 13 and 14 and Issabel, with exit status 0
    r"|aborting reload"  # the same, for numbers that conflict and bad destinations where that is configured
    r"|\bfatal error\b|\buncaught (?:exception|error)|\bsegmentation fault\b",  # PHP
    re.I,
)
ABORTING = re.compile(r"aborting reload", re.I)
BUSY = re.compile(r"process is already running", re.I)
"""FreePBX 15 and later, while its reload.lock is held."""

DENIED = re.compile(r"^sudo: |is not allowed to (?:run|execute)|not in the sudoers", re.M)

LOGGED = 4000
"""Characters of an output that go to the log, the last ones."""

_SECRET = re.compile(
    r"""(?i)((?:pass(?:w(?:or)?d)?|secret|token|\bkey|\bpin|\bpw)\w*["']?\s*(?:=>|[=:])\s*["']?)[^\s"',;]+"""
)
_LOGIN = re.compile(r"(://[^\s:/@]+:)[^\s@]+@")
_FRAME = re.compile(r"(?m)^(\s*#\d+ [^(]*(?:\(\d+\))?[^(]*)\(.*$")


def is_busy(ended: Ended) -> bool:
    """Whether another reload was under way, and this one did nothing."""
    return bool(BUSY.search(ended.output))


def why_failed(ended: Ended, program: str, timeout: float) -> str | None:
    """What the command itself says against its success, in words fit for a caller; None for nothing.

    That it says nothing is no success yet: exit status 0 is what both platforms give for most failures as well.
    """
    if ended.status is None:
        return f"{program} did not end within {timeout:g} seconds and was stopped"
    if ended.status != 0 and DENIED.search(ended.output):
        return f"the user that this API runs as may not run {program}: see deploy/sudoers-pbxapi"
    if is_busy(ended):
        return "another reload is under way on the exchange"
    if ABORTING.search(ended.output):
        return "the exchange refuses to apply: numbers conflict or destinations are bad, its own screen names them"
    if FAILED.search(ended.output) or any(_errors(ended.output)):
        return f"{program} says that it failed: the log of this API has its words"
    if ended.status != 0:
        return f"{program} failed with status {ended.status}: the log of this API has its words"
    return None


def _errors(output: str) -> Iterator[bool]:
    """Whether each line is an error; FreePBX 15 and later print one JSON object a line where there is no terminal."""
    for line in output.splitlines():
        if line.lstrip().startswith("{"):
            try:
                said = json.loads(line)
            except ValueError:
                continue
            yield isinstance(said, dict) and bool(said.get("error"))


def for_the_log(output: str) -> str:
    """Its last words, without what looks like a secret; PHP's backtraces show passwords as arguments."""
    shown = output[-LOGGED:].strip()
    shown = _FRAME.sub(r"\1(...)", shown)
    return _LOGIN.sub(r"\1...@", _SECRET.sub(r"\1...", shown))
