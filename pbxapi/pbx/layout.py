"""How a platform and version keep an extension: what they write for a new one, and where a field has its place.

Facts of FreePBX's core, voicemail and findmefollow modules (13 to 17) and of IssabelPBX 2.11 and 2.12, as rows and
AstDB entries that running systems wrote show them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pbxapi.pbx.keywords import FREEPBX_PJSIP, FREEPBX_SIP, ISSABEL_PJSIP, ISSABEL_SIP, keywords

Template = str
"""`{number}`, `{name}`, `{secret}`, `{dial}`, `{tech}`, or a setting of the platform such as `{DEVICE_SIP_DTMF}`."""

FREEPBX_VERSIONS = (13, 14, 15, 16, 17)
ISSABEL_VERSIONS = (4, 5)

CHAN_SIP_WORDS = {"dtmf_mode": {"rfc4733": "rfc2833"}}
"""Our word and the platform's: RFC 4733 took the place of 2833, and chan_sip knows it by the old number."""


@dataclass(frozen=True, slots=True)
class DeviceLayout:
    """The settings of a technology's devices: defaults in their order, their flags, and which one a field is.

    `words` are values that the platform names otherwise than we do, by field. `webrtc` is what switches WebRTC on.
    """

    keywords: tuple[tuple[str, Template], ...]
    flags: Mapping[str, int]
    fields: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    webrtc: Mapping[str, str]
    dial: Template


@dataclass(frozen=True, slots=True)
class Layout:
    """One version of a platform. `warning` says that the real version is another, and which data is used instead.

    `voicemail_keys` are entries below AMPUSER that come and go with a mailbox. `voicemail_mapping` is how the mailbox
    of a device is found: kvstore, or a symlink in the spool. `removes_existing`: a single contact replaces the one
    before.
    """

    platform: str
    version: str
    warning: str | None
    settings_table: str
    devices: Mapping[str, DeviceLayout]
    user_row: Mapping[str, Template | int | None]
    device_row: Mapping[str, Template | int | None]
    user_keys: tuple[tuple[str, Template], ...]
    device_keys: tuple[tuple[str, Template], ...]
    voicemail_keys: tuple[tuple[str, str], ...]
    voicemail_mapping: str
    recording_words: Mapping[str, str]
    presence: bool
    removes_existing: bool
    named_caller_id: bool


COMMON_FIELDS = {
    "secret": "secret", "context": "context", "transport": "transport", "dtmf_mode": "dtmfmode", "codecs": "allow",
    "account_code": "accountcode",
}  # fmt: skip
GROUPS = {"call_group": "callgroup", "pickup_group": "pickupgroup"}
NAMED_GROUPS = {"call_group": "namedcallgroup", "pickup_group": "namedpickupgroup"}
ADDRESSES = {"permit": "permit", "deny": "deny"}
CONTACTS = {"max_contacts": "max_contacts"}

FREEPBX_PJSIP_WEBRTC = {
    "webrtc": "yes", "avpf": "yes", "icesupport": "yes", "media_encryption": "dtls", "rtcp_mux": "yes",
    "bundle": "yes", "media_use_received_transport": "yes",
}  # fmt: skip
"""All that `webrtc` stands for as well (Asterisk, res_pjsip): a save in FreePBX's form drops that keyword."""

SIP_WEBRTC = {
    "avpf": "yes", "force_avp": "yes", "icesupport": "yes", "encryption": "yes", "rtcp_mux": "yes",
    "transport": "wss,ws,udp,tcp,tls",
}  # fmt: skip
"""FreePBX adds the certificate that its Certificate Manager has for the device; no keyword of the device says which."""

ISSABEL_KEYS = "/etc/asterisk/keys/asterisk.pem"
"""Key and certificate in one file, as Issabel installs it and its own WebRTC profiles name it."""
ISSABEL_SIP_WEBRTC = {
    **SIP_WEBRTC, "dtlsenable": "yes", "dtlsverify": "fingerprint", "dtlscertfile": ISSABEL_KEYS,
    "dtlsprivatekey": ISSABEL_KEYS,
}  # fmt: skip
ISSABEL_PJSIP_WEBRTC = {
    "transport": "transport-wss", "media_encryption": "dtls", "ice_support": "yes", "use_avpf": "yes",
    "rtcp_mux": "yes", "media_use_received_transport": "yes", "dtls_verify": "fingerprint",
    "dtls_cert_file": ISSABEL_KEYS, "dtls_private_key": ISSABEL_KEYS,
}  # fmt: skip
SET_ONLY = frozenset({"dtlscertfile", "dtlsprivatekey"})
"""Keywords that Issabel has no row for while they are empty."""

RECORDING_KEYS = (
    ("recording", ""), ("recording/in/external", "dontcare"), ("recording/in/internal", "dontcare"),
    ("recording/out/external", "dontcare"), ("recording/out/internal", "dontcare"),
    ("recording/ondemand", "disabled"), ("recording/priority", "10"),
)  # fmt: skip
USER_KEYS = (
    ("answermode", "{DEFAULT_INTERNAL_AUTO_ANSWER}"), ("cfringtimer", "{CFRINGTIMERDEFAULT}"), ("cidname", "{name}"),
    ("cidnum", "{number}"), ("concurrency_limit", "{CONCURRENCYLIMITDEFAULT}"), ("device", "{number}"),
    ("noanswer", ""), ("outboundcid", ""), ("password", ""), ("ringtimer", "0"), ("voicemail", "novm"),
    *RECORDING_KEYS,
)  # fmt: skip
DEVICE_KEYS = (("dial", "{dial}"), ("type", "fixed"), ("user", "{number}"), ("default_user", "{number}"))

USER_ROW: dict[str, Template | int | None] = {
    "password": "", "name": "{name}", "voicemail": "novm", "ringtimer": 0, "noanswer": "", "recording": "",
    "outboundcid": "", "sipname": "", "noanswer_cid": "", "busy_cid": "", "chanunavail_cid": "", "noanswer_dest": "",
    "busy_dest": "", "chanunavail_dest": "",
}  # fmt: skip
DEVICE_ROW: dict[str, Template | int | None] = {
    "tech": "{tech}", "dial": "{dial}", "devicetype": "fixed", "user": "{number}", "description": "{name}",
    "emergency_cid": "", "hint_override": None,
}  # fmt: skip


@cache
def layout_for(platform: str, version: str) -> Layout:
    """The layout of this version of core (`17.0.18.4`; of IssabelPBX `2.12.0.8`), or of the nearest older one."""
    if platform == "issabel":
        return _issabel(*_nearest("Issabel", 5 if _numbers(version) >= (2, 12) else 4, ISSABEL_VERSIONS))
    return _freepbx(*_nearest("FreePBX", next(iter(_numbers(version)), 0), FREEPBX_VERSIONS))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]{1,6}", version))


def _nearest(name: str, version: int, known: tuple[int, ...]) -> tuple[int, str | None]:
    if version in known:
        return version, None
    nearest = max((each for each in known if each <= version), default=known[0])
    told = f"{name} {version}" if version else f"This version of {name}"
    return nearest, f"{told} is not known here: extensions are written as for {nearest}"


def _device(  # noqa: PLR0917  (a row of the tables below)
    table: str, version: int, dial: str, fields: Mapping[str, str], words: Mapping[str, Mapping[str, str]],
    webrtc: Mapping[str, str],
) -> DeviceLayout:  # fmt: skip
    rows = keywords(table, version)
    flags = {keyword: flag for keyword, _, flag in rows}
    return DeviceLayout(
        tuple((keyword, default) for keyword, default, _ in rows),
        flags,
        {**COMMON_FIELDS, **fields},
        words,
        {keyword: value for keyword, value in webrtc.items() if keyword in SET_ONLY.union(flags)},
        dial,
    )


def _freepbx(version: int, warning: str | None) -> Layout:
    later = (("cwtone", "disabled"),) if version >= 15 else ()
    return Layout(
        platform="freepbx",
        version=str(version),
        warning=warning,
        settings_table="freepbx_settings",
        devices={
            "pjsip": _device(
                FREEPBX_PJSIP, version, "PJSIP/{number}", NAMED_GROUPS | CONTACTS, {}, FREEPBX_PJSIP_WEBRTC
            ),
            "sip": _device(FREEPBX_SIP, version, "SIP/{number}", NAMED_GROUPS | ADDRESSES, CHAN_SIP_WORDS, SIP_WEBRTC),
        },
        user_row=USER_ROW | {"mohclass": "default"},
        device_row=DEVICE_ROW,
        user_keys=(*USER_KEYS, ("intercom", "enabled"), ("rvolume", ""), ("accountcode", ""), *later),
        device_keys=(*DEVICE_KEYS, ("tech", "{tech}")) if version >= 14 else DEVICE_KEYS,
        voicemail_keys=(("novmpw", "yes"),),
        voicemail_mapping="kvstore" if version >= 14 else "symlink",
        recording_words={},
        # 15 and 16; 17 was seen not to write it.
        presence=version in {15, 16},
        removes_existing=version >= 15,
        named_caller_id=version in {14, 15},
    )


def _issabel(version: int, warning: str | None) -> Layout:
    return Layout(
        platform="issabel",
        version=str(version),
        warning=warning,
        settings_table="issabelpbx_settings",
        devices={
            "pjsip": _device(
                ISSABEL_PJSIP, version, "PJSIP/{number}", GROUPS | CONTACTS | ADDRESSES, CHAN_SIP_WORDS,
                ISSABEL_PJSIP_WEBRTC,
            ),
            "sip": _device(
                ISSABEL_SIP, version, "SIP/{number}", GROUPS | ADDRESSES, CHAN_SIP_WORDS, ISSABEL_SIP_WEBRTC
            ),
        },
        user_row=USER_ROW | {"mohclass": None},
        device_row=DEVICE_ROW,
        user_keys=(*USER_KEYS, ("language", ""), ("queues/qnostate", "usestate")),
        device_keys=DEVICE_KEYS,
        voicemail_keys=(),
        voicemail_mapping="symlink",
        recording_words={"force": "always"},
        presence=False,
        removes_existing=False,
        named_caller_id=False,
    )  # fmt: skip
