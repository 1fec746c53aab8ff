"""What can be configured: one frozen tree, read from a mapping, with every fault reported at once.

Names and defaults are those that deployments of the older `?cmd=` system have in their `.env`, and a few more.
"""

from __future__ import annotations

import dataclasses
import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pbxapi import variables as read

T = TypeVar("T")

DEMO_KEY = "demo"
KEY_LENGTH = 16
# What examples and old installations ship in place of a key, with all but letters and digits taken out.
PLACEHOLDERS = ("changeme", "replaceme", "placeholder", "yoursecret", "yourapi", "yourkey")


class SettingsError(Exception):
    """The configuration cannot be used. The text is one line a fault, each naming its variable; no secret is shown."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def key_fault(key: str) -> str | None:
    """Say why this key protects nothing, or None when it may be used."""
    if not key:
        return "is empty: every request would be refused. " + _HOW_TO_MAKE_A_KEY
    if is_placeholder(key) or len(set(key)) == 1:
        return "is a placeholder that everybody knows. " + _HOW_TO_MAKE_A_KEY
    if len(key) < KEY_LENGTH:
        return f"is shorter than {KEY_LENGTH} characters. " + _HOW_TO_MAKE_A_KEY
    if not key.isprintable():
        return "holds a character that no HTTP header can carry. " + _HOW_TO_MAKE_A_KEY
    return None


def is_placeholder(key: str) -> bool:
    """Whether a key is what examples ship."""
    return re.sub(r"[^a-z0-9]", "", key.lower()).startswith(PLACEHOLDERS)


_HOW_TO_MAKE_A_KEY = "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
_port = read.number(1, 65535, int)
_seconds = read.number(0.1, 600, float)


def _variable(name: str, default: T, reader: Callable[[str], Any] = str, *, secret: bool = False) -> T:
    made: T = field(default=default, repr=not secret, metadata={"name": name, "reader": reader})
    return made


@dataclass(frozen=True, kw_only=True)
class Ami:
    """The manager interface. No user name: the first usable section of the file at `conf_path`. Seconds."""

    host: str = _variable("AMI_HOST", "127.0.0.1")
    port: int = _variable("AMI_PORT", 5038, _port)
    username: str = _variable("AMI_USERNAME", "")
    secret: str = _variable("AMI_SECRET", "", secret=True)
    conf_path: str = _variable("AMI_CONF_PATH", "/etc/asterisk/manager.conf")
    tls: bool = _variable("AMI_TLS", False, read.flag)
    tls_ca: str = _variable("AMI_TLS_CA", "")
    tls_check_hostname: bool = _variable("AMI_TLS_CHECK_HOSTNAME", True, read.flag)
    timeout: float = _variable("AMI_TIMEOUT", 5.0, _seconds)


@dataclass(frozen=True, kw_only=True)
class Ari:
    """Asterisk's own REST interface."""

    enabled: bool = _variable("ARI_ENABLED", False, read.flag)
    host: str = _variable("ARI_HOST", "127.0.0.1")
    port: int = _variable("ARI_PORT", 8088, _port)
    username: str = _variable("ARI_USERNAME", "")
    secret: str = _variable("ARI_SECRET", "", secret=True)
    scheme: str = _variable("ARI_SCHEME", "http", read.choice("http", "https"))


@dataclass(frozen=True, kw_only=True)
class Database:
    """The exchange's own MySQL or MariaDB. No password: host, user and password are read from the platform's file."""

    host: str = _variable("DB_HOST", "127.0.0.1")
    port: int = _variable("DB_PORT", 3306, _port)
    username: str = _variable("DB_USERNAME", "root")
    password: str = _variable("DB_PASSWORD", "", secret=True)
    charset: str = _variable("DB_CHARSET", "utf8mb4")
    issabel_conf_path: str = _variable("ISSABEL_CONF_PATH", "/etc/issabel.conf")
    freepbx_conf_path: str = _variable("FREEPBX_CONF_PATH", "/etc/freepbx.conf")


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Which exchange this is and where it keeps things. `timezone` None is the system's."""

    driver: str = _variable("PBX_DRIVER", "asterisk", read.choice("asterisk", "issabel", "freepbx"))
    channel_driver: str = _variable("CHAN_DRIVER", "pjsip", read.choice("pjsip", "sip"))
    sip_conf_path: str = _variable("SIP_CONF_PATH", "/etc/asterisk/sip_additional.conf")
    pjsip_conf_path: str = _variable("PJSIP_CONF_PATH", "/etc/asterisk/pjsip.conf")
    recordings_path: str = _variable("RECORDINGS_PATH", "/var/spool/asterisk/monitor")
    recordings_accel: str = _variable("RECORDINGS_ACCEL", "", read.location)
    timezone: zoneinfo.ZoneInfo | None = _variable("PBX_TIMEZONE", None, read.timezone)  # noqa: RUF009


@dataclass(frozen=True, kw_only=True)
class Records:
    """Call records. No `database_url`: the platform's own. A statement that lasts longer than `timeout` is killed.

    `exports` is how many of them may run at once in each worker. `queue_log` is what Asterisk writes of its queues.
    """

    database_url: str = _variable("CDR_DATABASE_URL", "", read.database_url, secret=True)
    timeout: float = _variable("CDR_QUERY_TIMEOUT", 15.0, _seconds)
    exports: int = _variable("CDR_EXPORTS", 4, read.number(1, 15, int))
    roll_up: bool = _variable("CDR_ROLL_UP", True, read.flag)
    queue_log: str = _variable("QUEUE_LOG_PATH", "/var/log/asterisk/queue_log")


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Live reads are shared for `live_ttl` seconds; callers may name `contexts`; an ended call is kept `keep_hours`."""

    live_ttl: float = _variable("LIVE_TTL", 1.0, read.number(0, 60, float))
    contexts: tuple[str, ...] = _variable("CALL_CONTEXTS", ("from-internal",), read.contexts)
    keep_hours: int = _variable("CALL_KEEP_HOURS", 24, read.number(1, 24 * 366, int))


@dataclass(frozen=True, kw_only=True)
class Provisioning:
    """Creating extensions. `extension_store` is where a plain Asterisk keeps them: nowhere unless it is set.

    No `apply_command`: the platform's own; it runs `apply_timeout` seconds at most. No `realtime_url`: the database
    `asterisk` of DB_HOST. `pjsip_file` and its like are bare names in Asterisk's own configuration folder.
    """

    apply_command: tuple[str, ...] = _variable("APPLY_COMMAND", (), read.command)
    apply_timeout: float = _variable("APPLY_TIMEOUT", 120.0, _seconds)
    extension_store: str = _variable("EXTENSION_STORE", "", read.choice("realtime", "file"))
    realtime_url: str = _variable("REALTIME_DATABASE_URL", "", read.database_url, secret=True)
    pjsip_file: str = _variable("PJSIP_API_FILE", "pjsip_api.conf", read.file_name)
    sip_file: str = _variable("SIP_API_FILE", "sip_api.conf", read.file_name)
    follow_me_file: str = _variable("FOLLOWME_API_FILE", "followme.conf", read.file_name)
    voicemail_conf_path: str = _variable("VOICEMAIL_CONF_PATH", "/etc/asterisk/voicemail.conf")
    voicemail_path: str = _variable("VOICEMAIL_PATH", "/var/spool/asterisk/voicemail")


@dataclass(frozen=True, kw_only=True)
class Log:
    """`level` is that of everything but the access log; no `path` is standard error."""

    level: str = _variable("LOG_LEVEL", "error", read.choice("debug", "info", "warning", "error", "critical"))
    path: str = _variable("LOG_PATH", "")
    access: bool = _variable("ACCESS_LOG", True, read.flag)


@dataclass(frozen=True, kw_only=True)
class Web:
    """Who is believed about X-Forwarded-*, and which origins a browser may call the REST interface from."""

    trusted_proxies: tuple[read.Network | str, ...] = _variable("TRUSTED_PROXIES", (), read.proxies)
    cors_origins: tuple[str, ...] = _variable("REST_CORS_ORIGINS", (), read.origins)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How often one key, and one address, may ask. With `memory://` each worker counts for itself.

    `bad_keys` is for requests of one address whose key is not known. Each is text such as 100/second, or off.
    """

    key: str = _variable("RATE_LIMIT_KEY", "6000/minute", read.rate)
    address: str = _variable("RATE_LIMIT_ADDRESS", "12000/minute", read.rate)
    bad_keys: str = _variable("RATE_LIMIT_BAD_KEYS", "20/minute", read.rate)
    storage: str = _variable("RATE_LIMIT_STORAGE", "memory://", read.limit_storage, secret=True)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Who did what: in the store for `days` (0: for ever), and as JSON lines in a file where `path` names one."""

    path: str = _variable("AUDIT_LOG_PATH", "")
    days: int = _variable("AUDIT_DAYS", 365, read.number(0, 36500, int))


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """`GET /metrics`: for who brings the token, and for requests from this host itself that came through no proxy."""

    token: str = _variable("METRICS_TOKEN", "", read.token, secret=True)


@dataclass(frozen=True, kw_only=True)
class Tracing:
    """Where OpenTelemetry's spans go, over HTTP. The names of the variables are OpenTelemetry's."""

    endpoint: str = _variable("OTEL_EXPORTER_OTLP_ENDPOINT", "", read.collector_url)
    headers: str = _variable("OTEL_EXPORTER_OTLP_HEADERS", "", secret=True)
    service_name: str = _variable("OTEL_SERVICE_NAME", "pbxapi")
    ratio: float = _variable("OTEL_TRACES_SAMPLER_ARG", 1.0, read.number(0, 1, float))


@dataclass(frozen=True, kw_only=True)
class Legacy:
    """The `?cmd=` interface."""

    mode: str = _variable("LEGACY_MODE", "strict", read.choice("strict", "classic"))
    auth_enabled: bool = _variable("LEGACY_AUTH_ENABLED", True, read.flag)
    cors_origins: str = _variable("CORS_ALLOWED_ORIGINS", "*")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be configured. `demo` allows the key `demo`, and no variable sets it.

    Raises SettingsError when the key is no key.
    """

    api_secret_key: str = _variable("API_SECRET_KEY", "", secret=True)
    store_url: str = _variable("STORE_URL", "sqlite:///pbxapi.db", secret=True)
    ami: Ami = Ami()
    ari: Ari = Ari()
    database: Database = Database()
    platform: Platform = Platform()
    calls: Calls = Calls()
    records: Records = Records()
    provisioning: Provisioning = Provisioning()
    log: Log = Log()
    web: Web = Web()
    limits: Limits = Limits()
    audit: Audit = Audit()
    metrics: Metrics = Metrics()
    tracing: Tracing = Tracing()
    legacy: Legacy = Legacy()
    demo: bool = False

    def __post_init__(self) -> None:
        if self.demo and self.api_secret_key == DEMO_KEY:
            return
        fault = key_fault(self.api_secret_key)
        if fault:
            raise SettingsError([f"API_SECRET_KEY {fault}"])

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, demo: bool = False) -> Settings:
        """Read every variable; an empty one counts as absent. `demo` makes the key `demo`, whatever is configured.

        Raises SettingsError with all faults.
        """
        faults: list[str] = []
        values = _read(cls, environ, faults)
        if demo:
            values["api_secret_key"] = DEMO_KEY
        try:
            settings = cls(**values, demo=demo)
        except SettingsError as error:
            faults[:0] = error.faults
        if faults:
            raise SettingsError(faults)
        return settings


def _read(section: type[object], environ: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in dataclasses.fields(section):  # type: ignore[arg-type]
        name = item.metadata.get("name", "")
        if dataclasses.is_dataclass(item.default):
            part: Any = type(item.default)
            values[item.name] = part(**_read(part, environ, faults))
        elif given := environ.get(name, "").strip():
            try:
                values[item.name] = item.metadata["reader"](given)
            except ValueError as error:
                faults.append(f"{name} {error}")
    return values


def defaults(section: type[object] = Settings) -> dict[str, Any]:
    """Name every variable with its default."""
    found: dict[str, Any] = {}
    for item in dataclasses.fields(section):  # type: ignore[arg-type]
        if dataclasses.is_dataclass(item.default):
            found |= defaults(type(item.default))
        elif "name" in item.metadata:
            found[item.metadata["name"]] = item.default
    return found
