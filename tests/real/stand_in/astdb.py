"""Asterisk's own database, over the manager interface."""

from __future__ import annotations

from tests.real.raw_manager import RawManager


class AstDb:
    """What a reload reads and writes there."""

    def __init__(self, manager: RawManager) -> None:
        self._manager = manager

    def tree(self, family: str) -> dict[str, str]:
        """Everything of a family, by key without the family."""
        found = self._manager.ask("DBGetTree", Family=family)
        return {row["Key"].removeprefix(f"/{family}/"): row["Val"] for row in found if "Key" in row}

    def put(self, family: str, key: str, value: str) -> None:
        """Write one entry; raises RuntimeError when Asterisk refuses."""
        [answer] = self._manager.ask("DBPut", Family=family, Key=key, Val=value)
        if answer["Response"] != "Success":
            raise RuntimeError(f"DBPut {family}/{key}: {answer['Message']}")
