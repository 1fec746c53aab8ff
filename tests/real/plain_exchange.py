"""An Asterisk with no platform around it, whose phones are kept in its tables or in files of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pbxapi.ami import Client, ClientConfig
from pbxapi.app import build_store
from pbxapi.drivers.plain import provisioning
from pbxapi.drivers.provisioned import Provisioned
from pbxapi.pbx.channels import AmiChannels
from pbxapi.pbx.peers import AmiPeers
from pbxapi.settings import Settings
from pbxapi.store.migrate import migrate
from tests.real import required
from tests.real.api import KEY
from tests.real.asterisk import Asterisk
from tests.real.cdr_table import database_url
from tests.real.configuration import TEMPLATES, Database
from tests.real.mariadb import MariaDB
from tests.real.raw_manager import RawManager
from tests.real.sip_phone import Phone

TABLES = ("ps_endpoints", "ps_auths", "ps_aors")
DIALPLAN = """
[from-internal](+)
exten => _5XX,1,Dial(PJSIP/${EXTEN},2)
 same => n,FollowMe(${EXTEN})
 same => n,Hangup()
exten => _3XX,1,Dial(SIP/${EXTEN},5)
"""
MORE: Mapping[str, str] = {
    "pjsip.conf": "\n#include pjsip_api.conf\n",
    "modules.conf": "\npreload = res_config_odbc.so\n",
}
OF_16: Mapping[str, str] = {"sip.conf": "\n#include sip_api.conf\n"}
EMPTY = ("pjsip_api.conf", "sip_api.conf")


@dataclass
class PlainExchange:
    """What runs, and what a test may look at behind the API."""

    asterisk: Asterisk
    mariadb: MariaDB
    database: Database
    _opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    @property
    def etc(self) -> Path:
        return self.asterisk.folder / "etc"

    def manager(self) -> RawManager:
        return RawManager(self.asterisk.ports.ami)

    def settings(self, store: Path, kind: str, **more: str) -> Settings:
        environ = {
            "API_SECRET_KEY": KEY,
            "AMI_PORT": str(self.asterisk.ports.ami),
            "AMI_USERNAME": "api",
            "AMI_SECRET": "api-secret",
            "STORE_URL": f"sqlite:///{store}",
            "EXTENSION_STORE": kind,
            "REALTIME_DATABASE_URL": database_url(self.database),
            "VOICEMAIL_CONF_PATH": str(self.etc / "voicemail.conf"),
            "VOICEMAIL_PATH": str(self.asterisk.folder / "spool/voicemail"),
        }
        return Settings.from_environ({**environ, **more})

    def provisioned(self, store: Path, kind: str, **more: str) -> Provisioned:
        """What the driver makes; closed with the exchange's test."""
        settings = self.settings(store, kind, **more)
        kept = build_store(settings)
        migrate(kept)
        ami = settings.ami
        client = Client(ClientConfig(port=ami.port, username=ami.username, secret=ami.secret))
        channels = AmiChannels(client, contexts=frozenset(), ttl=0)
        made = provisioning(settings, kept, None, client, AmiPeers(client, channels, ttl=0))
        for each in (kept.close, client.close, made.close):
            self._opened.callback(each)
        return made

    def phone(self, number: str, secret: str) -> Phone:
        phone = Phone(number, secret, self.asterisk.ports.sip)
        self._opened.callback(phone.close)
        return phone

    def run(self, statement: str) -> list[dict[str, object]]:
        return self.mariadb.run(statement, database=self.database.name)

    def clear(self) -> None:
        """Let go of what a test opened, and put everything back as it was."""
        self._opened.close()
        with self.manager() as manager:
            manager.ask("DBDelTree", Family="registrar")
        for name in TABLES:
            self.run(f"DELETE FROM {name}")
        for name in EMPTY:
            (self.etc / name).write_text("")
        (self.etc / "followme.conf").write_text((TEMPLATES / "plain/followme.conf").read_text())
        self.asterisk.ensure_running()
        with self.manager() as manager:
            for module in ("res_pjsip.so", "app_followme.so"):
                manager.ask("Reload", Module=module)
            manager.ask("Ping")


@contextlib.contextmanager
def plain_exchange(version: str, mariadb: MariaDB, folder: Path) -> Iterator[PlainExchange]:
    statements = (TEMPLATES / "plain/ps.sql").read_text().split(";\n")
    tables = [(TEMPLATES / "database/cdr.sql").read_text(), *filter(str.strip, statements)]
    database = mariadb.create_database(f"plain{version}", *tables)
    more = {**MORE, **(OF_16 if version == "16" else {}), "extensions.conf": DIALPLAN}
    root = required.unpacked_asterisk(version)
    asterisk = Asterisk(version, root, folder / "asterisk", database=database, more=more, templates=["plain"])
    for name in EMPTY:
        (asterisk.folder / "etc" / name).write_text("")
    asterisk.start()
    try:
        yield PlainExchange(asterisk, mariadb, database)
    finally:
        asterisk.stop()
