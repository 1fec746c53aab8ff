"""What the C library is told before the workers begin."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

# Threads that are there together, each with memory from the C library: more than 512 bytes are not Python's own.
LOOK = """
import ctypes, sys, threading
from pbxapi import serve
if sys.argv[1] == "one":
    serve._share_one_heap()
barrier = threading.Barrier(6)
def work():
    barrier.wait()
    kept = [bytes(5000) for _ in range(50)]
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
told = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, told)
libc.fclose(told)
"""


def heaps(how: str, told: Path) -> int:
    subprocess.run([sys.executable, "-c", LOOK, how, str(told)], check=True, timeout=30)
    return told.read_text().count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a matter of glibc")
def test_threads_share_one_heap(tmp_path: Path) -> None:
    assert heaps("many", tmp_path / "many") > 1
    assert heaps("one", tmp_path / "one") == 1
