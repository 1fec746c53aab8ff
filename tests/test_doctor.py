"""`pbxapi doctor`, `migrate` and what `serve` refuses, over the demo exchange."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pbxapi import doctor_files
from pbxapi.cli import main
from pbxapi.demo.exchange import DemoExchange
from tests.things_cdr import CdrFile, row
from tests.things_serve import run

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
        "METRICS_TOKEN",
        "TRUSTED_PROXIES",
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


def test_findings_come_as_json_too(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["migrate"])
    capsys.readouterr()
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["level"] for each in found} == {"fine", "remark"}
    assert all(set(each) == {"level", "what", "advice"} for each in found)


def test_a_configuration_that_cannot_be_used_has_a_status_of_its_own(configured: Path) -> None:
    configured.write_text("API_SECRET_KEY=changeme\n")
    assert main(["doctor"]) == 2


def said_by_doctor(configured: Path, capsys: pytest.CaptureFixture[str], *lines: str) -> str:
    configured.write_text("\n".join([configured.read_text(), *lines, ""]))
    main(["migrate"])
    capsys.readouterr()
    main(["doctor"])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("API_SECRET_KEY=abababababababababababab", "API_SECRET_KEY could be guessed"),
        ("AMI_HOST=192.0.2.1", "192.0.2.1"),
        ("REST_CORS_ORIGINS=*", "REST_CORS_ORIGINS: web pages of any origin"),
    ],
)
def test_what_lets_others_in_is_named(
    configured: Path, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    assert said in said_by_doctor(configured, capsys, line, "AMI_TIMEOUT=0.2")


def test_usual_remarks_go_away_when_they_are_followed(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remarks = ("rate limits: each of 2 workers", "/metrics: answers to this host alone", "?cmd=auth hands out")
    said = said_by_doctor(configured, capsys)
    assert all(each in said for each in remarks)
    said = said_by_doctor(
        configured, capsys, "METRICS_TOKEN=a-token-for-tests-of-32-characters", "LEGACY_AUTH_ENABLED=false",
        "RATE_LIMIT_STORAGE=redis://127.0.0.1:1/0",
    )  # fmt: skip
    assert not any(each in said for each in remarks)


def test_workers_are_those_of_gunicorns_configuration(
    configured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("workers = 9\nthreads = 99\n")
    main(["migrate"])
    main(["doctor", "--config", str(tmp_path / "gunicorn.conf.py")])
    said = capsys.readouterr().out
    assert "each of 9 workers" in said
    assert "99 threads a worker share" in said


@pytest.mark.parametrize("name", ["LOG_PATH", "AUDIT_LOG_PATH"])
def test_a_log_that_cannot_be_written_is_a_fault(
    configured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    said = said_by_doctor(configured, capsys, f"{name}={tmp_path}/none/pbxapi.log")
    assert f"FAIL  {name}" in said


@pytest.fixture
def public(configured: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that everybody may go into, with the configuration in it; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / ".env").write_text(f"{configured.read_text()}STORE_URL=sqlite:///{folder}/store.db\n")
    monkeypatch.chdir(folder)
    yield folder
    shutil.rmtree(folder)


def test_what_everybody_may_read_is_named_with_the_command(public: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["migrate"])
    (public / ".env").chmod(0o644)
    (public / "store.db").chmod(0o644)
    capsys.readouterr()
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "FAIL  .env: every user" in said
    assert f"chmod o-rwx {public}/.env" in said
    assert f"note  {public}/store.db: every user" in said
    (public / ".env").chmod(0o640)
    public.chmod(0o750)
    assert main(["doctor"]) == 0
    assert "every user of this host" not in capsys.readouterr().out


def test_a_disk_that_is_nearly_full_is_named(
    configured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_files, "NEARLY_FULL", 0.0)
    said = said_by_doctor(configured, capsys, f"RECORDINGS_PATH={tmp_path}")
    assert f"note  {tmp_path}: its file system is" in said
    monkeypatch.setattr(doctor_files, "FULL", 0.0)
    assert main(["doctor"]) == 1


def test_serve_refuses_a_store_with_no_tables(configured: Path) -> None:
    refused = run("serve", cwd=configured.parent)
    assert refused.returncode == 2
    assert "run `pbxapi migrate`" in refused.stderr


def test_migrate_says_what_it_cannot_reach_without_the_password(
    configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured.write_text(configured.read_text() + "STORE_URL=mysql+pymysql://u:hunter2@127.0.0.1:1/x\n")
    assert main(["migrate"]) == 2
    said = capsys.readouterr()
    assert "STORE_URL" in said.err
    assert "hunter2" not in said.err + said.out


def test_tables_of_a_newer_version_are_said_to_be_newer(
    configured: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    configured.write_text(configured.read_text() + f"STORE_URL=sqlite:///{tmp_path}/newer.db\n")
    assert main(["migrate"]) == 0
    with closing(sqlite3.connect(tmp_path / "newer.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    refused = run("serve", cwd=tmp_path)
    assert refused.returncode == 2
    assert "of a newer version (9999)" in refused.stderr
    for command in (["migrate"], ["keys", "list"]):
        assert main(command) == 2
        assert "of a newer version (9999)" in capsys.readouterr().err
    assert main(["doctor"]) == 1
    assert "They are of a newer version (9999)." in capsys.readouterr().out


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


def test_an_index_for_journeys_is_named_and_whether_cel_is_written(
    records: CdrFile, capsys: pytest.CaptureFixture[str]
) -> None:
    records.run("CREATE TABLE cel (eventtype, eventtime, channame, uniqueid, linkedid)")
    records.add(row(n=1, calldate="2026-11-22 20:49:01"))
    main(["migrate"])
    main(["doctor"])
    said = capsys.readouterr().out
    assert "CREATE INDEX linkedid ON cel (linkedid);" in said
    assert "CEL is off" not in said

    records.run("CREATE INDEX linkedid_on_cel ON cel (linkedid)")
    main(["doctor"])
    said = capsys.readouterr().out
    assert "ON cel" not in said
    assert "CEL is off" in said

    records.run("INSERT INTO cel SELECT 'CHAN_START', calldate, channel, uniqueid, linkedid FROM cdr")
    main(["doctor"])
    assert "CEL is off" not in capsys.readouterr().out


def test_call_records_that_cannot_be_read_are_a_fault(
    configured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured.write_text(f"{configured.read_text()}CDR_DATABASE_URL=sqlite:///{tmp_path}/none.db\n")
    main(["migrate"])
    assert main(["doctor"]) == 1
    assert "FAIL  call records" in capsys.readouterr().out
