"""`pbxapi doctor`: look at the configuration and the exchange, change nothing, and say what to do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pbxapi.doctor_past import past
from pbxapi.environment import read_environment
from pbxapi.findings import Finding
from pbxapi.settings import Settings

if TYPE_CHECKING:
    from pbxapi.pbx.interfaces import Pbx
    from pbxapi.store import Store

# Without these the live side does not work; what else is missing is a remark.
NEEDED = ("channels", "channels.hangup", "calls.originate", "system.info")

MANAGER_USER = """\
In manager.conf:
  [pbxapi]
  secret = <a long random one>
  deny = 0.0.0.0/0.0.0.0
  permit = 127.0.0.1/255.255.255.255
  read = call
  write = system,call,originate,reporting,agent,user
  writetimeout = 1000
and `asterisk -rx 'manager reload'`."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing can be said on the command line."""


def run(args: argparse.Namespace) -> int:
    """Print every finding; 1 when one of them is a fault. Raises SettingsError."""
    from pbxapi.app import build_pbx, build_store  # noqa: PLC0415

    settings = Settings.from_environ(read_environment())
    store = build_store(settings)
    pbx = build_pbx(settings, store)
    try:
        return _report([*_store(store), *_exchange(settings, pbx), *past(settings, pbx)])
    finally:
        pbx.close()
        store.close()


def _report(findings: list[Finding]) -> int:
    worst = 0
    for finding in findings:
        mark = {"fine": "ok  ", "remark": "note", "fault": "FAIL"}[finding.level]
        sys.stdout.write(f"{mark}  {finding.what}\n")
        for line in filter(None, finding.advice.split("\n")):
            sys.stdout.write(f"      {line}\n")
        worst |= finding.level == "fault"
    return int(worst)


def _store(store: Store) -> Iterator[Finding]:
    from pbxapi.errors import Unavailable  # noqa: PLC0415
    from pbxapi.store.migrate import is_current  # noqa: PLC0415

    try:
        current = is_current(store)
    except Unavailable as error:
        yield Finding("fault", f"{store!r}: cannot be reached", f"{error.__cause__}\nCheck STORE_URL.")
        return
    if current:
        yield Finding("fine", f"{store!r}: its tables are those of this version")
    else:
        yield Finding("fault", f"{store!r}: its tables are not those of this version", "Run `pbxapi migrate`.")


def _exchange(settings: Settings, pbx: Pbx) -> Iterator[Finding]:
    from pbxapi.ami import AmiError, AmiLoginRefused  # noqa: PLC0415
    from pbxapi.errors import PbxError  # noqa: PLC0415

    where = f"manager at {settings.ami.host}:{settings.ami.port}"
    if not pbx.credentials.username:
        advice = f"Set AMI_USERNAME and AMI_SECRET, or let {settings.ami.conf_path} be read.\n{MANAGER_USER}"
        yield Finding("fault", "no user for the manager is configured", advice)
        return
    who = f"user {pbx.credentials.username}"
    try:
        info = pbx.system.info()
        capabilities = pbx.system.capabilities(fresh=True)
    except AmiLoginRefused:
        advice = f"It says the same for a wrong user, secret or address. Check all three.\n{MANAGER_USER}"
        yield Finding("fault", f"{where}: refuses {who}", advice)
        return
    except (AmiError, PbxError) as error:
        advice = f"{error}\nIs Asterisk running, `enabled = yes` in manager.conf, and AMI_HOST and AMI_PORT right?"
        yield Finding("fault", f"{where}: no answer", advice)
        return
    yield Finding("fine", f"{where}: Asterisk {info['asterisk']['version']}, {who}")
    for capability in capabilities:
        if capability.available:
            yield Finding("fine", capability.name)
        else:
            level = "fault" if capability.name in NEEDED else "remark"
            yield Finding(level, f"{capability.name}: {capability.reason}")
    if not any(c.available for c in capabilities if c.name.startswith("peers.")):
        yield Finding("remark", "no SIP or IAX stack can be listed: /peers shows device states only", MANAGER_USER)
    for part, answers in pbx.system.ready().items():
        if part not in {"ami", "store"}:
            advice = "" if answers else f"Check the {part.upper()}_ or DB_ variables."
            yield Finding("fine" if answers else "fault", f"{part}: {'answers' if answers else 'no answer'}", advice)
