"""`pbxapi serve` in a process of its own, as somebody would start it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY = "0123456789abcdef"


def run(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pbxapi", *arguments]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("API_", "AMI_", "STORE_"))}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**plain, **environ}, timeout=60, check=False
    )


@contextmanager
def serving(folder: Path, *arguments: str, **more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve on a free port, and give the address it says it listens at."""
    assert run("migrate", cwd=folder, API_SECRET_KEY=KEY).returncode == 0
    command = [sys.executable, "-m", "pbxapi", "serve", "--bind", "127.0.0.1:0", *arguments]
    environ = {**os.environ, "API_SECRET_KEY": KEY, "HOME": str(folder), "LOG_PATH": str(folder / "log"), **more}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder, env=environ) as process:
        try:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if "Listening at" in line:
                    break
            found = re.search(r"Listening at: (http://\S+)", said)
            assert found, said
            yield found.group(1), process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def status(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
