"""Rows and AstDB after a step through the API, beside what FreePBX and Issabel themselves wrote for the same step.

The captures (tests/seen) are of running systems. What differs on purpose stands in DIFFERENCES, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import seen
from tests.real.api import Api
from tests.real.platform_exchange import KINDS, PlatformExchange
from tests.real.stand_in.voicemail import parse

DIFFERENCES = {
    "sip.flags": "they only give the order of the rows, and count up anew with each save of the screen",
}

CORES = {"freepbx14": "14.0.29", "freepbx16": "16.0.68.30", "freepbx17": "17.0.18.4"}
LAB = {
    "ASTSIPDRIVER": "both",
    "CONCURRENCYLIMITDEFAULT": "3",
    "DEVICE_SIP_CANREINVITE": "no",
    "DEVICE_SIP_NAT": "no",
    "DEVICE_SIP_SENDRPID": "pai",
    "DEVICE_SIP_TRUSTRPID": "yes",
}
"""The settings of the systems that the captures are of, where they differ from a new one."""

FREEPBX = pytest.mark.parametrize(
    "_platform", [k for k in KINDS if k.name == "freepbx17"], indirect=True, scope="session", ids=lambda kind: kind.name
)
ISSABEL = pytest.mark.parametrize(
    "_platform", [k for k in KINDS if k.name == "issabel"], indirect=True, scope="session", ids=lambda kind: kind.name
)

Facts = dict[tuple[str, ...], str | None]


def _facts(rows: list[tuple[str, seen.Row]], keys: dict[tuple[str, str], str]) -> Facts:
    """Every value by its place: a column of a row, or an entry of AstDB."""
    found: Facts = {("astdb", *place): value for place, value in keys.items()}
    for table, row in rows:
        if table == "admin":  # need_reload is true after every step, here and there
            continue
        name = row.get("extension") or row.get("grpnum") or row.get("id") or ""
        place = (table, name, row.get("keyword") or "")
        found |= {(*place, column): value for column, value in row.items() if f"{table}.{column}" not in DIFFERENCES}
    return found


def _captured(*names: str) -> Facts:
    found: Facts = {}
    for name in names:
        found |= _facts(seen.rows(name), seen.keys(name))
    return found


def _there(platform: PlatformExchange) -> Facts:
    rows = [
        (table, {column: None if value is None else str(value) for column, value in row.items()})
        for table in platform.tables()
        for row in platform.sql(f"SELECT * FROM `{table}`")
    ]
    keys = {}
    for place, value in platform.astdb().items():
        family, _, key = place[1:].partition("/")
        keys[family, key] = value
    return _facts(rows, keys)


def _secret(name: str, number: str) -> str:
    """The secret that a capture holds: the API is told to use it, for its own would be another."""
    rows = (row for table, row in seen.rows(name) if table == "sip")
    [found] = [row["data"] for row in rows if (row["id"], row["keyword"]) == (number, "secret")]
    assert found
    return found


def _post(api: Api, capture: str, number: str, name: str, technology: str, **fields: object) -> None:
    secret = _secret(capture, number)
    body = {"extension": number, "name": name, "technology": technology, "secret": secret, **fields}
    api.post("/extensions?apply=false", body, status=201)


@pytest.fixture
def freepbx(platform: PlatformExchange, core: str) -> Iterator[PlatformExchange]:
    """FreePBX of the version of the captures."""
    platform.set(LAB)
    before = platform.sql("SELECT modulename, version FROM modules")
    platform.sql("UPDATE modules SET version = %s", CORES[core])
    yield platform
    for row in before:
        platform.sql("UPDATE modules SET version = %s WHERE modulename = %s", row["version"], row["modulename"])


@FREEPBX
@pytest.mark.parametrize("core", list(CORES))
def test_freepbx_holds_what_it_writes_itself_for_two_extensions_a_mailbox_and_a_follow_me(
    freepbx: PlatformExchange, core: str, platform_api: Api
) -> None:
    first, second, third = (
        f"{core}-{step}.txt" for step in ("01-create-200-pjsip", "03-create-201-sip-vm", "05-followme-200")
    )
    _post(platform_api, first, "200", "Alice", "pjsip")
    assert _there(freepbx) == _captured(first)
    box = {"password": "4321", "email": "bob@example.com"}
    _post(platform_api, second, "201", "Bob", "sip", voicemail=box)
    assert _there(freepbx) == _captured(first, second)
    boxes = parse((freepbx.etc / "voicemail.conf").read_text())["default"]
    assert boxes == {"201": "4321,Bob,bob@example.com,,attach=no|saycid=no|envelope=no|delete=no"}
    wanted = {
        **{"enabled": True, "strategy": "ringallv2", "ring_time": 20, "initial_ring_time": 7, "confirm_calls": True},
        **{"numbers": ["200", "201", "5551234"], "caller_name_prefix": "FM:", "caller_id_mode": "default"},
    }
    platform_api.send("PUT", "/extensions/200/follow-me?apply=false", status=201, json=wanted)
    assert _there(freepbx) == _captured(first, second, third)
    platform_api.send("DELETE", "/extensions/200/follow-me?apply=false")
    lamp: Facts = {("astdb", "CustomDevstate", "FOLLOWME200"): "NOT_INUSE"}  # off, as FreePBX leaves it
    assert _there(freepbx) == _captured(first, second) | lamp


LEFT = {
    ("CF", "200"): "the next owner of the number would have all his calls forwarded",
    ("CFB", "200"): "the same, when busy",
    ("CFU", "200"): "the same, when nobody answers",
    ("DND", "200"): "the next owner's phone would not ring",
    ("DEVICE", "200/tech"): "core 14 forgets it, and reads it again for the next device of the number",
}
"""What FreePBX leaves behind when an extension is deleted, and the API does not; why."""


@FREEPBX
@pytest.mark.parametrize("core", ["freepbx14", "freepbx16"])
@pytest.mark.parametrize(
    ("step", "number"), [("15-delete-200-with-everything", "200"), ("17-delete-201-with-voicemail", "201")]
)
def test_a_delete_takes_what_freepbx_takes_and_what_it_forgets(
    freepbx: PlatformExchange, core: str, step: str, number: str, platform_api: Api
) -> None:
    capture = f"{core}-{step}.txt"
    for table, row in seen.rows(capture, "<"):
        if table != "admin":
            freepbx.insert(table, row)
    freepbx.put(seen.keys(capture, "<"))
    freepbx.put({(family, key.replace("200", number)): "5551234" for family, key in LEFT})
    freepbx.put({("AMPUSER", "299/cidname"): "Another"})
    line = f"{number} => 4321,Bob\n" if number == "201" else ""
    conf = freepbx.etc / "voicemail.conf"
    conf.write_text(conf.read_text().replace("[default]\n", f"[default]\n{line}299 => 1234,Another\n"))
    platform_api.send("DELETE", f"/extensions/{number}?apply=false&voicemail=true")
    assert _there(freepbx) == {("astdb", "AMPUSER", "299/cidname"): "Another"}
    assert parse(conf.read_text())["default"] == {"299": "1234,Another"}


@ISSABEL
def test_issabel_holds_what_it_writes_itself_for_two_extensions_and_a_follow_me(
    platform: PlatformExchange, platform_api: Api
) -> None:
    first, second, third = (
        f"issabel-rows_after_{step}.sql" for step in ("add_sip_200", "add_pjsip_201", "followme_200")
    )
    _post(platform_api, first, "200", "Alice Two", "sip")
    _post(platform_api, second, "201", "Bob Pjsip", "pjsip")
    wanted = {
        **{"enabled": True, "strategy": "ringallv2", "ring_time": 25, "initial_ring_time": 7},
        **{"numbers": ["200", "201", "5551234"]},
    }
    platform_api.send("PUT", "/extensions/200/follow-me?apply=false", status=201, json=wanted)
    keys = {
        place: value
        for place, value in seen.keys("issabel-astdb.txt").items()
        if place[1].startswith(("200", "201", "FOLLOWME200"))
    }
    assert _there(platform) == _captured(first, second, third) | _facts([], keys)
    for number in ("200", "201"):
        platform_api.send("DELETE", f"/extensions/{number}?apply=false&force=true")
    assert _there(platform) == {}
