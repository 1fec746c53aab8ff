from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pbxapi.environment import read_environment
from pbxapi.settings import Settings, SettingsError, defaults

KEY = "0123456789abcdef"
EXAMPLE = Path(__file__).parent.parent / ".env.example"


def read(**environ: str) -> Settings:
    return Settings.from_environ({"API_SECRET_KEY": KEY, **environ})


def faults(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ({"API_SECRET_KEY": KEY, **environ})
    return str(caught.value).splitlines()


def test_a_key_is_all_that_has_to_be_set() -> None:
    assert read() == Settings(api_secret_key=KEY)


def test_every_fault_is_reported_at_once_and_names_its_variable() -> None:
    wrong = {
        "API_SECRET_KEY": "short",
        "AMI_PORT": "70000",
        "AMI_TLS": "maybe",
        "AMI_TIMEOUT": "nan",
        "ARI_SCHEME": "ftp",
        "PBX_DRIVER": "3cx",
        "PBX_TIMEZONE": "Mars/Olympus",
        "CALL_CONTEXTS": "from internal",
        "CALL_KEEP_HOURS": "0",
        "LIVE_TTL": "-1",
        "LOG_LEVEL": "loud",
        "TRUSTED_PROXIES": "10.0.0.1, proxy",
        "REST_CORS_ORIGINS": "https://crm.example.com/path",
        "LEGACY_MODE": "old",
    }
    assert sorted(line.split()[0] for line in faults(**wrong)) == sorted(wrong)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "   ",
        "YOUR_SECRETKEY_50_RANDOM_CHARS",
        "changeme",
        "CHANGE-ME-change-me-change-me",
        "x" * 40,
        "demo",
        "a" * 15,
    ],
)
def test_a_key_that_protects_nothing_refuses_to_start(key: str) -> None:
    assert [line.split()[0] for line in faults(API_SECRET_KEY=key)] == ["API_SECRET_KEY"]
    with pytest.raises(SettingsError, match="API_SECRET_KEY"):
        Settings(api_secret_key=key.strip())


def test_the_key_of_the_example_refuses_to_start() -> None:
    environ = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))
    with pytest.raises(SettingsError, match="API_SECRET_KEY is a placeholder"):
        Settings.from_environ(environ)


def test_only_the_program_can_allow_the_demo_key() -> None:
    assert Settings.from_environ({}, demo=True).api_secret_key == "demo"
    assert faults(API_SECRET_KEY="demo", DEMO="true", demo="true")
    with pytest.raises(SettingsError):
        Settings(api_secret_key="other", demo=True)


def test_no_fault_shows_a_secret() -> None:
    assert "hunter2" not in "".join(faults(API_SECRET_KEY="hunter2"))


def test_no_secret_is_in_a_repr() -> None:
    settings = read(
        AMI_SECRET="hunter2", ARI_SECRET="hunter2", DB_PASSWORD="hunter2", STORE_URL="mysql://u:hunter2@h/d"
    )
    assert "hunter2" not in repr(settings)
    assert KEY not in repr(settings)


def test_nothing_can_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().ami.port = 1  # type: ignore[misc]


def test_the_example_shows_every_variable_with_its_default() -> None:
    shown = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))
    shown["API_SECRET_KEY"] = KEY
    assert shown.keys() == defaults().keys()
    assert Settings.from_environ(shown) == read()


def test_values_are_read_as_what_they_are() -> None:
    settings = read(
        AMI_PORT=" 5039 ",
        AMI_TLS="Yes",
        AMI_TLS_CHECK_HOSTNAME="off",
        PBX_DRIVER="FreePBX",
        PBX_TIMEZONE="Europe/Berlin",
        CALL_CONTEXTS="from-internal, sales",
        TRUSTED_PROXIES="127.0.0.1,10.0.0.0/8,unix",
        REST_CORS_ORIGINS="https://crm.example.com,http://[::1]:3000",
    )
    assert (settings.ami.port, settings.ami.tls, settings.ami.tls_check_hostname) == (5039, True, False)
    assert (settings.platform.driver, settings.platform.timezone) == ("freepbx", ZoneInfo("Europe/Berlin"))
    assert settings.calls.contexts == ("from-internal", "sales")
    assert [str(item) for item in settings.web.trusted_proxies] == ["127.0.0.1/32", "10.0.0.0/8", "unix"]
    assert settings.web.cors_origins == ("https://crm.example.com", "http://[::1]:3000")


def test_a_variable_of_the_environment_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("AMI_HOST=from.file\nAMI_USERNAME=from-file\nAMI_SECRET='p$a${x}s s'\nAMI_PORT=\n")
    monkeypatch.setenv("AMI_HOST", "from.environment")
    monkeypatch.setenv("AMI_USERNAME", "")
    monkeypatch.delenv("AMI_SECRET", raising=False)
    monkeypatch.delenv("AMI_PORT", raising=False)
    ami = Settings.from_environ({**read_environment(file), "API_SECRET_KEY": KEY}).ami
    assert (ami.host, ami.username, ami.secret, ami.port) == ("from.environment", "from-file", "p$a${x}s s", 5038)


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    assert "AMI_HOST" not in read_environment(tmp_path / ".env")


@pytest.mark.parametrize("kind", ["folder", "latin-1"])
def test_a_file_that_cannot_be_read_is_a_fault_that_names_it(tmp_path: Path, kind: str) -> None:
    file = tmp_path / ".env"
    if kind == "folder":
        file.mkdir()
    else:
        file.write_bytes(b"AMI_SECRET=\xe4\xf6\n")
    with pytest.raises(SettingsError, match=r"\.env: cannot be read"):
        read_environment(file)
