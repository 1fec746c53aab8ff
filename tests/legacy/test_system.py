"""`systemresources`, `getharddrivers`, `getiptablesstatus`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from pbxapi.legacy.system import human
from pbxapi.pbx.host_state import (
    Disk,
    Fail2ban,
    FileSystem,
    Firewall,
    Memory,
    Purpose,
    Resources,
    RuleSet,
    Services,
)
from tests.legacy.conftest import WITH_KEY, Start

AT = datetime(2026, 11, 23, 19, 27, 15, tzinfo=UTC)
GIB = 1024**3
MEMORY = Memory(8 * GIB, 2 * GIB, 6 * GIB, 0, 0)
ROOT = FileSystem("/dev/vda", "/", "ext4", False, 100 * GIB, 40 * GIB, 55 * GIB, 100, 90)
PATHS = {
    "logs": "/var/log",
    "third_party": "/opt",
    "voicemail": "/var/spool/asterisk/voicemail",
    "backups": "/var/www/backup",
    "configuration": "/etc",
    "recordings": "/var/spool/asterisk/monitor",
}


@dataclass
class KnownHost:
    """A host of which everything is known."""

    uptime: int = 1800
    users: int = 5
    purposes: tuple[Purpose, ...] = ()
    rule_sets: tuple[RuleSet, ...] = ()
    state: str = "inactive"

    def resources(self) -> Resources:
        return Resources("exchange", AT, AT, self.uptime, 1.02, 2.1, 2.115, 2, MEMORY, self.users)

    def disk(self) -> Disk:
        return Disk("exchange", "ready", AT, 0, (replace(ROOT, mount="/boot", total=1), ROOT), self.purposes)

    def firewall(self) -> Firewall:
        return Firewall("exchange", AT, self.state, self.rule_sets, Fail2ban("absent"))

    def services(self) -> Services:
        return Services("exchange", ())

    def close(self) -> None: ...


def counted(name: str, size: int | None, state: str = "ready", path: str = "") -> Purpose:
    return Purpose(name, path or PATHS[name], state, size, None, None, None)


def ask(client: FlaskClient, cmd: str, host: KnownHost | None = None) -> Any:
    if host is not None:
        state = client.application.extensions["pbxapi"]
        client.application.extensions["pbxapi"] = replace(state, pbx=replace(state.pbx, host=host))
    answer = client.get(f"/api.php?cmd={cmd}", headers=WITH_KEY)
    if host is not None:
        client.application.extensions["pbxapi"] = state
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    assert answer.headers["Deprecation"] == "true"
    return answer.get_json()


@pytest.mark.parametrize(
    ("uptime", "told"),
    [
        (59, "0 min"),
        (1800, "30 min"),
        (3 * 3600 + 25 * 60, " 3:25"),
        (13 * 3600 + 5 * 60, "13:05"),
        (86400 + 120, "1 day, 2 min"),
        (10 * 86400 + 3 * 3600 + 25 * 60, "10 days,  3:25"),
    ],
)
def test_resources_are_the_parts_of_uptime(client: FlaskClient, uptime: int, told: str) -> None:
    assert ask(client, "systemresources", KnownHost(uptime)) == {
        "datetime": f"19:27:15 up {told}",
        "users": "5",
        "usage": "1.02, 2.10, 2.12",
    }


@pytest.mark.parametrize(("users", "told"), [(0, "0 user"), (1, "1 user"), (5, "5 users")])
def test_the_first_generation_has_a_word_with_its_users(start: Start, users: int, told: str) -> None:
    assert ask(start(LEGACY_MODE="classic"), "systemresources", KnownHost(users=users))["users"] == told


def test_disks_are_told_as_people_read_them(client: FlaskClient) -> None:
    purposes = (
        counted("logs", 708 * 1024), counted("third_party", 8_730_000_000), counted("voicemail", None, "absent"),
        counted("configuration", 3_950_000), counted("recordings", 20_480),
    )  # fmt: skip
    assert ask(client, "getharddrivers", KnownHost(purposes=purposes)) == {
        "harddisk": {"size": "100G", "used": "40G", "avail": "55G", "usepercent": "43%", "mount": "/"},
        "logs": ["708K", "/var/log"],
        "thirdparty": ["8.2G", "/opt"],
        "voicemails": [],
        "backups": [],
        "configuration": ["3.8M", "/etc"],
        "recording": ["20K", "/var/spool/asterisk/monitor"],
    }


def test_what_is_not_counted_yet_has_no_size(client: FlaskClient) -> None:
    found = ask(client, "getharddrivers", KnownHost(purposes=(counted("recordings", None, "measuring"),)))
    assert found["recording"] == ["", "/var/spool/asterisk/monitor"]


def test_issabel_has_its_modules_beside(client: FlaskClient) -> None:
    modules = counted("issabel_modules", 1_300_000_000, path="/opt/issabel")
    assert ask(client, "getharddrivers", KnownHost(purposes=(modules,)))["issabel_modules"] == ["1.3G", "/opt/issabel"]
    assert "issabel_modules" not in ask(client, "getharddrivers", KnownHost())


@pytest.mark.parametrize(
    ("size", "told"),
    [(0, "0"), (1, "1"), (1024, "1.0K"), (1025, "1.1K"), (10 * 1024, "10K"), (1024**2 - 1, "1.0M"), (5 * GIB, "5.0G")],
)
def test_sizes_are_rounded_up_as_df_and_du_do(size: int, told: str) -> None:
    assert human(size) == told


def test_a_firewall_with_no_rules_is_not_running(client: FlaskClient) -> None:
    host = KnownHost(rule_sets=(RuleSet("iptables", "inactive", 0), RuleSet("firewalld", "absent", reason="none")))
    found = ask(client, "getiptablesstatus", host)
    assert found == {"pid": "iptables: Firewall is not running.\n", "is_exist": False}


def test_rules_that_are_loaded_are_there(client: FlaskClient) -> None:
    host = KnownHost(state="active", rule_sets=(RuleSet("iptables", "active", 12, "drop"),))
    found = ask(client, "getiptablesstatus", host)
    assert found == {"pid": "iptables: active, 12 rules, policy of input: drop\n", "is_exist": True}


def test_no_right_to_ask_is_told_as_the_reason(client: FlaskClient) -> None:
    host = KnownHost(state="unknown", rule_sets=(RuleSet("nftables", "unknown", reason="only root may ask nft"),))
    found = ask(client, "getiptablesstatus", host)
    assert found == {"pid": "nftables: only root may ask nft\n", "is_exist": False}


def test_no_firewall_at_all_is_told(client: FlaskClient) -> None:
    host = KnownHost(rule_sets=(RuleSet("nftables", "absent", reason="there is no nft here"),))
    found = ask(client, "getiptablesstatus", host)
    assert (found["is_exist"], bool(found["pid"])) == (False, True)


def test_this_host_answers_too(client: FlaskClient) -> None:
    found = ask(client, "systemresources")
    assert re.fullmatch(r"\d\d:\d\d:\d\d up (\d+ days?, )?([ \d]\d:\d\d|\d+ min)", found["datetime"])
    assert found["users"].isdecimal()
    assert re.fullmatch(r"\d+\.\d\d, \d+\.\d\d, \d+\.\d\d", found["usage"])
    assert isinstance(ask(client, "getiptablesstatus")["is_exist"], bool)
