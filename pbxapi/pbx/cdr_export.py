"""(being written)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pbxapi.pbx.history import Filters


class Exports:
    def __init__(self, *a: Any, **k: Any) -> None: ...

    def stream(self, filters: Filters, form: str, *, oldest_first: bool = False) -> Iterator[bytes]:
        raise NotImplementedError
