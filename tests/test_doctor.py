"""`pbxapi doctor`, `migrate` and what `serve` refuses, over the demo exchange."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pbxapi.cli import main
from pbxapi.demo.exchange import DemoExchange
from tests.things_cdr import CdrFile, row

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
    for name in (
        "API_SECRET_KEY",
        "AMI_PORT",
        "AMI_USERNAME",
        "AMI_SECRET",
        "STORE_URL",
        "PBX_DRIVER",
        "CDR_DATABASE_URL",
    ):
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


@pytest.fixture
def records(configured: Path, tmp_path: Path) -> Iterator[CdrFile]:
    file = CdrFile(tmp_path / "cdr.db")
    folder = tmp_path / "monitor"
    folder.mkdir()
    configured.write_text(
        f"{configured.read_text()}CDR_DATABASE_URL=sqlite:///{file.path}\nRECORDINGS_PATH={folder}\n"
        "PBX_TIMEZONE=Europe/Berlin\n"
    )
    yield file
    file.close()


def test_indexes_that_would_help_are_named_with_their_statement(
    records: CdrFile, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["migrate"])
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "CREATE INDEX src_calldate ON cdr (src, calldate);" in said
    assert "CREATE INDEX disposition_calldate ON cdr (disposition, calldate);" in said
    assert "(dst)" not in said
    records.run("CREATE INDEX mine ON cdr (src, calldate)")
    main(["doctor"])
    assert "src_calldate" not in capsys.readouterr().out


@pytest.mark.parametrize(("hour", "fault"), [("20", False), ("19", True)])
def test_a_wrong_time_zone_is_seen(
    records: CdrFile, capsys: pytest.CaptureFixture[str], hour: str, fault: bool
) -> None:
    # The channel was made at 20:49:01 in Berlin.
    records.add(*[row(n=n, calldate=f"2026-11-22 {hour}:49:01") for n in range(3)])
    main(["migrate"])
    assert main(["doctor"]) == int(fault)
    assert ("PBX_TIMEZONE" in capsys.readouterr().out) == fault


def test_call_records_that_cannot_be_read_are_a_fault(
    configured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured.write_text(f"{configured.read_text()}CDR_DATABASE_URL=sqlite:///{tmp_path}/none.db\n")
    main(["migrate"])
    assert main(["doctor"]) == 1
    assert "FAIL  call records" in capsys.readouterr().out
