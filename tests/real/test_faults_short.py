"""The short form of tests/soak: a few faults and a little load on real components, with every promise held."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real import required
from tests.soak.conduct import Finding, conduct
from tests.soak.load import put_load
from tests.soak.world import Served, World, world


@pytest.fixture(scope="module")
def soak(nginx: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    required.program("mariadbd")
    required.unpacked_asterisk("22")
    with world(tmp_path_factory.mktemp("soak")) as made:
        yield made


@pytest.fixture(scope="module")
def served(soak: World) -> Iterator[Served]:
    with soak.served() as api:
        yield api


@pytest.mark.parametrize("name", ["asterisk-stopped", "mariadb-killed", "network-bad", "worker-killed"])
def test_a_fault_under_traffic_breaks_no_promise(soak: World, served: Served, name: str) -> None:
    finding: Finding = conduct(soak, name, seconds=3, rounds=1, clients=8, served=served)
    assert finding.broken == []
    assert finding.good > 0


def test_load_fails_nobody_and_sessions_stay_few(soak: World, served: Served) -> None:
    finding = put_load(soak, clients=16, seconds=8, timed=False, served=served)
    assert finding.broken == []
    assert finding.operations.keys() >= {"read", "rename", "forward", "cdr"}
