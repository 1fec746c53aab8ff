"""One check by another SIP implementation, so that the phones and the servers are not wrong together."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.real.asterisk import Asterisk
from tests.real.configuration import TEMPLATES
from tests.real.ports import free_ports

USER, PASSWORD = "105", "pw105"


def test_sipp_registers_and_calls(asterisk: Asterisk, sipp: Path, tmp_path: Path) -> None:
    [port] = free_ports(1)

    def run(scenario: str, name: str, value: str) -> None:
        command = [
            *(str(sipp), f"127.0.0.1:{asterisk.ports.sip}", "-sf", str(TEMPLATES / "sipp" / scenario)),
            *("-i", "127.0.0.1", "-p", str(port), "-s", USER, "-au", USER, "-ap", PASSWORD),
            *("-key", name, value, "-m", "1", "-nostdin", "-timeout", "10", "-timeout_error"),
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, f"{scenario}: {done.stdout[-1500:]}{done.stderr[-1500:]}"

    run("register.xml", "expires", "60")
    try:
        run("call.xml", "extension", "600")
    finally:
        run("register.xml", "expires", "0")
