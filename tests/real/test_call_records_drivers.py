"""Call records through each platform's driver, with the login of its own file and no setting of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pbxapi.settings import Settings
from tests.real.api import KEY, Api, app_for
from tests.real.cdr_table import CdrTable, database_url
from tests.real.mariadb import MariaDB
from tests.things_cdr import row

NAME = "asteriskcdrdb"
ROWS = [row(n=n, calldate=f"2026-11-22 19:49:{n:02d}") for n in range(5)]


@pytest.fixture(params=["freepbx17", "freepbx13", "issabel5", "issabel4"])
def platform(request: pytest.FixtureRequest, mariadb: MariaDB) -> Iterator[CdrTable]:
    """The database as the platform names it, on a server that is used by nobody else meanwhile."""
    mariadb.run(f"DROP DATABASE IF EXISTS {NAME}")
    made = CdrTable(mariadb, f"{request.param}-InnoDB-utf8mb4", NAME)
    made.add(*ROWS)
    yield made
    made.close()
    mariadb.run(f"DROP DATABASE {NAME}")


@pytest.fixture
def built(tmp_path: Path) -> Iterator[Callable[..., Api]]:
    made: list[Api] = []

    def build(**environ: str) -> Api:
        common = {
            "API_SECRET_KEY": KEY, "AMI_USERNAME": "nobody", "STORE_URL": f"sqlite:///{tmp_path}/store.db",
            "PBX_TIMEZONE": "Europe/Berlin", "CDR_ROLL_UP": "false", "ACCESS_LOG": "false",
        }  # fmt: skip
        made.append(Api(app_for(Settings.from_environ({**common, **environ}))))
        return made[-1]

    yield build
    for api in made:
        api.close()


def conf_of(platform: CdrTable, folder: Path) -> dict[str, str]:
    """The driver's name, and where it finds a login as the platform writes it."""
    place = platform.place
    if platform.variant.startswith("freepbx"):
        values = {"HOST": place.host, "PORT": str(place.port), "USER": place.user, "PASS": place.password}
        lines = "".join(f"$amp_conf['AMPDB{name}'] = '{value}';\n" for name, value in values.items())
        (folder / "freepbx.conf").write_text(f"<?php\n{lines}require_once('/var/www/html/admin/bootstrap.php');\n")
        return {"PBX_DRIVER": "freepbx", "FREEPBX_CONF_PATH": str(folder / "freepbx.conf")}
    (folder / "issabel.conf").write_text(f"mysqlrootpwd={place.password}\ncyrususerpwd=x\namiadminpwd=y\n")
    # Issabel's file holds a password alone: the user and the port are settings, root and 3306 by default.
    return {
        "PBX_DRIVER": "issabel", "ISSABEL_CONF_PATH": str(folder / "issabel.conf"), "DB_HOST": place.host,
        "DB_PORT": str(place.port), "DB_USERNAME": place.user,
    }  # fmt: skip


def test_the_platforms_own_login_reads_its_records(
    platform: CdrTable, built: Callable[..., Api], tmp_path: Path
) -> None:
    api = built(**conf_of(platform, tmp_path))
    first = api.get("/cdr?limit=3")
    rest = api.get(f"/cdr?limit=3&cursor={first['next']}")
    assert [item["uniqueid"] for item in first["items"] + rest["items"]] == [r["uniqueid"] for r in reversed(ROWS)]
    assert first["items"][0]["calldate"] == "2026-11-22T19:49:04+01:00"
    assert [call["status"] for call in api.items("/cdr?group=call")] == ["completed"] * 5
    assert len(api.items("/cdr/1795376941.3")) == 1
    assert api.get("/cdr/1795376941.3/journey")["source"] == "cdr"
    assert api.get("/health/ready", status=503)["parts"]["call_records"] == "ok"  # no manager is there


def test_a_url_of_our_own_goes_before_the_platforms_login(
    platform: CdrTable, cdr_tables: Callable[[str], CdrTable], built: Callable[..., Api], tmp_path: Path
) -> None:
    replica = cdr_tables("freepbx17-InnoDB-utf8mb4")
    replica.add(row(n=77))
    api = built(**conf_of(platform, tmp_path), CDR_DATABASE_URL=database_url(replica.place))
    assert [item["sequence"] for item in api.items("/cdr")] == [77]
