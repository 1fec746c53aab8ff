"""Letting a plain Asterisk load what was written to its files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pbxapi.ami import AmiError
from pbxapi.pbx.applying import Applier
from pbxapi.pbx.provisioning import Applied

log = logging.getLogger("pbxapi.apply")


class Reloads:
    """`ApplyCommand`: reloads of the modules that read our files, by their names; each raises AmiError."""

    def __init__(self, loads: Mapping[str, Callable[[], None]]) -> None:
        self._loads = loads

    @property
    def method(self) -> str:
        """See ApplyCommand."""
        return f"reload of {', '.join(self._loads)}"

    def run(self, timeout: float) -> tuple[bool, str | None]:
        """See ApplyCommand. Each reload has a deadline of its own."""
        for module, load in self._loads.items():
            try:
                load()
            except AmiError as error:
                log.error("%s: %s", module, error)  # noqa: TRY400 (a traceback tells no more)
                return False, f"Asterisk did not reload {module}"
        return True, None

    def why_not(self) -> str | None:
        """See ApplyCommand."""
        return None


class Loaded(Applier):
    """For changes that are loaded, and looked at, as they are written. Those before them are loaded with them."""

    def settle(self, change: int) -> Applied:
        """Note it."""
        how = Applied(True, 0.0, None, datetime.now(UTC))
        self._journal.ran(change, how)
        return how
