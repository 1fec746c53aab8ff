"""The programs by which FreePBX and Issabel apply their configuration, and whether they did.

Exit status 0 means nothing: `fwconsole reload` of FreePBX 14 and `module_admin reload` of Issabel have it also when
they failed (seen on both). So what they print counts, their flag afterwards, and whether Asterisk answers.
"""

from __future__ import annotations

import logging
import os
import pwd
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from pbxapi.ami import AmiError, Client
from pbxapi.db.engine import connect
from pbxapi.db.platform_tables import admin
from pbxapi.errors import PbxError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from pbxapi.pbx.applying import PendingFlag
    from pbxapi.pbx.platform import PlatformLook

log = logging.getLogger("pbxapi.apply")

FAILED = re.compile(r"error\(s\) have occur|aborting reload|fatal error|uncaught |exception:|\"error\"\s*:", re.I)
ALREADY = re.compile(r"process is already running|already running a reload", re.I)
"""FreePBX 15 and up holds a lock while it reloads, and a second one goes away at once."""

ALREADY_PAUSE = 0.5
TAIL = 64 * 1024
"""Bytes of the output that are looked at: the end says how it went."""

LOGGED = 2000
SECRETS = re.compile(r"(?i)((?:pass\w*|secret|token|key)\W{1,4})\S+")

DIRECT = frozenset({"root", "asterisk"})
"""Users as whom the platforms' programs run; others need sudo, with the line that `deploy/` has."""

PROGRAMS = {
    "freepbx": ("AMPSBIN", "/usr/sbin", "fwconsole"),
    "issabel": ("AMPBIN", "/var/lib/asterisk/bin", "module_admin"),
}
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class NeedReload:
    """`admin.need_reload` of FreePBX and Issabel. Raises Unavailable and Timeout."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def is_set(self) -> bool:
        """Whether something waits to be applied."""
        with connect(self._engine) as connection:
            statement = select(admin.c.value).where(admin.c.variable == "need_reload")
            return connection.execute(statement).scalar() == "true"

    def set(self) -> None:
        """Mark it."""
        with connect(self._engine) as connection:
            connection.execute(update(admin).where(admin.c.variable == "need_reload").values(value="true"))
            connection.commit()


class PlatformCommand:
    """`fwconsole reload` or `module_admin reload`, or what APPLY_COMMAND names: a list of arguments, never a shell."""

    def __init__(self, platform: str, look: PlatformLook, given: Sequence[str], ami: Client, flag: PendingFlag) -> None:
        self.method = "command"
        self._platform = platform
        self._look = look
        self._given = tuple(given)
        self._ami = ami
        self._flag = flag

    def _arguments(self) -> list[str]:
        if self._given:
            return list(self._given)
        setting, default, program = PROGRAMS[self._platform]
        folder = self._look.now().settings.get(setting) or default
        command = [f"{folder}/{program}", "reload"]
        return command if _user() in DIRECT else ["sudo", "-n", *command]

    def why_not(self) -> str | None:
        """Whether the program is there and may be run, as far as that can be told without running it."""
        try:
            program = next(argument for argument in self._arguments() if argument.startswith("/"))
        except PbxError as error:
            return str(error)
        if not os.access(program, os.X_OK):
            return "the program that applies the configuration is not there, or may not be run: see APPLY_COMMAND"
        return None

    def run(self, timeout: float) -> tuple[bool, str | None]:
        """Run it, and see whether it did what it says."""
        deadline = time.monotonic() + timeout
        try:
            command = self._arguments()
            while True:
                status, output = _output(command, deadline)
                if not ALREADY.search(output) or time.monotonic() + ALREADY_PAUSE > deadline:
                    break
                time.sleep(ALREADY_PAUSE)
            return self._judge(status, output)
        except subprocess.TimeoutExpired:
            return False, f"the platform's reload did not end within {timeout:g} s"
        except (FileNotFoundError, PermissionError):
            return False, "the program that applies the configuration is not there, or may not be run"
        except (OSError, PbxError) as error:
            return False, f"the configuration could not be applied ({type(error).__name__})"

    def _judge(self, status: int, output: str) -> tuple[bool, str | None]:
        log.debug("the reload printed: %s", _shown(output))
        reason = None
        if FAILED.search(output):
            reason = "the platform says that its reload failed"
        elif status != 0:
            reason = f"the platform's reload ended with status {status}"
        elif self._flag.is_set():
            reason = "the platform's reload ended, and the platform still says that one is needed"
        else:
            try:
                self._ami.request("Ping")
            except AmiError:
                reason = "the platform's reload ended, and Asterisk does not answer"
        if reason is not None:
            log.error("%s: %s", reason, _shown(output))
        return reason is None, reason


def _output(command: Sequence[str], deadline: float) -> tuple[int, str]:
    """Run a program to its end; gives its status and the end of what it printed. Raises TimeoutExpired and OSError."""
    # To a file, not a pipe: a child that it leaves behind must not keep us waiting.
    with tempfile.TemporaryFile() as printed:
        home = pwd.getpwuid(os.geteuid()).pw_dir
        process = subprocess.Popen(  # noqa: S603  (configured by the administrator, or fixed above)
            command, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT,
            env=ENVIRONMENT | {"HOME": home}, start_new_session=True,
        )  # fmt: skip
        try:
            status = process.wait(max(0.0, deadline - time.monotonic()))
        except BaseException:
            # What runs as root through sudo is not ours to kill.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
            raise
        size = printed.seek(0, os.SEEK_END)
        printed.seek(max(0, size - TAIL))
        return status, printed.read().decode("utf-8", "replace")


def _shown(output: str) -> str:
    return SECRETS.sub(r"\1...", output[-LOGGED:].strip())


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""
