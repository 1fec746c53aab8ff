"""An exchange of FreePBX or Issabel for the tests: its tables, a real Asterisk, and the stand-in for its reload."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pbxapi.settings import Settings
from tests.real import required
from tests.real.api import KEY
from tests.real.asterisk import Asterisk
from tests.real.configuration import TEMPLATES, Database
from tests.real.mariadb import MariaDB
from tests.real.platforms import platform_database
from tests.real.raw_manager import RawManager, hang_up_all
from tests.real.sip_phone import Phone
from tests.real.stand_in.reload import write_program
from tests.real.stand_in.tables import Login

VOICEMAIL_CONF = TEMPLATES / "platform/voicemail.conf"
COMMON = ("sip_additional.conf", "extensions_additional.conf", "queues_additional.conf")
INCLUDED = {
    "freepbx": ("pjsip.endpoint.conf", "pjsip.auth.conf", "pjsip.aor.conf", *COMMON),
    "issabel": ("pjsip_additional.conf", *COMMON),
}
EXTENSION_TABLES = {
    "users": "extension",
    "devices": "id",
    "sip": "id",
    "findmefollow": "grpnum",
    "kvstore_FreePBX_modules_Voicemail": "key",
    "queues_config": "extension",
    "queues_details": "id",
}
FAMILIES = (
    "AMPUSER", "DEVICE", "CW", "CF", "CFB", "CFU", "DND", "CustomDevstate", "CustomPresence", "registrar", "QPENALTY",
)  # fmt: skip

LOGINS = "Queue"
"""Who has logged in to queues, as Asterisk itself keeps it."""


@dataclass(frozen=True)
class Kind:
    """A version of a platform (`name`), which of the two it is, and the Asterisk under it."""

    name: str
    platform: str
    asterisk: str


KINDS = (
    Kind("freepbx17", "freepbx", "22"),
    Kind("freepbx13", "freepbx", "16"),  # MyISAM and latin1
    Kind("issabel", "issabel", "16"),
)


@dataclass(frozen=True)
class PlatformExchange:
    """What runs, and what a test may look at behind the API; `program` is the platform's fwconsole or module_admin."""

    kind: Kind
    asterisk: Asterisk
    mariadb: MariaDB
    database: Database
    program: Path
    _phones: list[Phone] = field(default_factory=list, repr=False)

    @property
    def etc(self) -> Path:
        return self.asterisk.folder / "etc"

    @property
    def voicemail(self) -> Path:
        return self.asterisk.folder / "spool/voicemail"

    def manager(self) -> RawManager:
        return RawManager(self.asterisk.ports.ami)

    def settings(self, store: Path, **more: str) -> Settings:
        """How the API is configured for this exchange."""
        return Settings.from_environ({**self._environ(), "STORE_URL": f"sqlite:///{store}", **more})

    def _environ(self) -> dict[str, str]:
        return {
            "API_SECRET_KEY": KEY,
            "ACCESS_LOG": "false",
            "AMI_PORT": str(self.asterisk.ports.ami),
            "AMI_USERNAME": "api",
            "AMI_SECRET": "api-secret",
            "PBX_DRIVER": self.kind.platform,
            "DB_HOST": self.database.host,
            "DB_PORT": str(self.database.port),
            "DB_USERNAME": self.database.user,
            "DB_PASSWORD": self.database.password,
            "APPLY_COMMAND": f"{self.program} reload",
            "PJSIP_CONF_PATH": str(self.etc / "pjsip.conf"),
            "SIP_CONF_PATH": str(self.etc / "sip.conf"),
            "VOICEMAIL_CONF_PATH": str(self.etc / "voicemail.conf"),
            "VOICEMAIL_PATH": str(self.voicemail),
        }

    def reload(self) -> str:
        """Do as the screen's button does; returns what the program prints, fails when it fails."""
        status, said = self.run_reload()
        assert status == 0, said
        assert not self.need_reload(), said
        return said

    def run_reload(self) -> tuple[int, str]:
        """Run the program; its exit status, which says little, and what it prints."""
        done = subprocess.run([self.program, "reload"], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def need_reload(self) -> bool:
        return self.sql("SELECT value FROM admin WHERE variable = 'need_reload'") == [{"value": "true"}]

    def sql(self, statement: str, *values: object) -> list[dict[str, object]]:
        return self.mariadb.run(statement, *values, database=self.database.name)

    def set(self, settings: Mapping[str, str]) -> None:
        """Change the platform's own settings."""
        table = "freepbx_settings" if self.kind.platform == "freepbx" else "issabelpbx_settings"
        for keyword, value in settings.items():
            self.sql(f"DELETE FROM {table} WHERE keyword = %s", keyword)
            self.sql(f"INSERT INTO {table} (keyword, value) VALUES (%s, %s)", keyword, value)

    def keywords(self, number: str) -> dict[str, str]:
        """The rows of `sip` of one device."""
        rows = self.sql("SELECT keyword, data FROM sip WHERE id = %s", number)
        return {str(row["keyword"]): str(row["data"]) for row in rows}

    def tables(self) -> list[str]:
        """The tables that extensions and queues stand in, those that this platform has."""
        there = {str(value) for row in self.sql("SHOW TABLES") for value in row.values()}
        return [table for table in EXTENSION_TABLES if table in there]

    def rows(self, table: str, number: str) -> list[dict[str, object]]:
        """The rows of an extension in one of them."""
        return self.sql(f"SELECT * FROM `{table}` WHERE `{EXTENSION_TABLES[table]}` = %s", number)

    def astdb(self, *words: str) -> dict[str, str]:
        """Every entry of those that FreePBX and Issabel keep, by its whole name; only those with a word in it."""
        with self.manager() as manager:
            rows = [row for family in FAMILIES for row in manager.ask("DBGetTree", Family=family) if "Key" in row]
        return {row["Key"]: row["Val"] for row in rows if not words or set(words) & set(row["Key"].split("/"))}

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """Write one row by hand."""
        columns, places = ", ".join(f"`{column}`" for column in row), ", ".join(["%s"] * len(row))
        self.sql(f"INSERT INTO `{table}` ({columns}) VALUES ({places})", *row.values())

    def put(self, keys: Mapping[tuple[str, str], str]) -> None:
        """Write entries of AstDB by hand, by family and key."""
        with self.manager() as manager:
            for (family, key), value in keys.items():
                manager.ask("DBPut", Family=family, Key=key, Val=value)

    def phone(self, number: str, secret: str, *, chan_sip: bool = False, answer_after: float | None = 0.2) -> Phone:
        """A telephone, not registered yet; it is closed after the test."""
        ports = self.asterisk.ports
        phone = Phone(number, secret, ports.chan_sip if chan_sip else ports.sip, answer_after=answer_after)
        self._phones.append(phone)
        return phone

    def clear(self) -> None:
        """Take every extension and queue away, and what stands beside it, by hand; hang up, and close the phones.

        The generated files stay until the next reload, which the first write of the next test brings.
        """
        with self.manager() as manager:
            hang_up_all(manager)
            for family in (*FAMILIES, LOGINS):
                manager.ask("DBDelTree", Family=family)
        while self._phones:
            self._phones.pop().close()
        for table in self.tables():
            self.sql(f"DELETE FROM `{table}`")
        (self.etc / "voicemail.conf").write_text(VOICEMAIL_CONF.read_text())
        shutil.rmtree(self.voicemail, ignore_errors=True)


@contextlib.contextmanager
def started(kind: Kind, mariadb: MariaDB, folder: Path) -> Iterator[PlatformExchange]:
    """Make the platform's database, a server that includes its files, and these once."""
    root = required.unpacked_asterisk(kind.asterisk)
    server = Asterisk(kind.asterisk, root, folder / "asterisk", templates=("platform", kind.platform))
    place = platform_database(mariadb, kind.name, called="asterisk")
    login = Login(kind.platform, place.host, place.port, place.user, place.name, place.password)
    exchange = PlatformExchange(kind, server, mariadb, place, write_program(server.folder, login))
    exchange.set(_settings(kind, server))
    for file in INCLUDED[kind.platform]:
        (exchange.etc / file).touch()
    server.start()
    try:
        exchange.reload()
        yield exchange
    finally:
        server.stop()
        mariadb.run(f"DROP DATABASE {place.name}")


def _settings(kind: Kind, server: Asterisk) -> dict[str, str]:
    """What the platform knows of this server from its own settings."""
    both = {"ASTSIPDRIVER": "both"} if kind.name == "freepbx13" else {}
    return {
        **both,
        "AMPMGRUSER": "api",
        "AMPMGRPASS": "api-secret",
        "ASTMANAGERHOST": "127.0.0.1",
        "ASTMANAGERPORT": str(server.ports.ami),
        "ASTETCDIR": str(server.folder / "etc"),
        "ASTSPOOLDIR": str(server.folder / "spool"),
        "ASTVARLIBDIR": str(server.folder / "lib"),
        "ASTRUNDIR": str(server.folder / "run"),
        "DIAL_OPTIONS": "tr",
    }
