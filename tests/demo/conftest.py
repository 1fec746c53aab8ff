"""A quiet demo exchange for each test: no background calls, so that ids and lists are known, and phones in a hurry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pbxapi.demo.exchange import DemoExchange
from pbxapi.demo.phones import PHONES
from tests.demo.manager import Manager

HURRIED = tuple(replace(phone, answer_after=0.02) for phone in PHONES)


@pytest.fixture
def exchange() -> Iterator[DemoExchange]:
    with DemoExchange(seed=1, background_calls=False, phones=HURRIED) as exchange:
        yield exchange


@pytest.fixture
def manager(exchange: DemoExchange) -> Iterator[Manager]:
    """A session that hears no events."""
    with Manager(exchange.port) as manager:
        yield manager


@pytest.fixture
def listener(exchange: DemoExchange) -> Iterator[Manager]:
    """A session that hears all events."""
    with Manager(exchange.port, events="on") as listener:
        listener.until_event("FullyBooted")
        yield listener
