"""Without the real components: tests are skipped or fail, and what is half there is never taken for a server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.real import fetch, required


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PBXAPI_REAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PBXAPI_REQUIRE_REAL", raising=False)


def test_a_test_without_its_server_is_skipped_and_says_how_to_get_it() -> None:
    with pytest.raises(pytest.skip.Exception, match="Asterisk 22 is missing: run `make real`"):
        required.unpacked_asterisk("22")


def test_a_test_without_its_program_is_skipped_and_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(required, "PACKAGES", {"no-such-program": "no-such-package"})
    with pytest.raises(pytest.skip.Exception, match="apt install no-such-package"):
        required.program("no-such-program")


def test_a_test_without_its_server_fails_where_real_tests_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBXAPI_REQUIRE_REAL", "1")
    # Both are caught: a skip that came through would only skip this test.
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception), match="Asterisk 22 is missing") as caught:
        required.unpacked_asterisk("22")
    assert caught.type is pytest.fail.Exception


def test_a_server_counts_as_fetched_only_with_the_stamp_of_this_release() -> None:
    folder = fetch.cache_folder() / "asterisk-22"
    (folder / "root").mkdir(parents=True)
    assert fetch.fetched("22") is None
    (folder / "stamp").write_text("of another time\n")
    assert fetch.fetched("22") is None
    (folder / "stamp").write_text(fetch.RELEASES["22"].stamp)
    assert fetch.fetched("22") == folder / "root"


def test_the_mirror_is_the_one_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBIAN_MIRROR", "http://mirror.example/debian/")
    assert fetch.mirror() == "http://mirror.example/debian"


def test_a_host_without_apt_is_told_so_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, fetch.__file__],
        env={"PATH": str(tmp_path), "PBXAPI_REAL_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("fetch: apt-get is missing")
    assert done.stderr.count("\n") == 1
