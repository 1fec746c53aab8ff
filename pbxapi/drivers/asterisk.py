"""Asterisk alone, and what every platform shares: the live side, which is Asterisk's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from pbxapi import request_id
from pbxapi.ami import Client, ClientConfig
from pbxapi.db.engine import Login
from pbxapi.drivers.host import ask_asterisk, local_host
from pbxapi.drivers.past import NO_DATABASE, no_folder, past
from pbxapi.drivers.plain import provisioning as plain
from pbxapi.drivers.platform import lock_path
from pbxapi.drivers.provisioned import Provisioned
from pbxapi.pbx.agents import QueueAgents
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.asterisk_conf import manager_credentials
from pbxapi.pbx.calls import AmiCalls
from pbxapi.pbx.channels import AmiChannels
from pbxapi.pbx.host_mark import HostMark
from pbxapi.pbx.interfaces import Credentials, Pbx, Peers, SipExtensions
from pbxapi.pbx.local_time import system_zone
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.parking import AmiParking
from pbxapi.pbx.peers import AmiPeers
from pbxapi.pbx.queues import AmiQueues
from pbxapi.pbx.recordings import FileRecordings
from pbxapi.pbx.sip_extensions import ConfSipExtensions
from pbxapi.pbx.spool_voicemail import SpoolVoicemail
from pbxapi.pbx.system import AmiSystem
from pbxapi.settings import Settings
from pbxapi.store import Store
from pbxapi.store.secrets import RECORDING_IDS

Provision = Callable[[Client, Peers], Provisioned]


def build(settings: Settings, store: Store) -> Pbx:
    """An Asterisk with no platform around it. Connects to nothing."""
    login = database_login(settings) if settings.database.password else None
    return assemble(settings, store, conf_sip_extensions(settings), {}, login, partial(plain, settings, store, login))


def database_login(settings: Settings) -> Login:
    """The login as configured; no platform's own file is looked at."""
    database = settings.database
    return Login(
        host=database.host,
        port=database.port,
        username=database.username,
        password=database.password,
        charset=database.charset,
    )


def conf_sip_extensions(settings: Settings) -> ConfSipExtensions:
    """The SIP sections in the configuration file of the channel driver that is in use."""
    platform = settings.platform
    return ConfSipExtensions(platform.pjsip_conf_path if platform.channel_driver == "pjsip" else platform.sip_conf_path)


def credentials(settings: Settings) -> Credentials:
    """The manager's user and secret: as configured, or else as manager.conf has them. Empty when neither has."""
    ami = settings.ami
    if ami.username:
        return Credentials(ami.username, ami.secret)
    try:
        return Credentials(*manager_credentials(ami.conf_path))
    except (OSError, ValueError):
        return Credentials("", "")


def assemble(  # noqa: PLR0917  (what the three have in common, and in what they differ)
    settings: Settings,
    store: Store,
    sip_extensions: SipExtensions,
    parts: Mapping[str, Callable[[], bool]],
    login: Login | None,
    provision: Provision,
    folders: Mapping[str, str] | None = None,
) -> Pbx:
    """Put an exchange together; `parts` are what a platform adds to what has to be ready, `login` its database's.

    `provision` makes what it provisions with, out of the manager client and the peers; `folders` are what is counted of
    the host's disks, unless they are the usual ones.
    """
    who, s = credentials(settings), settings
    config = ClientConfig(
        host=s.ami.host, port=s.ami.port, username=who.username, secret=who.secret, tls=s.ami.tls,
        ca_file=s.ami.tls_ca or None, check_hostname=s.ami.tls_check_hostname, timeout=s.ami.timeout,
    )  # fmt: skip
    ami = Client(config, action_id_prefix=request_id.current)
    url = f"{s.ari.scheme}://{s.ari.host}:{s.ari.port}"
    ari = None
    if s.ari.enabled:
        from pbxapi.pbx.ari import HttpAri  # noqa: PLC0415  (requests is a tenth of the import, and ARI is rare)

        ari = HttpAri(url, s.ari.username, s.ari.secret, timeout=s.ami.timeout)
    zone = s.platform.timezone or system_zone()
    recordings = FileRecordings(s.platform.recordings_path, partial(store.secrets.get, RECORDING_IDS), zone)
    history = past(s, store, login, zone, recordings.id_of)
    parts = {"store": store.ready, **parts, **history.parts, **({"ari": ari.ping} if ari else {})}
    others: dict[str, Callable[[], str | None]] = {
        "call_records": lambda: None if history.call_records else NO_DATABASE,
        "recordings": partial(no_folder, s.platform.recordings_path),
        "ari": lambda: None if ari else "ARI is switched off: set ARI_ENABLED",
    }
    ttl, contexts = s.calls.live_ttl, s.calls.contexts
    channels = AmiChannels(ami, contexts=frozenset(contexts), ttl=ttl)
    peers = AmiPeers(ami, channels, ttl=ttl)
    provisioned = provision(ami, peers)
    others.update(provisioned.others)
    coming_and_going = HostLock(lock_path(store, "members"), "Logging in to queues")
    written = HostMark(lock_path(store, "queues"))
    queues = AmiQueues(
        ami, AstDb(ami), provisioned.seats, provisioned.queue_setup, coming_and_going, mark=written, ttl=ttl
    )
    queue_history = history.queue_history(queues)
    others["queues.statistics"] = queue_history.why_not
    keep = timedelta(hours=s.calls.keep_hours)
    calls = AmiCalls(
        ami, channels, peers, store.calls, contexts=contexts, keep=keep, ttl=ttl, past=history.call_records
    )

    system = AmiSystem(ami, s.platform.driver, parts, others=others, timezone=s.platform.timezone)
    database = parts.get("database") or parts.get("call_records")
    host = local_host(s, store, zone, login, partial(ask_asterisk, system), database, folders)
    others |= {
        "system.resources": host.why_not,
        "system.disk": host.why_not,
        "system.firewall": host.why_no_firewall,
        "system.services": host.why_not,
    }

    def close() -> None:
        host.close()
        calls.close()
        provisioned.close()
        ami.close()
        history.close()

    return Pbx(
        driver=s.platform.driver,
        technology=s.platform.channel_driver,
        credentials=who,
        peers=peers,
        channels=channels,
        calls=calls,
        parking=AmiParking(ami, channels, ttl=ttl),
        system=system,
        call_records=history.call_records,
        call_statistics=history.call_statistics,
        recordings=recordings,
        zone=zone,
        extensions=provisioned.extensions,
        follow_me=provisioned.follow_me,
        features=provisioned.features,
        applying=provisioned.applying,
        queues=queues,
        queue_setup=provisioned.queue_setup,
        queue_statistics=queue_history,
        agents=QueueAgents(queues),
        voicemail=SpoolVoicemail(s.provisioning.voicemail_path, ami, zone, ttl),
        sip_extensions=sip_extensions,
        ari=ari,
        host=host,
        close=close,
    )
