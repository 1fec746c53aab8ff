"""Start, stop and break an Asterisk of our own: its own folder, free ports, loopback only, any user."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.real.configuration import Database, Ports, write_configuration
from tests.real.raw_manager import RawManager

BOOT_SECONDS = 30
STOP_SECONDS = 10


class Asterisk:
    """One server process and its folder. ``version`` is "22" or "16"; ``root`` is where fetch.py unpacked it."""

    def __init__(
        self,
        version: str,
        root: Path,
        folder: Path,
        *,
        database: Database | None = None,
        more: Mapping[str, str] | None = None,
        templates: Sequence[str] = (),
    ) -> None:
        """Write the configuration; ``more`` appends to files of it (``{"pjsip.conf": ...}``).

        ``templates`` are folders of ``conf/`` whose files replace the usual ones.
        """
        self.version = version
        self.folder = folder
        self.database = database
        self.ports = Ports.free()
        self.boots = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False
        write_configuration(folder, root, self.ports, version, database, more or {}, templates)
        libraries = [root / "usr/lib", *root.glob("usr/lib/*-linux-gnu*")]
        # The suite's own loader and libraries: this host's may be older.
        loader = next(path for path in sorted(root.glob("usr/lib*/**/ld-linux*.so.*")))
        self._program = [
            *(str(loader), "--inhibit-cache", "--library-path", ":".join(map(str, libraries))),
            *(str(root / "usr/sbin/asterisk"), "-C", str(folder / "etc/asterisk.conf")),
        ]

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"Asterisk {self.version} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def ca_file(self) -> Path:
        """The certificate that a client of the TLS port must trust."""
        return self.folder / "tls/ca.pem"

    @property
    def recordings(self) -> Path:
        return self.folder / "spool/monitor"

    def log(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "log/full").read_text(errors="replace")
        return ""

    def start(self) -> None:
        """Start, the second time on the same ports, and wait until it is fully booted (0.5 s)."""
        etc = self.folder / "etc"
        env = os.environ | {"ODBCSYSINI": str(etc), "ODBCINI": str(etc / "odbc.ini"), "LC_ALL": "C.UTF-8"}
        with (self.folder / "log/console").open("ab") as console:
            self._process = subprocess.Popen(
                [*self._program, "-f"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=env,
                start_new_session=True,
            )
        try:
            self._wait_booted(time.monotonic() + BOOT_SECONDS)
        except BaseException:
            self.kill()
            raise
        self.boots += 1

    def _wait_booted(self, deadline: float) -> None:
        while True:
            if not self.running:
                console = (self.folder / "log/console").read_text(errors="replace")
                raise RuntimeError(f"Asterisk {self.version} ended while it started:\n{console[-2000:]}")
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"Asterisk {self.version} has not booted in {BOOT_SECONDS} s: {self.log()[-2000:]}")
            # Sent at each login, once the server is up (res_manager: FullyBooted).
            with contextlib.suppress(OSError), RawManager(self.ports.ami, events="on", timeout=left) as manager:
                manager.wait_event("FullyBooted")
                return
            time.sleep(0.02)

    def stop(self) -> None:
        """End in order (SIGTERM), by force after 10 s."""
        if self.running and self._process is not None:
            self.resume()
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """End at once, as a crash does (SIGKILL): no logoff, no BYE."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        self._process = None
        self._paused = False

    def pause(self) -> None:
        """Freeze (SIGSTOP): ports still accept, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        """Go on after ``pause()``."""
        if self._paused:
            os.kill(self.pid, signal.SIGCONT)
            self._paused = False

    def ensure_running(self) -> None:
        """Undo whatever a test did: start again when it is down, go on when it is paused."""
        if self.running:
            self.resume()
        else:
            self.start()

    def command(self, line: str) -> str:
        """Run one CLI command in the server and return what it prints."""
        done = subprocess.run([*self._program, "-r", "-x", line], capture_output=True, timeout=10, check=True)
        return done.stdout.decode("utf-8", "replace")
