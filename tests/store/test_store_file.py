from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pbxapi.errors import Unavailable
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


def test_a_connection_that_was_opened_while_the_file_was_read_only_is_not_kept(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    with store.begin() as connection:
        # As SQLite opens a file that it may not write.
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(Unavailable):
        store.changes.begin(["200"])
    assert store.changes.begin(["200"])
    store.close()
