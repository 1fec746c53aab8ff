"""How a phone's settings are called in Asterisk's own configuration: by chan_pjsip, and by chan_sip (before 21).

What is named here is in 13 and in 22. Nothing here runs a program, includes a file or names one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Objects = Mapping[str, Mapping[str, str]]
"""Options by the kind of object that has them: endpoint, auth and aor of PJSIP, or the one peer of chan_sip."""

Place = tuple[str, str]
"""A kind and an option."""

YES_NO = "yes|no"
NUMBER = r"[0-9]{1,5}"
NAME = r"[0-9A-Za-z_.-]{1,40}"
HOST = r"[0-9A-Za-z_.:-]{1,80}"


@dataclass(frozen=True)
class Dialect:
    """`defaults` is what a new phone has; `own` what only its number says; `fields` where a field of Extension is.

    `groups` are the options for numbered groups and for named ones. `options` are those that callers may set, with the
    pattern that a value has to match: what Asterisk does not understand, it leaves out with the whole object.
    """

    technology: str
    kinds: tuple[str, ...]
    defaults: Objects
    own: Objects
    fields: Mapping[str, Place]
    caller_id: Place
    variables: Place
    mailboxes: Place
    groups: Mapping[str, tuple[Place, Place]]
    options: Mapping[str, tuple[str, str]]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    webrtc: Place | None = None
    max_contacts: Place | None = None
    main: str = ""
    module: str = ""

    @property
    def main_kind(self) -> str:
        """The kind of object that a number cannot be without."""
        return self.kinds[0]

    def with_context(self, context: str) -> Dialect:
        """The same, with a default context."""
        kind = self.main_kind
        return replace(self, defaults={**self.defaults, kind: {"context": context, **self.defaults[kind]}})


PJSIP = Dialect(
    technology="pjsip",
    main="pjsip.conf",
    module="res_pjsip.so",
    kinds=("endpoint", "auth", "aor"),
    defaults={
        "endpoint": {
            "disallow": "all", "allow": "ulaw,alaw", "dtmf_mode": "rfc4733", "direct_media": "no",
            "rtp_symmetric": "yes", "force_rport": "yes", "rewrite_contact": "yes",
        },
        "auth": {"auth_type": "userpass"},
        "aor": {"max_contacts": "1", "remove_existing": "yes", "qualify_frequency": "60"},
    },
    own={"endpoint": {"auth": "{number}", "aors": "{number}"}, "auth": {"username": "{number}"}, "aor": {}},
    fields={
        "secret": ("auth", "password"), "context": ("endpoint", "context"), "codecs": ("endpoint", "allow"),
        "transport": ("endpoint", "transport"), "dtmf_mode": ("endpoint", "dtmf_mode"),
        "permit": ("endpoint", "permit"), "deny": ("endpoint", "deny"), "account_code": ("endpoint", "accountcode"),
        "max_contacts": ("aor", "max_contacts"),
    },
    words={"dtmf_mode": {"rfc2833": "rfc4733"}},
    caller_id=("endpoint", "callerid"),
    variables=("endpoint", "set_var"),
    mailboxes=("endpoint", "mailboxes"),
    groups={
        "call_group": (("endpoint", "call_group"), ("endpoint", "named_call_group")),
        "pickup_group": (("endpoint", "pickup_group"), ("endpoint", "named_pickup_group")),
    },
    webrtc=("endpoint", "webrtc"),
    max_contacts=("aor", "max_contacts"),
    options={
        **dict.fromkeys(
            (
                "allow_subscribe", "allow_transfer", "aggregate_mwi", "direct_media", "disable_direct_media_on_nat",
                "fax_detect", "force_avp", "force_rport", "ice_support", "inband_progress", "moh_passthrough",
                "media_encryption_optimistic", "media_use_received_transport", "one_touch_recording",
                "rewrite_contact", "rpid_immediate", "rtp_ipv6", "rtp_symmetric", "send_diversion", "send_pai",
                "send_rpid", "srtp_tag_32", "t38_udptl", "trust_id_inbound", "trust_id_outbound", "use_avpf",
                "use_ptime", "user_eq_phone",
            ),
            ("endpoint", YES_NO),
        ),
        **dict.fromkeys(
            (
                "device_state_busy_at", "rtp_keepalive", "rtp_timeout", "rtp_timeout_hold", "sub_min_expiry",
                "timers_min_se", "timers_sess_expires",
            ),
            ("endpoint", NUMBER),
        ),
        **dict.fromkeys(
            ("from_user", "language", "moh_suggest", "mwi_from_user", "tone_zone"), ("endpoint", NAME)
        ),
        **dict.fromkeys(("from_domain", "media_address"), ("endpoint", HOST)),
        "100rel": ("endpoint", "yes|no|required"),
        "callerid_privacy": (
            "endpoint",
            "(allowed|prohib)(_not_screened|_passed_screen|_failed_screen)?|allowed|prohib|unavailable",
        ),
        "direct_media_method": ("endpoint", "invite|reinvite|update"),
        "media_encryption": ("endpoint", "no|sdes|dtls"),
        "timers": ("endpoint", "yes|no|required|always"),
        **dict.fromkeys(
            ("default_expiration", "maximum_expiration", "minimum_expiration", "qualify_frequency"), ("aor", NUMBER)
        ),
        **dict.fromkeys(("authenticate_qualify", "remove_existing", "support_path"), ("aor", YES_NO)),
        "qualify_timeout": ("aor", r"[0-9]{1,3}(\.[0-9]{1,3})?"),
        "nonce_lifetime": ("auth", NUMBER),
    },
)  # fmt: skip

SIP = Dialect(
    technology="sip",
    main="sip.conf",
    module="chan_sip.so",
    kinds=("peer",),
    defaults={
        "peer": {
            "type": "friend", "host": "dynamic", "disallow": "all", "allow": "ulaw,alaw", "dtmfmode": "rfc2833",
            "directmedia": "no", "nat": "force_rport,comedia", "qualify": "yes",
        },
    },
    own={"peer": {}},
    fields={
        "secret": ("peer", "secret"), "context": ("peer", "context"), "codecs": ("peer", "allow"),
        "transport": ("peer", "transport"), "dtmf_mode": ("peer", "dtmfmode"), "permit": ("peer", "permit"),
        "deny": ("peer", "deny"), "account_code": ("peer", "accountcode"), "call_limit": ("peer", "call-limit"),
    },
    words={"dtmf_mode": {"rfc4733": "rfc2833"}},
    caller_id=("peer", "callerid"),
    variables=("peer", "setvar"),
    mailboxes=("peer", "mailbox"),
    groups={
        "call_group": (("peer", "callgroup"), ("peer", "namedcallgroup")),
        "pickup_group": (("peer", "pickupgroup"), ("peer", "namedpickupgroup")),
    },
    options={
        **dict.fromkeys(
            (
                "allowsubscribe", "allowtransfer", "directmedia", "encryption", "faxdetect", "icesupport",
                "qualify", "rfc2833compensate", "t38pt_udptl", "trustrpid", "usereqphone", "videosupport",
            ),
            ("peer", YES_NO),
        ),
        **dict.fromkeys(
            ("busylevel", "qualifyfreq", "rtpholdtimeout", "rtpkeepalive", "rtptimeout"), ("peer", NUMBER)
        ),
        **dict.fromkeys(("language", "mohsuggest", "fromuser"), ("peer", NAME)),
        "fromdomain": ("peer", HOST),
        "nat": ("peer", "no|yes|(force_rport|comedia|auto_force_rport|auto_comedia)(,(force_rport|comedia))?"),
        "sendrpid": ("peer", "yes|no|pai|rpid"),
        "session-timers": ("peer", "accept|originate|refuse"),
    },
)  # fmt: skip

SIP_TRANSPORTS = ("udp", "tcp", "tls", "ws", "wss")

DIALECTS = {dialect.technology: dialect for dialect in (PJSIP, SIP)}
