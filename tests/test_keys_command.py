"""`pbxapi keys` and what the doctor says of keys, on a real SQLite file."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from pbxapi.cli import main
from pbxapi.keys_command import key_findings, read_duration, read_expiry
from pbxapi.settings import SettingsError
from pbxapi.store import Store
from pbxapi.store.keys import hash_of
from pbxapi.store.migrate import migrate
from pbxapi.store.tables import audit, keys

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The one that the command uses too; of the exchange nothing is there."""
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STORE_URL", store.url)
    monkeypatch.setenv("API_SECRET_KEY", "0123456789abcdef")
    yield store
    store.close()


def test_the_key_alone_is_on_standard_output(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "crm", "--scope", "calls", "--scope", "read", "--network", "10.0.0.0/8"]) == 0
    out, err = capsys.readouterr()
    [secret] = out.split()
    found = store.keys.find(hash_of(secret))
    assert found is not None
    assert (found.key.scopes, found.key.networks) == (("read", "calls"), ("10.0.0.0/8",))
    assert found.key.created_by.startswith("cli:")
    assert secret not in err
    assert "from 10.0.0.0/8" in err


def test_it_is_rotated_with_a_grace_or_without(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    _, first = store.keys.create("crm", ["read"], created_by="tests")
    assert main(["keys", "rotate", "crm", "--grace", "24h", "--expires", "90d"]) == 0
    second = capsys.readouterr().out.strip()
    found = store.keys.find(hash_of(first))
    assert found is not None
    assert found.previous
    in_a_day, in_three_months = (datetime.now(UTC) + timedelta(days=days) for days in (1, 90))
    assert found.key.previous_until is not None
    assert found.key.expires_at is not None
    assert abs(found.key.previous_until - in_a_day) < timedelta(minutes=5)
    assert abs(found.key.expires_at - in_three_months) < timedelta(minutes=5)
    assert main(["keys", "rotate", "crm"]) == 0
    after = store.keys.get("crm")
    assert after.previous_until == after.rotated_at
    assert capsys.readouterr().out.strip() != second


def test_it_is_revoked_for_ever(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.keys.create("crm", ["read"], created_by="tests")
    for said in ("is revoked", "was revoked before"):
        assert main(["keys", "revoke", "crm"]) == 0
        assert said in capsys.readouterr().err
    assert main(["keys", "create", "crm", "--scope", "read"]) == 2
    assert "its name stays taken" in capsys.readouterr().err


def test_the_list_tells_all_but_the_keys(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    _, secret = store.keys.create("crm", ["read"], created_by="tests")
    store.keys.create("old", ["cdr"], created_by="tests")
    store.keys.revoke("old")
    assert main(["keys", "list"]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[:2] for line in shown.splitlines()[1:]] == [["crm", "active"], ["old", "revoked"]]
    assert main(["keys", "list", "--json"]) == 0
    listed = capsys.readouterr().out
    assert [key["name"] for key in json.loads(listed)] == ["crm", "old"]
    assert secret not in shown + listed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "a b", "--scope", "read"], "name: 1 to 64 letters"),
        (["create", "x", "--scope", "nope"], "scopes: There is no scope nope"),
        (["create", "x", "--scope", "read", "--network", "10/8x"], "networks: '10/8x' is no address"),
        (["create", "x", "--scope", "read", "--expires", "2020-01-01"], "expires_at: Must be in the future"),
        (["create", "x", "--scope", "read", "--expires", "soon"], "--expires must be such as 90d"),
        (["create", "x", "--scope", "read", "--policy", "nowhere.json"], "nowhere.json: No such file"),
        (["rotate", "nobody"], "no such key"),
        (["rotate", "nobody", "--grace", "long"], "--grace must be a time"),
        (["rotate", "nobody", "--grace", "31d"], "grace: Must be 30 days"),
        (["revoke", "nobody"], "no such key"),
    ],
)
def test_what_cannot_be_done_is_said(
    store: Store, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["keys", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert store.keys.all() == []


def test_a_policy_that_is_no_json_is_said(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.json").write_text("{")
    assert main(["keys", "create", "x", "--scope", "calls", "--policy", "policy.json"]) == 2
    assert "policy.json is not JSON" in capsys.readouterr().err


def test_a_store_without_tables_is_said(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    migrate(store, "base")
    assert main(["keys", "list"]) == 2
    assert "run `pbxapi migrate`" in capsys.readouterr().err


def test_changes_are_in_the_audit_log_without_the_keys(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "create", "crm", "--scope", "read"])
    main(["keys", "rotate", "crm"])
    main(["keys", "revoke", "crm"])
    with store.begin() as connection:
        rows = connection.execute(audit.select().order_by(audit.c.id)).mappings().all()
    assert [(row["action"], row["target"]) for row in rows] == [
        ("key.create", "key crm"),
        ("key.rotate", "key crm"),
        ("key.revoke", "key crm"),
    ]
    assert all(row["key"].startswith("cli:") for row in rows)
    assert not any(secret in str(rows) for secret in capsys.readouterr().out.split())


@given(st.integers(0, 99_999_999), st.sampled_from("smhdw"))
def test_a_number_and_a_unit_are_a_time(number: int, unit: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}[unit]
    assert read_duration(f"{number}{unit}", "x").total_seconds() == number * seconds


@given(st.text())
def test_any_text_is_a_time_or_said_to_be_none(text: str) -> None:
    for read in (lambda: read_duration(text, "--grace"), lambda: read_expiry(text, None, NOW)):
        try:
            read()
        except SettingsError as error:
            assert str(error).startswith("--")


def test_a_day_begins_where_the_exchange_is() -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    assert read_expiry("2027-01-01", berlin, NOW) == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert read_expiry("2027-01-01", None, NOW) == datetime(2027, 1, 1).astimezone()
    assert read_expiry("2027-01-01T08:00:00+01:00", None, NOW) == datetime(2027, 1, 1, 7, tzinfo=UTC)
    assert read_expiry("90d", berlin, NOW) == NOW + timedelta(days=90)


def test_the_doctor_names_keys_that_are_no_use(store: Store) -> None:
    now = datetime.now(UTC)
    ages: dict[str, dict[str, Any]] = {
        "fine": {"last_used_at": now},
        "new": {},
        "expired": {"expires_at": now - timedelta(days=1)},
        "soon": {"expires_at": now + timedelta(days=13)},
        "later": {"expires_at": now + timedelta(days=15)},
        "unused": {"created_at": now - timedelta(days=31)},
        "gone": {"created_at": now - timedelta(days=31), "revoked_at": now},
    }
    for name, columns in ages.items():
        store.keys.create(name, ["read"], created_by="tests")
        if columns:
            with store.begin() as connection:
                connection.execute(update(keys).where(keys.c.name == name).values(columns))
    told = [finding.what for finding in key_findings(store)]
    assert [what.split()[2] for what in told[:-1]] == ["expired", "soon", "unused"]
    assert told[-1] == "keys: 6 beside API_SECRET_KEY"
