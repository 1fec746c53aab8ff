"""What the doctor says of Asterisk and its manager: whether it answers, and what its user may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pbxapi.findings import Finding

if TYPE_CHECKING:
    from pbxapi.pbx.interfaces import Capability, Pbx
    from pbxapi.settings import Settings

# Without these the live side does not work; what else is missing is a remark.
NEEDED = ("channels", "channels.hangup", "calls.originate", "system.info")

TESTED = (16, 22)
"""The oldest and the newest Asterisk that the tests run against."""

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
ADVICE = {
    "extensions.apply": "Let it run as asterisk (deploy/systemd), or let sudo allow it: deploy/sudoers-pbxapi.\n"
    "Try it as this user: sudo -n -u asterisk -l /usr/sbin/fwconsole reload",
    "recordings": "Set RECORDINGS_PATH, and let this user's group read it: usermod -aG asterisk <user>",
}
"""What to do where it is not the manager's user."""


def exchange(settings: Settings, pbx: Pbx) -> Iterator[Finding]:
    """Ask the manager who we are there, and what works."""
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
        advice = f"{error}\nIs Asterisk running, `enabled = yes` in manager.conf; AMI_HOST, AMI_PORT, AMI_TLS right?"
        yield Finding("fault", f"{where}: no answer", advice)
        return
    version = info["asterisk"]["version"]
    yield Finding("fine", f"{where}: Asterisk {version}, {who}")
    yield from _version(version or "")
    yield from _in_clear(settings, where)
    yield from _capabilities(capabilities)
    for part, answers in pbx.system.ready().items():
        if part not in {"ami", "store"}:
            advice = "" if answers else f"Check the {part.upper()}_ or DB_ variables."
            yield Finding("fine" if answers else "fault", f"{part}: {'answers' if answers else 'no answer'}", advice)


def _capabilities(capabilities: list[Capability]) -> Iterator[Finding]:
    for each in capabilities:
        if each.available:
            yield Finding("fine", each.name)
        else:
            level = "fault" if each.name in NEEDED else "remark"
            advice = MANAGER_USER if each.name in NEEDED else ADVICE.get(each.name, "")
            yield Finding(level, f"{each.name}: {each.reason}", advice)
    if not any(each.available for each in capabilities if each.name.startswith("peers.")):
        yield Finding("remark", "no SIP or IAX stack can be listed: /peers shows device states only", MANAGER_USER)


def _version(text: str) -> Iterator[Finding]:
    """A certified Asterisk is called certified/18.9-cert1, one from a distribution 20.6.0~dfsg."""
    first = re.search(r"\d+", text)
    oldest, newest = TESTED
    if first is None or not oldest <= int(first[0]) <= newest:
        advice = f"{oldest} to {newest} are tested. Look at what is said below, and try it before it is relied on."
        yield Finding("remark", f"Asterisk {text or '(no version)'} is none that this version is tested with", advice)


def _in_clear(settings: Settings, where: str) -> Iterator[Finding]:
    from pbxapi.pbx.host import is_here  # noqa: PLC0415

    if settings.ami.tls or is_here(settings.ami.host):
        return
    advice = (
        "AMI_TLS=true and AMI_PORT=5039; in manager.conf tlsenable=yes, tlsbindaddr=0.0.0.0:5039, and tlscertfile.\n"
        "Or a tunnel: ssh -NL 5038:127.0.0.1:5038 <exchange>"
    )
    yield Finding("remark", f"{where}: on another host and without TLS, its password goes in clear", advice)
