"""(being written)"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response


def wanted_form(query_format: str | None) -> str:
    return query_format or "json"


def respond_export(chunks: Iterator[bytes], form: str, filename: str, total: int | None) -> Response:
    raise NotImplementedError
