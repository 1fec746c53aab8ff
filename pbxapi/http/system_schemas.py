"""What `/system/resources`, `/system/disk`, `/system/firewall` and `/system/services` answer with."""

from __future__ import annotations

from typing import Any

import marshmallow as ma


def _one_of(*names: str) -> ma.fields.String:
    return ma.fields.String(required=True, validate=ma.validate.OneOf(names))


def _number(words: str = "", *, null: bool = False) -> ma.fields.Integer:
    about: dict[str, Any] = {"minimum": 0, **({"description": words} if words else {})}
    return ma.fields.Integer(required=True, allow_none=null, metadata=about)


def _text(words: str = "", *, null: bool = False) -> ma.fields.String:
    return ma.fields.String(required=True, allow_none=null, metadata={"description": words} if words else {})


def _moment(words: str = "", *, null: bool = False) -> ma.fields.DateTime:
    return ma.fields.DateTime(required=True, allow_none=null, metadata={"description": words} if words else {})


def _load(minutes: int) -> ma.fields.Float:
    return ma.fields.Float(required=True, metadata={"minimum": 0, "description": f"Over {minutes} minutes."})


class HostSchema(ma.Schema):
    """Whose host it is."""

    host = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["exchange", "api"]),
        metadata={"description": "`exchange`: the exchange's; `api`: that of this API alone, for AMI_HOST is another."},
    )


class MemorySchema(ma.Schema):
    """Bytes."""

    total = _number()
    used = _number()
    available = _number("What programs can get without swapping.")
    swap_total = _number()
    swap_used = _number()


class ResourcesSchema(HostSchema):
    """Time, load and memory."""

    measured_at = _moment()
    booted_at = _moment()
    uptime = _number("Seconds.")
    load_1m = _load(1)
    load_5m = _load(5)
    load_15m = _load(15)
    cpus = _number("Processors that the system sees.")
    memory = ma.fields.Nested(MemorySchema, required=True)
    users = _number("Sessions of people who are logged in.")


class FileSystemSchema(ma.Schema):
    """A file system; the numbers are null where it does not answer."""

    device = _text()
    mount = _text("The path that it is mounted on.")
    type = _text()
    read_only = ma.fields.Boolean(required=True)
    total = _number("Bytes.", null=True)
    used = _number("Bytes.", null=True)
    free = _number("Bytes that may still be written by who is not root.", null=True)
    inodes_total = _number("Files that it can hold; null where there is no such limit.", null=True)
    inodes_free = _number(null=True)


class PurposeSchema(ma.Schema):
    """What a folder and all below it take up, as `du -x` counts it."""

    name = ma.fields.String(
        required=True,
        metadata={
            "description": "recordings, voicemail, logs, backups, configuration, third_party; issabel_modules",
            "example": "recordings",
        },
    )
    path = _text()
    state = _one_of("measuring", "ready", "partial", "absent")
    bytes = _number("Bytes on the disk; null until they are counted.", null=True)
    files = _number(null=True)
    measured_at = _moment(null=True)
    reason = _text("Why this is a part alone.", null=True)


class DiskSchema(HostSchema):
    """File systems as they are now, and purposes as they were counted last."""

    state = _one_of("measuring", "ready", "partial")
    measured_at = _moment("When the first of the purposes was counted; null while one has not been.", null=True)
    age = _number("Seconds since then.", null=True)
    file_systems = ma.fields.List(ma.fields.Nested(FileSystemSchema), required=True)
    purposes = ma.fields.List(ma.fields.Nested(PurposeSchema), required=True)


class RuleSetSchema(ma.Schema):
    """A firewall by the name of its program. iptables' own rules are among those of nftables on most systems today."""

    name = _one_of("iptables", "ip6tables", "nftables", "firewalld")
    state = _one_of("active", "inactive", "absent", "unknown")
    rules = _number(null=True)
    input_policy = _text("What becomes of a packet for this host that no rule is for: accept, drop.", null=True)
    reason = _text("Why its rules are not told.", null=True)


class JailSchema(ma.Schema):
    """A jail of fail2ban, and how many addresses it counts and has locked out; null where it did not say."""

    name = _text()
    failed = _number(null=True)
    failed_total = _number(null=True)
    banned = _number(null=True)
    banned_total = _number(null=True)


class Fail2banSchema(ma.Schema):
    """fail2ban; it, too, answers only to root."""

    state = _one_of("active", "inactive", "absent", "unknown")
    jails = ma.fields.List(ma.fields.Nested(JailSchema), required=True)
    reason = _text(null=True)


class FirewallSchema(HostSchema):
    """Which rules are loaded: how many, and never the rules or the addresses themselves."""

    measured_at = _moment()
    state = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["active", "inactive", "unknown"]),
        metadata={"description": "`unknown`: this API does not run as root, and what it may see says nothing."},
    )
    rule_sets = ma.fields.List(ma.fields.Nested(RuleSetSchema), required=True)
    fail2ban = ma.fields.Nested(Fail2banSchema, required=True)


class ServiceSchema(ma.Schema):
    """A program that an exchange is made of."""

    name = _one_of("asterisk", "database", "web_server", "fail2ban")
    program = _text("As its process is called.", null=True)
    state = _one_of("running", "stopped", "unknown")
    answers = ma.fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Whether it answered just now; null: it is not asked."}
    )
    since = _moment(null=True)
    pid = _number(null=True)
    processes = _number()
    memory = _number("Bytes that its processes hold in memory; what they share counts in each.", null=True)
    version = _text("Asterisk's, as it says itself; null for the others.", null=True)
    reason = _text(null=True)


class ServicesSchema(HostSchema):
    """One item a service, and one for each of several web servers."""

    items = ma.fields.List(ma.fields.Nested(ServiceSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True, metadata={"description": "Always null: they come whole."})
