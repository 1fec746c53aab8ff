"""What a real test needs of this machine, and what happens when it is not there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from tests.real import fetch

PACKAGES = {
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
    "nginx": "nginx",
    "initdb": "postgresql",
    "postgres": "postgresql",
    "sipp": "sip-tester",
    "bash": "bash",
    "curl": "curl",
    "jq": "jq",
    "php": "php-cli",
    "redis-server": "redis-server",
}


def missing(what: str, how: str) -> NoReturn:
    """Skip the test; fail it under ``PBXAPI_REQUIRE_REAL=1``."""
    reason = f"{what} is missing: {how}"
    if os.environ.get("PBXAPI_REQUIRE_REAL") == "1":
        pytest.fail(f"PBXAPI_REQUIRE_REAL=1, and {reason}", pytrace=False)
    pytest.skip(reason)


def find_program(name: str) -> str | None:
    """Return the path of a program, or None; Debian keeps servers where a plain user's PATH does not look."""
    # Of PostgreSQL there may be several, each in a folder of its own.
    more = ["/usr/sbin", "/sbin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)]
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *more]))


def program(name: str) -> str:
    return find_program(name) or missing(name, f"apt install {PACKAGES[name]}")


def unpacked_asterisk(version: str) -> Path:
    return fetch.fetched(version) or missing(f"Asterisk {version}", "run `make real`")
