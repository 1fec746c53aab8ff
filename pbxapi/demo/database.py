"""AstDB: entries by their whole path, as main/db.c keeps them, so that a family may hold slashes and a key too."""

from __future__ import annotations

from collections.abc import Mapping


class Database:
    """All entries. The exchange's lock is held by all callers."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get(self, family: str, key: str) -> str | None:
        """A value, None when there is no such entry."""
        return self._values.get(f"/{family}/{key}")

    def put(self, family: str, key: str, value: str) -> None:
        """Set an entry."""
        self._values[f"/{family}/{key}"] = value

    def delete(self, family: str, key: str) -> bool:
        """Delete an entry; whether it was there."""
        return self._values.pop(f"/{family}/{key}", None) is not None

    def tree(self, family: str, key: str = "") -> Mapping[str, str]:
        """The entries at or below a family, or a key of it, by their path, in order."""
        top = f"/{family}/{key}" if key else f"/{family}"
        return {path: self._values[path] for path in sorted(self._values) if f"{path}/".startswith(f"{top}/")}

    def delete_tree(self, family: str, key: str = "") -> bool:
        """Delete what `tree` gives; whether there was any."""
        found = self.tree(family, key)
        for path in found:
            del self._values[path]
        return bool(found)
