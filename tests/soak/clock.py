"""A wall clock that one process alone goes by, and that the tests move."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class Clock:
    """`variables` are what a process must be started with. Raises OSError where no C compiler can make it."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise OSError("there is no C compiler (apt install gcc libc6-dev)")
        library = folder / "clock.so"
        self._file = folder / "clock"
        self.variables = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self._file)}
        self.move(0)
        made = subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise OSError(f"the clock cannot be compiled: {made.stderr.strip()[-200:]}")
        self._try()

    def move(self, seconds: int) -> None:
        """Put it so far before the clock of this machine, in the midst of whatever is under way."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))

    def _try(self) -> None:
        self.move(7200)
        asked = [
            sys.executable,
            "-c",
            "import datetime, time; time.sleep(0.001); print(datetime.datetime.now().timestamp())",
        ]
        said = subprocess.run(asked, env=os.environ | self.variables, capture_output=True, text=True, check=True).stdout
        self.move(0)
        if abs(float(said) - time.time() - 7200) > 60:
            raise OSError("this Python does not go by the clock that it is given")
