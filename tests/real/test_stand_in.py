"""The stand-in for the platforms' reload, held against the files that FreePBX generated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import seen
from tests.real.platform_exchange import PlatformExchange
from tests.real.stand_in import chan_sip, pjsip_freepbx, queues
from tests.real.stand_in.tables import Tables

GENERATED = Path(seen.__file__).parent / "generated"
OF_THE_LAB = {"media_address", "bind_rtp_to_media_address", "rtp_keepalive"}
"""Options that come from that system's own SIP settings, not from the extension."""


def _sections(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line:
            key, _, value = line.partition("=")
            section[key] = value
    return found


def _tables(core: int) -> Tables:
    """What three captures added to an exchange without extensions."""
    steps = ("01-create-200-pjsip", "03-create-201-sip-vm", "07-queue-400")
    rows = [row for step in steps for row in seen.rows(f"freepbx{core}-{step}.txt")]
    keywords: dict[str, dict[str, str]] = {}
    for table, row in rows:
        if table == "sip":
            keywords.setdefault(str(row["id"]), {})[str(row["keyword"])] = str(row["data"])
    return Tables(
        platform="freepbx",
        major=core,
        settings={},
        users={str(row["extension"]): row for table, row in rows if table == "users"},
        devices={str(row["id"]): row for table, row in rows if table == "devices"},
        keywords=keywords,
        follow_me={},
        queues={str(row["extension"]): row for table, row in rows if table == "queues_config"},
        queue_details={
            "400": [(str(row["keyword"]), str(row["data"])) for table, row in rows if table == "queues_details"]
        },
    )


@pytest.mark.parametrize("core", [14, 17])
@pytest.mark.parametrize("file", ["pjsip.endpoint.conf", "pjsip.auth.conf", "pjsip.aor.conf", "sip_additional.conf"])
def test_it_writes_what_freepbx_wrote_from_the_same_rows(core: int, file: str) -> None:
    tables = _tables(core)
    made = _sections((pjsip_freepbx.files(tables) | chan_sip.files(tables))[file])
    wanted = _sections((GENERATED / f"freepbx{core}" / file).read_text())
    for options in wanted.values():
        for name in OF_THE_LAB:
            options.pop(name, None)
    assert made == wanted


@pytest.mark.parametrize("core", [14, 17])
def test_it_writes_the_queues_as_freepbx_did(core: int) -> None:
    [(name, made)] = queues.files(_tables(core)).items()
    wanted = (GENERATED / f"freepbx{core}" / name).read_text()
    assert sorted(made.splitlines()) == sorted(wanted.splitlines())
    [*_, first, second] = filter(None, wanted.splitlines())
    [*_, last] = filter(None, queues.files(_tables(core), {"201"})[name].splitlines())
    assert [first, last] == [first, second.removesuffix(",hint:201@ext-local")]


def test_a_failed_reload_leaves_the_mark_that_one_is_needed(platform: PlatformExchange) -> None:
    platform.set({"ASTMANAGERPORT": "1"})
    try:
        status, said = platform.run_reload()
        assert status == (255 if platform.kind.name == "freepbx17" else 0)
        assert "Successfully" not in said
        assert "Complete" not in said
        assert platform.need_reload()
    finally:
        platform.set({"ASTMANAGERPORT": str(platform.asterisk.ports.ami)})
    platform.reload()
    assert not platform.need_reload()
