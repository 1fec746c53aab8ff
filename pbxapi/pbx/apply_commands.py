"""How FreePBX and Issabel are told to write their configuration and to let Asterisk load it."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from pbxapi.ami import AmiError, Client
from pbxapi.db.engine import connect
from pbxapi.db.platform_tables import admin
from pbxapi.errors import NotSupported, PbxError
from pbxapi.pbx.apply_output import for_the_log, is_busy, why_failed
from pbxapi.pbx.run_program import PATH, run_program, user_name

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from pbxapi.pbx.platform import PlatformLook

log = logging.getLogger("pbxapi.apply")

PROGRAMS = {
    "freepbx": ("AMPSBIN", "/usr/sbin", "fwconsole"),
    "issabel": ("AMPBIN", "/var/lib/asterisk/bin", "module_admin"),
}
"""The setting that says where it is, where it usually is, and what it is called."""

OWNER = "asterisk"
"""The user of Asterisk and of the platform: what AMPASTERISKUSER says, unless it says nothing."""

PAUSE = 0.5
"""Seconds between two tries while another reload is under way."""

ANSWERS = 10.0
"""Seconds that Asterisk is given to answer after it was reloaded."""

SUDO_TIMEOUT = 5.0


class NeedReload:
    """`admin.need_reload` of FreePBX and Issabel. Raises Unavailable and Timeout."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def is_set(self) -> bool:
        """Whether something waits to be applied."""
        with connect(self._engine) as connection:
            wanted = select(admin.c.value).where(admin.c.variable == "need_reload")
            return bool(connection.execute(wanted).scalar() == "true")

    def set(self) -> None:
        """Mark it. The row is not there before the first reload."""
        with connect(self._engine) as connection:
            marked = update(admin).where(admin.c.variable == "need_reload").values(value="true")
            if connection.execute(marked).rowcount == 0:
                connection.execute(insert(admin).values(variable="need_reload", value="true"))
            connection.commit()


class PlatformCommand:
    """`fwconsole reload`, `module_admin reload`, or what APPLY_COMMAND names instead: a list, and never a shell.

    Run as root or as the platform's user it is run as it is, else by sudo as the platform's user; `deploy/` has the
    line for sudoers. Whether it did what it says is for `Applier` to see in the platform's flag; here counts what it
    prints, and that Asterisk answers afterwards.
    """

    def __init__(self, platform: str, look: PlatformLook, given: Sequence[str], ami: Client) -> None:
        self._setting, self._folder, program = PROGRAMS[platform]
        self._name = Path(given[0]).name if given else program
        self._look = look
        self._given = list(given)
        self._ami = ami

    @property
    def method(self) -> str:
        """What is run, without its folder."""
        return "APPLY_COMMAND" if self._given else f"{self._name} reload"

    def why_not(self) -> str | None:
        """Why it cannot be run, in words for a caller; None when it can, as far as can be told without running it."""
        try:
            sudo, words = self._words()
            if not sudo:
                return None
            allowed = run_program([*sudo, "-l", *words], SUDO_TIMEOUT)
        except (PbxError, OSError) as error:
            return str(error) if isinstance(error, PbxError) else "sudo cannot be run here"
        return None if allowed.status == 0 else f"sudo does not allow {self._name}: see deploy/sudoers-pbxapi"

    def run(self, timeout: float) -> tuple[bool, str | None]:
        """Run it, again while another reload is under way; gives whether it seems to have worked, and if not why."""
        deadline = monotonic() + timeout
        try:
            sudo, command = self._words()
            words = [*sudo, *command]
            ended = run_program(words, timeout)
            while is_busy(ended) and monotonic() + PAUSE < deadline:
                sleep(PAUSE)
                ended = run_program(words, deadline - monotonic())
        except PbxError as error:
            return False, str(error)
        except OSError as error:
            log.error("%s cannot be started: %s", self._name, error.strerror)  # noqa: TRY400
            return False, f"{self._name} cannot be started"
        reason = why_failed(ended, self._name, timeout)
        if reason is None and not self._answers():
            reason = "the configuration was written, and Asterisk does not answer"
        (log.debug if reason is None else log.error)(
            "%s: status %s, it printed: %s", reason or self.method, ended.status, for_the_log(ended.output)
        )
        return reason is None, reason

    def _words(self) -> tuple[list[str], list[str]]:
        """What has to stand before the command, and the command.

        Raises NotSupported when there is no such program, Unavailable and Timeout.
        """
        if self._given:
            _check_program(self._given[0], self._name)
            return [], self._given
        settings = self._look.now().settings
        words = [str(Path("/", settings.get(self._setting) or self._folder, self._name)), "reload"]
        owner = settings.get("AMPASTERISKUSER") or OWNER
        if os.geteuid() == 0 or user_name() == owner:
            _check_program(words[0], self._name)
            return [], words
        sudo = shutil.which("sudo", path=PATH)
        if sudo is None:
            raise NotSupported(f"{self._name} has to run as root or {owner}, and there is no sudo here")
        return [sudo, "-n", "-u", owner], words

    def _answers(self) -> bool:
        """Whether Asterisk answers, after a while: a reload may keep it busy, or end our session."""
        deadline = monotonic() + ANSWERS
        while True:
            try:
                self._ami.request("Ping", timeout=max(0.1, deadline - monotonic()))
            except AmiError as error:
                log.info("Asterisk does not answer after its reload: %s", error)
            else:
                return True
            if monotonic() + PAUSE > deadline:
                return False
            sleep(PAUSE)


def _check_program(path: str, name: str) -> None:
    if not os.access(path, os.X_OK) or Path(path).is_dir():
        raise NotSupported(f"{name} is not there, or may not be run by this API's user: see APPLY_COMMAND")
