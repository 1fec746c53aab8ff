"""What an entry of the audit log may say: only what changed, no secret, nothing that breaks a line."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AnySet
from datetime import date
from typing import Any

from pbxapi.pbx.plan import Secret

HIDDEN = "***"
MOST = 2000
"""Characters of one text."""
MOST_ITEMS = 200

_SECRETIVE = re.compile(
    r"secret|passw|pwd|token|credential|digits|(?:^|[^a-z])(?:pass|pin|pins|key|hash|md5|cred)(?:$|[^a-z])",
    re.IGNORECASE,
)


def clean(text: str, most: int = MOST) -> str:
    """Printable, and not too long: what cannot be printed, a line end among it, is a `?`."""
    plain = text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)
    return plain if len(plain) <= most else f"{plain[: most - 3]}..."


def changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What differs between the two, with `***` for secrets; of one alone, whatever it says."""
    if before is None or after is None:
        return _alone(before), _alone(after)
    old, new = _plain(before), _plain(after)
    return _differing(old, new), _differing(new, old)


def _alone(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    said = {name: _shown(name, value) for name, value in _plain(values).items()}
    return {name: value for name, value in said.items() if value not in (None, [], {})}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in one.items():
        against = other.get(name)
        if value == against and name in other:
            continue
        if isinstance(value, dict) and isinstance(against, dict) and not _SECRETIVE.search(name):
            found[name] = _differing(value, against)
        else:
            found[name] = _shown(name, value)
    return found


def _shown(name: str, value: Any) -> Any:
    """A value of this name, with the secrets in it hidden; nothing is nothing."""
    if value is None or value == "":
        return value
    if _SECRETIVE.search(name) or isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _shown(inner, each) for inner, each in value.items()}
    if isinstance(value, list):
        return [_shown("", each) for each in value]
    return clean(value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    """As JSON has it. Secrets stay marked."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {clean(str(name), 100): _plain(each) for name, each in value.items()}
    if isinstance(value, AnySet):
        return [_plain(each) for each in sorted(value, key=str)[:MOST_ITEMS]]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value[:MOST_ITEMS]]
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | None) else clean(str(value))
