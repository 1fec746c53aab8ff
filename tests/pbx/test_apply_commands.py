"""The platforms' commands: scripts on disk in their place, a real database, and the demo exchange to answer."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from pbxapi.ami import Client, ClientConfig
from pbxapi.pbx import apply_commands
from pbxapi.pbx.apply_commands import OWNER, PROGRAMS, NeedReload, PlatformCommand
from pbxapi.pbx.platform import PlatformLook

Make = Callable[..., PlatformCommand]


@pytest.fixture
def make(tables: Engine, demo_ami: Client, tmp_path: Path) -> Make:
    """A command that is found by the platform's own setting; the script is given."""

    def made(script: str, name: str = "fwconsole", platform: str = "freepbx", mode: int = 0o755) -> PlatformCommand:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        program.chmod(mode)
        table, setting = ("freepbx_settings", "AMPSBIN") if platform == "freepbx" else ("issabelpbx_settings", "AMPBIN")
        with tables.begin() as connection:
            connection.execute(
                text(f"INSERT INTO {table} (keyword, value) VALUES (:name, :folder)"),
                {"name": setting, "folder": str(tmp_path)},
            )
        return PlatformCommand(platform, PlatformLook(tables, platform), (), demo_ami)

    return made


@pytest.mark.parametrize(("platform", "name"), [("freepbx", "fwconsole"), ("issabel", "module_admin")])
def test_each_platform_has_its_program_and_says_which(make: Make, tmp_path: Path, platform: str, name: str) -> None:
    command = make('echo "$@" > arguments; echo Successfully reloaded', name, platform)
    assert command.run(10) == (True, None)
    assert (tmp_path / "arguments").read_text() == "reload\n"
    assert command.method == f"{name} reload"
    assert command.why_not() is None


def test_one_that_fails_with_status_0_has_failed_and_the_log_has_its_words(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    command = make("echo 'Error(s) have occured: Unable to connect with password=hunter2'")
    ok, reason = command.run(10)
    assert not ok
    assert reason == "fwconsole says that it failed: the log of this API has its words"
    assert "Unable to connect" in caplog.text
    assert "hunter2" not in caplog.text


def test_one_that_takes_too_long_is_stopped(make: Make) -> None:
    assert make("echo Successfully reloaded; exec sleep 60").run(0.3) == (
        False,
        "fwconsole did not end within 0.3 seconds and was stopped",
    )


def test_one_that_meets_another_reload_is_tried_again(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply_commands, "PAUSE", 0.01)
    command = make(
        "echo x >> tries\n"
        '[ $(wc -l < tries) -gt 2 ] && { echo "Reload Complete"; exit 0; }\n'
        'echo \'{"error":"Process is already running.","trace":"Process ID : 7"}\'; exit 255'
    )
    assert command.run(20) == (True, None)
    assert (tmp_path / "tries").read_text() == "x\n" * 3


def test_one_that_meets_another_reload_until_its_time_is_over_has_failed(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply_commands, "PAUSE", 0.01)
    command = make('echo \'{"error":"Process is already running."}\'; exit 255')
    assert command.run(0.2)[0] is False


def test_asterisk_has_to_answer_afterwards(tables: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_commands, "ANSWERS", 0.1)
    program = tmp_path / "apply"
    program.write_text("#!/bin/sh\necho Successfully reloaded\n")
    program.chmod(0o755)
    # Port 1: nobody listens there.
    ami = Client(ClientConfig(port=1, username="demo", secret="demo"))
    command = PlatformCommand("freepbx", PlatformLook(tables, "freepbx"), [str(program)], ami)
    assert command.run(10) == (False, "the configuration was written, and Asterisk does not answer")
    ami.close()


def test_a_program_that_is_not_there_or_may_not_be_run_is_told_without_its_path(make: Make, tmp_path: Path) -> None:
    command = make("exit 0")
    (tmp_path / "fwconsole").unlink()
    for ready in (lambda: None, lambda: (tmp_path / "fwconsole").write_text("x"), (tmp_path / "fwconsole").mkdir):
        (tmp_path / "fwconsole").unlink(missing_ok=True)
        ready()
        assert command.why_not() == "fwconsole is not there, or may not be run by this API's user: see APPLY_COMMAND"
        assert command.run(10) == (False, command.why_not())


def test_what_is_no_program_at_all_cannot_be_started(make: Make, tmp_path: Path) -> None:
    command = make("exit 0")
    (tmp_path / "fwconsole").write_bytes(b"\x7fELF")
    assert command.run(10) == (False, "fwconsole cannot be started")


def test_apply_command_goes_before_the_platforms_own_and_gets_its_arguments(
    tables: Engine, demo_ami: Client, tmp_path: Path
) -> None:
    program = tmp_path / "own"
    program.write_text(f'#!/bin/sh\necho "$1|$2" > {tmp_path}/arguments\n')
    program.chmod(0o755)
    command = PlatformCommand("freepbx", PlatformLook(tables, "freepbx"), [str(program), "a b", "$(id)"], demo_ami)
    assert command.run(10) == (True, None)
    assert (tmp_path / "arguments").read_text() == "a b|$(id)\n"
    assert (command.method, command.why_not()) == ("APPLY_COMMAND", None)


SUDO = """#!/bin/sh
printf '%s\\n' "$*" >> {folder}/sudo.log
[ -e {folder}/denied ] && {{ echo "sudo: a password is required" >&2; exit 1; }}
[ "$4" = -l ] && exit 0
shift 3
exec "$@"
"""


@pytest.fixture
def another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be neither root nor asterisk, with a sudo of our own."""
    sudo = tmp_path / "sudo"
    sudo.write_text(SUDO.format(folder=tmp_path))
    sudo.chmod(0o755)
    monkeypatch.setattr(apply_commands, "PATH", str(tmp_path))
    monkeypatch.setattr(apply_commands, "user_name", lambda: "pbxapi")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)


@pytest.mark.usefixtures("another_user")
def test_another_user_goes_through_sudo_as_the_platforms_user(make: Make, tmp_path: Path) -> None:
    command = make("echo Successfully reloaded")
    assert command.why_not() is None
    assert command.run(10) == (True, None)
    program = tmp_path / "fwconsole"
    assert (tmp_path / "sudo.log").read_text() == (
        f"-n -u asterisk -l {program} reload\n-n -u asterisk {program} reload\n"
    )


@pytest.mark.usefixtures("another_user")
def test_a_sudo_that_refuses_is_told_with_the_way_out(make: Make, tmp_path: Path) -> None:
    command = make("echo Successfully reloaded")
    (tmp_path / "denied").touch()
    assert command.why_not() == "sudo does not allow fwconsole: see deploy/sudoers-pbxapi"
    assert command.run(10) == (False, "the user that this API runs as may not run fwconsole: see deploy/sudoers-pbxapi")
    (tmp_path / "sudo").unlink()
    assert command.why_not() == "fwconsole has to run as root or asterisk, and there is no sudo here"


@pytest.mark.usefixtures("another_user")
def test_the_platforms_own_user_needs_no_sudo(make: Make, tables: Engine, tmp_path: Path) -> None:
    command = make("echo Successfully reloaded")
    with tables.begin() as connection:
        connection.execute(text("INSERT INTO freepbx_settings (keyword, value) VALUES ('AMPASTERISKUSER', 'pbxapi')"))
    assert command.run(10) == (True, None)
    assert not (tmp_path / "sudo.log").exists()


def test_the_flag_is_read_and_set_and_made_where_it_is_missing(tables: Engine) -> None:
    flag = NeedReload(tables)
    assert not flag.is_set()
    flag.set()
    assert flag.is_set()
    with tables.begin() as connection:
        connection.execute(text("DELETE FROM admin"))
    assert not flag.is_set()
    flag.set()
    flag.set()
    with tables.begin() as connection:
        assert connection.execute(text("SELECT variable, value FROM admin")).all() == [("need_reload", "true")]


def test_the_database_being_away_is_a_reason_and_no_error(
    tmp_path: Path, demo_ami: Client, caplog: pytest.LogCaptureFixture
) -> None:
    from pbxapi.db.engine import sqlite_engine

    away = sqlite_engine(str(tmp_path / "missing" / "platform.db"))
    command = PlatformCommand("freepbx", PlatformLook(away, "freepbx"), (), demo_ami)
    caplog.set_level(logging.CRITICAL, "pbxapi.db")
    ok, reason = command.run(10)
    assert not ok
    assert reason == command.why_not()
    assert str(tmp_path) not in str(reason)
    away.dispose()


SUDOERS = Path(__file__).parents[2] / "deploy" / "sudoers-pbxapi"


def test_the_line_for_sudo_allows_these_two_commands_and_nothing_else() -> None:
    lines = [line for line in SUDOERS.read_text().splitlines() if line and not line.startswith("#")]
    allowed = [f"{folder}/{program} reload" for _, folder, program in PROGRAMS.values()]
    assert lines == [
        "Defaults:pbxapi !requiretty",
        f"pbxapi ALL = ({OWNER}) NOPASSWD: {', '.join(allowed)}",
    ]


@pytest.mark.skipif(shutil.which("visudo") is None, reason="there is no visudo here")
def test_sudo_takes_the_file(tmp_path: Path) -> None:
    copy = tmp_path / "sudoers"
    copy.write_bytes(SUDOERS.read_bytes())
    copy.chmod(0o440)
    subprocess.run(["visudo", "-cf", str(copy)], check=True, capture_output=True)
