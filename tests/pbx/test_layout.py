"""What a layout writes for a new extension is what the platform itself wrote for it (tests/seen)."""

from __future__ import annotations

import pytest

from pbxapi.pbx.keywords import keywords
from pbxapi.pbx.layout import Layout, layout_for
from pbxapi.pbx.platform import DEFAULTS
from tests.seen import Row, keys, rows

SETTINGS = {**DEFAULTS, "PJSIP_DTMF": "rfc4733"}
FREEPBX_SETTINGS = {**SETTINGS, "DEVICE_SIP_SENDRPID": "pai", "CONCURRENCYLIMITDEFAULT": "3"}
"""Those of the systems that the captures were made on."""


def filled(template: str | int | None, names: dict[str, str]) -> str | None:
    """A template as the text that a row or an entry holds."""
    return None if template is None else str(template).format_map(names)


SEEN = [
    # capture of the rows, platform, version, technology, number, name
    ("freepbx14-01-create-200-pjsip.txt", "freepbx", "14.0.29", "pjsip", "200", "Alice"),
    ("freepbx14-03-create-201-sip-vm.txt", "freepbx", "14.0.29", "sip", "201", "Bob"),
    ("freepbx16-01-create-200-pjsip.txt", "freepbx", "16.0.68.30", "pjsip", "200", "Alice"),
    ("freepbx16-03-create-201-sip-vm.txt", "freepbx", "16.0.68.30", "sip", "201", "Bob"),
    ("freepbx17-01-create-200-pjsip.txt", "freepbx", "17.0.18.4", "pjsip", "200", "Alice"),
    ("freepbx17-03-create-201-sip-vm.txt", "freepbx", "17.0.18.4", "sip", "201", "Bob"),
    ("issabel-rows_after_add_sip_200.sql", "issabel", "2.12.0.8", "sip", "200", "Alice Two"),
    ("issabel-rows_after_add_pjsip_201.sql", "issabel", "2.12.0.8", "pjsip", "201", "Bob Pjsip"),
]


class Written:
    """What the platform wrote, and what the layout says."""

    def __init__(self, capture: str, platform: str, version: str, technology: str, number: str, name: str) -> None:
        self.layout: Layout = layout_for(platform, version)
        self.device = self.layout.devices[technology]
        self.number = number
        self.rows = rows(capture)
        everything = keys("issabel-astdb.txt" if platform == "issabel" else capture)
        self.keys = {place: value for place, value in everything.items() if place[1].split("/")[0] == number}
        secret = next(row["data"] for row in self.table("sip") if row["keyword"] == "secret") or ""
        settings = SETTINGS if platform == "issabel" else FREEPBX_SETTINGS
        self.names = {**settings, "number": number, "name": name, "secret": secret, "tech": technology}
        self.names["dial"] = self.device.dial.format_map(self.names)

    def table(self, name: str) -> list[Row]:
        return [row for table, row in self.rows if table == name]

    def entries(self, family: str, templates: tuple[tuple[str, str], ...]) -> dict[tuple[str, str], str | None]:
        return {(family, f"{self.number}/{key}"): filled(value, self.names) for key, value in templates}


@pytest.fixture(params=SEEN, ids=[row[0].partition(".")[0] for row in SEEN])
def written(request: pytest.FixtureRequest) -> Written:
    return Written(*request.param)


def test_every_setting_of_the_device_has_its_data_and_its_flags(written: Written) -> None:
    made = {
        keyword: (filled(default, written.names), str(written.device.flags[keyword]))
        for keyword, default in written.device.keywords
    }
    assert made == {str(row["keyword"]): (row["data"], row["flags"]) for row in written.table("sip")}
    assert list(written.device.flags.values()) == sorted(written.device.flags.values())


def test_the_rows_of_user_and_device_hold_what_the_platform_puts_there(written: Written) -> None:
    for table, key, template in (
        ("users", "extension", written.layout.user_row),
        ("devices", "id", written.layout.device_row),
    ):
        [row] = written.table(table)
        assert row.pop(key) == written.number
        made = {column: filled(value, written.names) for column, value in template.items() if column in row}
        assert made.keys() >= row.keys()
        box = row.get("voicemail")
        assert made | ({"voicemail": box} if box else {}) == row


def test_astdb_gets_the_entries_of_the_platform_and_no_others(written: Written) -> None:
    made = written.entries("AMPUSER", written.layout.user_keys) | written.entries("DEVICE", written.layout.device_keys)
    made["CW", written.number] = "ENABLED"
    if written.layout.presence:
        made["CustomPresence", written.number] = "available,,"
    box = written.keys["AMPUSER", f"{written.number}/voicemail"]
    if box != "novm":
        made["AMPUSER", f"{written.number}/voicemail"] = box
        made |= written.entries("AMPUSER", written.layout.voicemail_keys)
    assert made == {place: value for place, value in written.keys.items() if RUNTIME.isdisjoint(place[1].split("/"))}


RUNTIME = {"followme"}
"""What was made later than the extension."""


ALL = [("freepbx", f"{version}.0.1") for version in range(13, 18)] + [("issabel", "2.11.0"), ("issabel", "2.12.0")]


@pytest.mark.parametrize(("platform", "version"), ALL)
def test_a_layout_is_complete_in_itself(platform: str, version: str) -> None:
    layout = layout_for(platform, version)
    assert layout.warning is None
    names = {**SETTINGS, "number": "200", "name": "Alice", "secret": "s3cret", "tech": "pjsip", "dial": "PJSIP/200"}
    for device in layout.devices.values():
        known = dict(device.keywords)
        assert set(device.fields.values()) <= known.keys(), "a field stands for a keyword that is written"
        assert len(set(device.fields.values())) == len(device.fields), "one keyword a field"
        assert min(device.flags.values()) == 2, "1 is a disabled trunk"
        assert len(set(device.flags.values())) == len(device.flags)
        assert {"account", "secret", "context", "dial"} <= known.keys()
        for template in known.values():
            template.format_map(names)
    assert ("sipdriver" in layout.devices["sip"].flags) == (platform == "freepbx"), "decides which file it goes to"
    for _, template in (*layout.user_keys, *layout.device_keys):
        template.format_map(names)
    assert "dialopts" not in dict(layout.user_keys), "an empty one takes the dial options away"


@pytest.mark.parametrize(("platform", "version"), ALL)
def test_webrtc_is_encrypted_with_dtls_and_goes_by_keywords_of_that_version(platform: str, version: str) -> None:
    layout = layout_for(platform, version)
    pjsip, sip = layout.devices["pjsip"], layout.devices["sip"]
    assert pjsip.webrtc["media_encryption"] == "dtls"
    assert pjsip.webrtc.keys() <= pjsip.flags.keys(), "no keyword that this version does not know"
    assert sip.webrtc.keys() - sip.flags.keys() <= {"dtlscertfile", "dtlsprivatekey"}
    if platform == "issabel":
        assert sip.webrtc["dtlscertfile"] == pjsip.webrtc["dtls_cert_file"], "no DTLS without a certificate"


@pytest.mark.parametrize(
    ("version", "count"), [("13.0.132", 35), ("14.0.29", 45), ("15.0.22", 52), ("16.0.68", 54), ("17.0.18", 54)]
)
def test_every_version_of_freepbx_has_its_own_number_of_settings(version: str, count: int) -> None:
    layout = layout_for("freepbx", version)
    assert len(layout.devices["pjsip"].keywords) == count
    assert len(layout.devices["sip"].keywords) == (35 if version < "15" else 36)


def test_what_changed_between_versions() -> None:
    old, new = layout_for("freepbx", "13.0.132"), layout_for("freepbx", "17.0.18.4")
    assert "tech" not in dict(old.device_keys)
    assert "tech" in dict(new.device_keys)
    assert "cwtone" not in dict(old.user_keys)
    assert (old.voicemail_mapping, new.voicemail_mapping) == ("symlink", "kvstore")
    assert (old.removes_existing, new.removes_existing) == (False, True)
    assert dict(old.devices["pjsip"].keywords)["callerid"] == "device <{number}>"
    assert "permit" not in new.devices["pjsip"].fields
    assert new.devices["sip"].fields["permit"] == "permit"
    assert layout_for("issabel", "2.12.0").recording_words == {"force": "always"}


@pytest.mark.parametrize(
    ("platform", "version", "nearest", "warns"),
    [
        ("freepbx", "18.0.1", "17", "FreePBX 18 is not known"),
        ("freepbx", "12.0.76", "13", "FreePBX 12 is not known"),
        ("freepbx", "", "13", "This version of FreePBX is not known"),
        ("issabel", "2.11.0.49", "4", None),
        ("issabel", "2.12.0.8", "5", None),
    ],
)
def test_an_unknown_version_is_written_as_the_nearest_older_one_with_a_warning(
    platform: str, version: str, nearest: str, warns: str | None
) -> None:
    layout = layout_for(platform, version)
    assert layout.version == nearest
    if warns is None:
        assert layout.warning is None
    else:
        assert warns in (layout.warning or "")
        assert nearest in (layout.warning or "")


def test_an_empty_line_keeps_a_place_and_a_keyword_of_another_version_does_not() -> None:
    table = "\na = 1\n\nb = 2 : 14\nc = : 13-13\nd = x,y\n : 14\ne =\n"
    assert keywords(table, 13) == [("a", "1", 2), ("c", "", 4), ("d", "x,y", 5), ("e", "", 6)]
    assert keywords(table, 14) == [("a", "1", 2), ("b", "2", 4), ("d", "x,y", 5), ("e", "", 7)]
