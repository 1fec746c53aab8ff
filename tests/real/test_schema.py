"""The schemas of platforms, as a real server tells them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from pbxapi.db.engine import Login, engine
from pbxapi.db.platform_tables import metadata
from pbxapi.db.schema import ColumnShape, SchemaLook, TableShape
from pbxapi.pbx.platform import PlatformLook
from tests.real.mariadb import MariaDB
from tests.real.platforms import platform_database


@pytest.fixture(scope="module", params=["freepbx13", "freepbx17", "issabel"])
def platform(request: pytest.FixtureRequest, mariadb: MariaDB) -> Iterator[tuple[str, Engine]]:
    place = platform_database(mariadb, request.param)
    login = Login(host=place.host, port=place.port, username=place.user, password=place.password)
    made = engine(login, place.name)
    yield request.param, made
    made.dispose()
    mariadb.run(f"DROP DATABASE {place.name}")


SIP_DATA = {
    "freepbx13": ColumnShape(255, "latin1", nullable=False, default=False),
    "freepbx17": ColumnShape(8100, "utf8mb4", nullable=False, default=False),
    "issabel": ColumnShape(255, "utf8mb4", nullable=False, default=False),
}
CONTENT = {
    "freepbx13": ("freepbx", "13", "no", "13.0.132"),
    "freepbx17": ("freepbx", "17", "pai", "17.0.18.4"),
    "issabel": ("issabel", "5", "no", "2.12.0.8"),
}


def test_widths_charsets_and_engines_are_those_of_the_server(platform: tuple[str, Engine]) -> None:
    name, tables = platform
    schema = SchemaLook(tables).now()
    assert {table.transactional for table in schema.tables.values()} == {name != "freepbx13"}
    sip = schema.tables["sip"]
    assert list(sip.columns) == ["id", "keyword", "data", "flags"]
    assert sip.columns["data"] == SIP_DATA[name]
    assert sip.columns["flags"] == ColumnShape(None, None, nullable=False, default=name != "issabel")
    assert schema.tables["modules"].columns["id"].default, "auto_increment: a row may leave it out"
    assert schema.tables["users"].columns["name"].nullable
    assert schema.has("devices", "hint_override") == (name != "issabel")
    assert schema.has("kvstore_FreePBX_modules_Voicemail") == (name == "freepbx17")


def test_every_column_of_a_platform_can_be_named_in_statements(platform: tuple[str, Engine]) -> None:
    schema = SchemaLook(platform[1]).now()
    for table in WHOLE & schema.tables.keys():
        assert schema.tables[table].columns.keys() <= set(metadata.tables[table].columns.keys()), table


WHOLE = {
    "users", "devices", "sip", "pjsip", "iax", "dahdi", "findmefollow", "admin", "freepbx_settings",
    "issabelpbx_settings", "modules", "kvstore_FreePBX_modules_Voicemail", "featurecodes", "ringgroups",
    "queues_config", "queues_details", "incoming", "trunks", "meetme", "custom_extensions", "miscapps",
}  # fmt: skip


def test_the_platform_is_known_by_what_stands_in_it(platform: tuple[str, Engine]) -> None:
    name, tables = platform
    kind, version, rpid, core = CONTENT[name]
    found = PlatformLook(tables, kind).now()
    assert (found.layout.version, found.layout.warning) == (version, None)
    assert (found.settings["DEVICE_SIP_SENDRPID"], found.modules["core"]) == (rpid, core)
    assert isinstance(found.schema.tables["users"], TableShape)
    assert "paging" not in found.modules, "it is disabled"
