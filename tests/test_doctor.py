"""`pbxapi doctor`, `migrate` and what `serve` refuses, over the demo exchange."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pbxapi.cli import main
from pbxapi.demo.exchange import DemoExchange

KEY = "a-key-for-tests-of-32-characters"


@pytest.fixture
def exchange() -> Iterator[DemoExchange]:
    demo = DemoExchange(seed=1)
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture
def configured(tmp_path: Path, exchange: DemoExchange, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a `.env` for the demo exchange, and nothing of the environment."""
    env = tmp_path / ".env"
    env.write_text(
        f"API_SECRET_KEY={KEY}\nAMI_PORT={exchange.port}\nAMI_USERNAME=demo\nAMI_SECRET=demo\n"
        f"STORE_URL=sqlite:///{tmp_path}/store.db\n"
    )
    monkeypatch.chdir(tmp_path)
    for name in ("API_SECRET_KEY", "AMI_PORT", "AMI_USERNAME", "AMI_SECRET", "STORE_URL", "PBX_DRIVER"):
        monkeypatch.delenv(name, raising=False)
    return env


def test_a_good_set_up_has_no_fault(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 1
    assert "FAIL" in (said := capsys.readouterr().out)
    assert "Run `pbxapi migrate`" in said
    assert main(["migrate"]) == 0
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "FAIL" not in said
    assert "calls.originate" in said


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("AMI_SECRET=wrong-secret", "refuses user demo"),
        ("AMI_PORT=1", "no answer"),
        ("AMI_USERNAME=\nAMI_CONF_PATH=missing.conf", "no user for the manager is configured"),
    ],
)
def test_what_is_wrong_with_the_manager_is_named(
    configured: Path, line: str, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configured.write_text(configured.read_text() + line + "\n")
    main(["migrate"])
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert fault in said
    assert "write = system,call,originate,reporting" in said or "AMI_PORT" in said
    assert "wrong-secret" not in said


def test_serve_refuses_a_store_with_no_tables(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve"]) == 2
    assert "run `pbxapi migrate`" in capsys.readouterr().err


def test_migrate_says_what_it_cannot_reach_without_the_password(
    configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured.write_text(configured.read_text() + "STORE_URL=mysql+pymysql://u:hunter2@127.0.0.1:1/x\n")
    assert main(["migrate"]) == 2
    said = capsys.readouterr()
    assert "STORE_URL" in said.err
    assert "hunter2" not in said.err + said.out


def test_migrate_takes_the_tables_away_again(configured: Path) -> None:
    assert main(["migrate"]) == 0
    assert main(["migrate", "--to", "base"]) == 0
    assert main(["migrate", "--to", "nowhere"]) == 2
