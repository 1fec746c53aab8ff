"""The folder of one Asterisk: its configuration from the templates in ``conf/``, and the places it writes to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.real.certificate import make_certificate
from tests.real.ports import free_ports

TEMPLATES = Path(__file__).parent / "conf"
RTP_PORTS = 200


@dataclass(frozen=True)
class Ports:
    """Where one Asterisk listens, all on loopback: TCP for the manager and HTTP, UDP for SIP, IAX and RTP."""

    ami: int
    ami_tls: int
    http: int
    sip: int
    chan_sip: int
    iax: int
    rtp_first: int
    rtp_last: int

    @classmethod
    def free(cls) -> Ports:
        ami, ami_tls, http, sip, chan_sip, iax = free_ports(6)
        rtp = free_ports(RTP_PORTS)
        return cls(ami, ami_tls, http, sip, chan_sip, iax, rtp_first=rtp[rtp[0] % 2], rtp_last=rtp[-1])


@dataclass(frozen=True)
class Database:
    """A database that an Asterisk writes its call records to."""

    host: str
    port: int
    name: str
    user: str
    password: str


def write_configuration(
    folder: Path,
    root: Path,
    ports: Ports,
    version: str,
    database: Database | None,
    more: Mapping[str, str],
    templates: Sequence[str] = (),
) -> None:
    """Fill ``folder`` for the Asterisk unpacked at ``root``.

    ``more`` is text to append to configuration files; those in the folders ``templates`` of ``conf/`` replace others.
    """
    for name in ("etc", "lib", "db", "run", "cache", "data/sounds", "log", "spool/monitor", "spool/tmp"):
        (folder / name).mkdir(parents=True)
    share = root / "usr/share/asterisk"
    for name in ("documentation", "rest-api", "static-http"):
        (folder / "data" / name).symlink_to(share / name)
    # Debian makes this link in a maintainer script, which did not run.
    (folder / "data/sounds/en").symlink_to(share / "sounds/en_US_f_Allison")
    make_certificate(folder / "tls")

    values = {name.upper(): str(value) for name, value in vars(ports).items()}
    values |= {"FOLDER": str(folder), "MODULES": str(next(root.glob("usr/lib/**/asterisk/modules")))}
    sources = [*TEMPLATES.glob("*.conf"), *(TEMPLATES / version).glob("*.conf")]
    if database:
        values |= {f"DB_{name.upper()}": str(value) for name, value in vars(database).items()}
        values["ODBC_DRIVER"] = str(next(root.glob("usr/lib/*/odbc/libmaodbc.so")))
        sources += [*(TEMPLATES / "database").glob("*.conf"), *(TEMPLATES / "database").glob("*.ini")]
    sources += [source for name in templates for source in (TEMPLATES / name).glob("*.conf")]
    for source in sources:
        text = source.read_text() + more.get(source.name, "")
        (folder / "etc" / source.name).write_text(re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], text))
