"""The demo's FreePBX: a database, voicemail.conf and pjsip.conf in a folder, and what the exchange makes of them."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pbxapi.demo import causes
from pbxapi.demo.history_paths import queue_log_path, voicemail_path
from pbxapi.demo.phones import Phone
from pbxapi.demo.platform_queues import run_queues
from pbxapi.demo.platform_read import Configured, Extension, applied, pjsip_conf, read_platform
from pbxapi.demo.platform_rows import make_platform
from pbxapi.demo.queue_log import NOBODY
from pbxapi.demo.reach import Rules
from pbxapi.demo.registrar import Registrar
from pbxapi.demo.world import World

_log = logging.getLogger(__name__)

REGISTERS_AFTER = 1.0  # seconds: somebody has typed the secret into a new phone
USER_AGENT = "LinphoneiOS/5.2.1 (iPhone) LinphoneSDK/5.3.30"

_BOOLEANS = frozenset({"rtp_symmetric", "force_rport", "rewrite_contact", "direct_media"})


class DemoPlatform:
    """Makes its files in `folder`, and lets the exchange have the phones of the database each time it is applied.

    Raises OSError, and Unavailable when the database cannot be written.
    """

    def __init__(self, folder: Path, world: World) -> None:
        self.database = folder / "asterisk.db"
        self.voicemail_conf = folder / "voicemail.conf"
        self.voicemail = voicemail_path(folder)
        self.pjsip_conf = folder / "pjsip.conf"
        self.voicemail.mkdir(exist_ok=True)
        self.queue_log = queue_log_path(folder)
        self._world = world
        self._one_at_a_time = threading.Lock()
        self._rules = Rules(world.database, world.devices, world.voicemail)
        self._registrar = Registrar(world.bus, world.phones, world.database, world.switch.on_device_change)
        with world.lock:
            self._begin()
        self.apply()

    def _begin(self) -> None:
        world = self._world
        entries, states = make_platform(self.database, self.voicemail_conf, list(world.phones.values()))
        for family, key, value in entries:
            world.database.put(family, key, value)
        for device, state in states.items():
            world.custom_states.set_device(device.removeprefix("Custom:"), state)
        for phone in world.phones.values():
            if phone.registered:
                self._registrar.keep(phone)
        world.voicemail.conf, world.voicemail.spool = self.voicemail_conf, self.voicemail
        world.queues.log.path = self.queue_log
        world.queues.log.write(NOBODY, NOBODY, NOBODY, "QUEUESTART")
        world.dialplan.applications["gosub"] = self._rules.application
        world.dialplan.provisioned = True

    def apply(self) -> None:
        """What `fwconsole reload` does: write the configuration, let the exchange run it, and note that it is done.

        Raises OSError and sqlite3.Error.
        """
        with self._one_at_a_time:
            configured = read_platform(self.database)
            self.pjsip_conf.write_text(pjsip_conf(configured), encoding="utf-8")
            with self._world.lock:
                self._run(configured)
            applied(self.database)

    def _run(self, configured: Configured) -> None:
        world = self._world
        for number in [number for number in world.phones if number not in configured.extensions]:
            self._remove(number)
        for extension in configured.extensions.values():
            self._put(extension)
        world.dialplan.groups.clear()
        for number, (members, timeout) in configured.groups.items():
            world.dialplan.groups[number] = self._rules.group(members, timeout)
        run_queues(world.queues, world.database, configured.queues)

    def _remove(self, number: str) -> None:
        """Its phone is refused from now on, and its calls end."""
        world = self._world
        if world.phones[number].registered:
            self._registrar.unregister(number)
        for channel in world.switch.of_number(number):
            world.switch.hang_up(channel, causes.NORMAL)
        del world.phones[number]
        world.devices.forget(number)

    def _put(self, extension: Extension) -> None:
        world, number = self._world, extension.number
        hint = f"PJSIP/{number}&Custom:DND{number},CustomPresence:{number}"
        world.database.put("AMPUSER", f"{number}/hint", hint)
        old = world.phones.get(number) or Phone(number, "", registered=False, user_agent=USER_AGENT, latency_us=23417)
        world.phones[number] = replace(
            old, name=extension.name, secret=extension.settings.get("secret", ""), hint=hint, settings=_shown(extension)
        )
        if not old.name and not old.hint:
            world.devices.follow(number)
            world.clock.later(REGISTERS_AFTER, lambda: self._register(number))

    def _register(self, number: str) -> None:
        phone = self._world.phones.get(number)
        if phone and not phone.registered:
            self._registrar.register(number)


class DemoCommand:
    """`ApplyCommand`: what FreePBX does by `fwconsole reload`, without a program to run."""

    method = "command"

    def __init__(self, platform: DemoPlatform) -> None:
        self._platform = platform

    def run(self, timeout: float) -> tuple[bool, str | None]:
        """Apply; it takes some hundredths of a second."""
        try:
            self._platform.apply()
        except (OSError, sqlite3.Error):
            _log.exception("demo exchange: its configuration could not be applied")
            return False, "the demo's own files cannot be read or written"
        return True, None

    def why_not(self) -> None:
        """It always can."""


def _shown(extension: Extension) -> Mapping[str, str]:
    """The options of the endpoint and the AOR as PJSIPShowEndpoint shows them."""
    options = dict(extension.endpoint)
    options |= {name: str(options[name] == "yes").lower() for name in _BOOLEANS}
    options["allow"] = f"({'|'.join(extension.codecs)})"
    options["callerid"] = f'"{extension.name}" <{extension.number}>'
    options["max_contacts"] = extension.settings.get("max_contacts", "1")
    return {"".join(word.capitalize() for word in name.split("_")): value for name, value in options.items()}
