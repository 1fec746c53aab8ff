"""Writes that are applied by the stand-in for the platform's reload, on a real Asterisk: many at once, and failing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.real.api import Api
from tests.real.platform_exchange import KINDS, PlatformExchange

AT_ONCE = 100

on_17 = pytest.mark.parametrize("_platform", KINDS[:1], ids=["freepbx17"], indirect=True, scope="session")
"""The platform that has a lock of its own around its reload."""


def _runs(api: Api) -> int:
    """How often the platform has been told to reload; the last 20 are kept."""
    with api.app.extensions["pbxapi"].store.begin() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM applies").scalar())


@on_17
def test_a_hundred_posts_at_once_need_two_or_three_reloads_and_each_answer_is_true(
    platform: PlatformExchange, platform_api: Api
) -> None:
    start = threading.Barrier(AT_ONCE)

    def post(number: int) -> tuple[bool, bool]:
        start.wait(30)
        body = {"extension": str(number), "name": f"User {number}"}
        made = platform_api.post("/extensions", body, status=201)
        return made["applied"], f"[{number}]" in _generated(platform)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(post, range(300, 300 + AT_ONCE)))
    assert answers == [(True, True)] * AT_ONCE
    assert 1 <= _runs(platform_api) <= 3
    assert not platform.need_reload()
    assert not platform_api.get("/system/apply")["pending"]


@on_17
def test_a_reload_by_the_screen_at_the_same_moment_loses_no_change(
    platform: PlatformExchange, platform_api: Api
) -> None:
    with ThreadPoolExecutor(4) as pool:
        screen = [pool.submit(platform.run_reload) for _ in range(2)]
        made = [platform_api.post("/extensions", {"extension": str(n), "name": "X"}, status=201) for n in (200, 201)]
        for each in screen:
            each.result(60)
    assert [each["applied"] for each in made] == [True, True]
    assert "[201]" in _generated(platform)


def test_a_reload_that_fails_leaves_the_change_pending_until_one_goes_well(
    platform: PlatformExchange, platform_api: Api
) -> None:
    [port] = platform.sql(f"SELECT value FROM {_settings(platform)} WHERE keyword = 'ASTMANAGERPORT'")
    platform.set({"ASTMANAGERPORT": "1"})
    try:
        made = platform_api.post("/extensions", {"extension": "200", "name": "Alice"}, status=201)
        assert made["applied"] is False
        assert "failed" in made["apply_reason"]
        assert platform.need_reload()
        status: Any = platform_api.get("/system/apply")
        assert (status["pending"], status["last"]["applied"]) == (True, False)
        assert platform_api.post("/system/apply", status=502)["type"] == "/problems/apply-failed"
    finally:
        platform.set({"ASTMANAGERPORT": str(port["value"])})
    assert platform_api.post("/system/apply", status=200)["applied"]
    assert "[200]" in _generated(platform)
    assert not platform.need_reload()
    assert not platform_api.get("/system/apply")["pending"]


def _generated(platform: PlatformExchange) -> str:
    """The files of phones, as the last reload wrote them."""
    names = ("pjsip.endpoint.conf", "pjsip_additional.conf", "sip_additional.conf")
    return "\n".join(path.read_text() for name in names if (path := platform.etc / name).exists())


def _settings(platform: PlatformExchange) -> str:
    return "freepbx_settings" if platform.kind.platform == "freepbx" else "issabelpbx_settings"
