"""How a platform is recognised from its own tables; real servers: tests/real/test_schema.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert

from pbxapi.db import platform_tables as t
from pbxapi.errors import Unavailable
from pbxapi.pbx.platform import Platform, PlatformLook

Row = dict[str, object]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path}/platform.db")
    t.metadata.create_all(made)
    yield made
    made.dispose()


def look(engine: Engine, platform: str = "freepbx", **rows: list[Row]) -> Platform:
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(insert(t.metadata.tables[table]), values)
    return PlatformLook(engine, platform, ttl=0).now()


def module(name: str, version: str, enabled: int = 1) -> Row:
    return {"modulename": name, "version": version, "enabled": enabled}


def setting(keyword: str, value: str | None, default: str | None = None) -> Row:
    return {"keyword": keyword, "value": value, "defaultval": default}


def test_freepbx_is_known_by_its_core_and_not_by_its_framework(empty: Engine) -> None:
    found = look(empty, modules=[module("framework", "14.0.2"), module("core", "16.0.68.30"), module("paging", "1", 0)])
    assert found.layout.version == "16"
    assert found.modules == {"framework": "14.0.2", "core": "16.0.68.30"}


def test_without_core_the_framework_tells(empty: Engine) -> None:
    assert look(empty, modules=[module("framework", "15.0.17"), module("core", "17.0.1", 0)]).layout.version == "15"


@pytest.mark.parametrize(("version", "layout"), [("2.11.0.49", "4"), ("2.12.0", "5"), ("2.12.0.8", "5")])
def test_issabel_is_known_by_the_version_in_its_own_table(empty: Engine, version: str, layout: str) -> None:
    found = look(
        empty, "issabel", admin=[{"variable": "version", "value": version}], modules=[module("core", "2.12.0")]
    )
    assert (found.layout.platform, found.layout.version) == ("issabel", layout)


def test_issabel_without_that_row_is_known_by_its_core(empty: Engine) -> None:
    assert look(empty, "issabel", modules=[module("core", "2.12.0.8")]).layout.version == "5"


def test_a_newer_version_is_told_of(empty: Engine) -> None:
    found = look(empty, modules=[module("core", "18.0.3")])
    assert (found.layout.version, "FreePBX 18" in (found.layout.warning or "")) == ("17", True)


def test_a_setting_is_its_value_then_its_default_then_ours(empty: Engine) -> None:
    found = look(
        empty,
        freepbx_settings=[
            setting("RINGTIMER", "25", "15"), setting("DEVICE_SIP_SENDRPID", None, "pai"),
            setting("DEVICE_ALLOW", "", "ulaw"),
        ],
    )  # fmt: skip
    names = ("RINGTIMER", "DEVICE_SIP_SENDRPID", "DEVICE_ALLOW", "SIPSECRETSIZE")
    assert [found.settings[name] for name in names] == ["25", "pai", "", "32"]


def test_each_platform_has_its_own_table_of_settings(empty: Engine) -> None:
    theirs: dict[str, list[Row]] = {
        "freepbx_settings": [setting("RINGTIMER", "11")],
        "issabelpbx_settings": [setting("RINGTIMER", "22")],
    }
    assert look(empty, "issabel", **theirs).settings["RINGTIMER"] == "22"
    assert look(empty, "freepbx").settings["RINGTIMER"] == "11"


def test_passwords_are_not_read(empty: Engine) -> None:
    found = look(empty, freepbx_settings=[setting("AMPMGRPASS", "hunter2"), setting("CDRDBPASS", "hunter2")])
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("value", "on"), [("1", True), ("true", True), ("TRUE", True), ("0", False), ("false", False), ("", False)]
)
def test_yes_and_no_are_read_in_both_spellings(empty: Engine, value: str, on: bool) -> None:
    assert look(empty, freepbx_settings=[setting("ENABLECW", value)]).on("ENABLECW") is on


def test_a_setting_that_nobody_knows_is_off(empty: Engine) -> None:
    assert look(empty).on("NO_SUCH_SETTING") is False


@pytest.mark.parametrize(("given", "pjsip"), [("rfc2833", "rfc4733"), ("inband", "inband"), ("auto", "auto")])
def test_pjsip_has_its_own_word_for_dtmf_by_rfc(empty: Engine, given: str, pjsip: str) -> None:
    found = look(empty, freepbx_settings=[setting("DEVICE_SIP_DTMF", given)])
    assert (found.settings["DEVICE_SIP_DTMF"], found.settings["PJSIP_DTMF"]) == (given, pjsip)


def test_what_was_found_is_held_for_a_while(empty: Engine) -> None:
    platform = PlatformLook(empty, "freepbx", ttl=3600)
    assert platform.now() is platform.now()


def test_tables_that_are_not_there_are_no_fault(tmp_path: Path) -> None:
    made = create_engine(f"sqlite:///{tmp_path}/nothing.db")
    found = PlatformLook(made, "freepbx").now()
    assert (found.modules, found.settings["RINGTIMER"]) == ({}, "15")
    assert "not known" in (found.layout.warning or "")
    made.dispose()


def test_no_database_is_unavailable_every_time() -> None:
    made = create_engine("sqlite:////nonexistent/platform.db")
    platform = PlatformLook(made, "freepbx")
    for _ in range(2):
        with pytest.raises(Unavailable):
            platform.now()
    made.dispose()
