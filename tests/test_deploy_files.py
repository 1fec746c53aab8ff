from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from pbxapi.app import MAX_BODY
from pbxapi.cli import main
from pbxapi.settings import Settings
from tests.real.required import find_program

DEPLOY = Path(__file__).parents[1] / "deploy"


def test_the_files_are_written_out_as_they_are(tmp_path: Path) -> None:
    assert main(["deploy-files", str(tmp_path / "files")]) == 0
    written = {file.relative_to(tmp_path / "files") for file in (tmp_path / "files").rglob("*") if file.is_file()}
    ours = {file.relative_to(DEPLOY) for file in DEPLOY.rglob("*") if file.is_file()}
    assert written == {file for file in ours if file.name != "__init__.py" and "__pycache__" not in file.parts}
    for file in written:
        assert (tmp_path / "files" / file).read_text() == (DEPLOY / file).read_text()
    assert (tmp_path / "files/bin/pbxapi").stat().st_mode & stat.S_IXUSR


def test_no_file_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("mine")
    assert main(["deploy-files", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"{tmp_path}: File exists\n"
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_nginx_waits_longer_and_takes_no_more_than_pbxapi() -> None:
    text = (DEPLOY / "nginx/snippets/pbxapi-proxy.conf").read_text()
    settings = Settings(api_secret_key="k3y-for-tests-of-32-characters")
    assert f"client_max_body_size {MAX_BODY >> 20}m;" in text
    assert f"proxy_read_timeout {settings.provisioning.apply_timeout + settings.records.timeout + 15:.0f}s;" in text


def test_what_is_rotated_is_what_is_written(tmp_path: Path) -> None:
    text = (DEPLOY / "logrotate/pbxapi").read_text()
    logs = [line for line in (DEPLOY / "env").read_text().splitlines() if line.startswith(("LOG_PATH", "AUDIT_LOG"))]
    assert all(line.rpartition("=")[2].startswith("/var/log/pbxapi/") and line.endswith(".log") for line in logs)
    program = find_program("logrotate")
    if program is None:
        pytest.skip("logrotate is missing: apt install logrotate")
    (tmp_path / "conf").write_text(text.replace("/var/log/pbxapi", str(tmp_path)).replace("    su pbxapi pbxapi\n", ""))
    (tmp_path / "pbxapi.log").write_text("a line\n")
    command = [program, "--force", "--state", str(tmp_path / "state"), str(tmp_path / "conf")]
    assert subprocess.run(command, check=False, timeout=20).returncode == 0
    assert (tmp_path / "pbxapi.log.1").read_text() == "a line\n"
    assert (tmp_path / "pbxapi.log").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("variant", ["", "platform", "sudo"])
def test_systemd_takes_the_units_and_finds_them_closed(variant: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing: apt install systemd")
    for name in ("pbxapi.service", "pbxapi.socket"):
        text = (DEPLOY / "systemd" / name).read_text().replace("/opt/pbxapi/current/bin/pbxapi", "/bin/true")
        (tmp_path / name).write_text(text)
    if variant:
        (tmp_path / "pbxapi.service.d").mkdir()
        shutil.copy(DEPLOY / f"systemd/pbxapi.service.d/{variant}.conf", tmp_path / "pbxapi.service.d")
    run = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 30}
    units = ["./pbxapi.service", "./pbxapi.socket"]
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], check=False, **run)  # type: ignore[call-overload]
    assert (verified.returncode, verified.stderr) == (0, "")
    limit = "70" if variant == "sudo" else "20"
    checked = ["systemd-analyze", "security", "--offline=yes", f"--threshold={limit}", units[0]]
    found = subprocess.run(checked, check=False, **run)  # type: ignore[call-overload]
    assert found.returncode == 0, found.stdout
