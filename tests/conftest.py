"""What every test starts from."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _log_as_at_first() -> Iterator[None]:
    """An application sets the level of the log for the whole process: not for the next test."""
    levels = {name: logging.getLogger(name).level for name in ("pbxapi", "pbxapi.access", "pbxapi.audit")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.NOTSET)
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def pytest_collection_finish() -> None:
    """Thousands of tests stay to the end: the collector need not look through them each time."""
    gc.collect()
    gc.freeze()
