from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pbxapi.store import Store
from pbxapi.store.migrate import migrate


def test_a_store_is_made_so_that_others_cannot_read_it(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) & 0o007 == 0
    store.close()


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
def test_a_url_without_a_driver_means_the_one_that_is_installed(scheme: str) -> None:
    assert Store(f"{scheme}://user@127.0.0.1/pbxapi").engine.url.drivername == f"{scheme}+pymysql"
