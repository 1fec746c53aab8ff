"""FreePBX's pjsip.endpoint.conf, pjsip.auth.conf and pjsip.aor.conf."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.real.stand_in.section import Option, joined, renamed, section
from tests.real.stand_in.tables import Tables

CODECS = "ulaw,alaw,gsm,g726,g722"
DTMF_MODES = ("rfc4733", "inband", "info", "auto")
RTP_TIMEOUTS = {"rtp_timeout": "30", "rtp_timeout_hold": "300"}
SEND_RPID = {"pai": ["send_pai"], "yes": ["send_rpid"], "both": ["send_pai", "send_rpid"]}
ALWAYS = [
    *(("tos_audio", "ef"), ("tos_video", "af41"), ("cos_audio", "5"), ("cos_video", "4")),
    *(("mwi_subscribe_replaces_unsolicited", "yes"), ("language", "en"), ("one_touch_recording", "on")),
    *(("record_on_feature", "apprecord"), ("record_off_feature", "apprecord")),
]

ENDPOINT = {
    "direct_media": "direct_media",
    "aggregate_mwi": "aggregate_mwi",
    "avpf": "use_avpf",
    "rtcp_mux": "rtcp_mux",
    "max_audio_streams": "max_audio_streams",
    "max_video_streams": "max_video_streams",
    "webrtc": "webrtc",
    "bundle": "bundle",
    "icesupport": "ice_support",
    "media_use_received_transport": "media_use_received_transport",
    "trustrpid": "trust_id_inbound",
    "user_eq_phone": "user_eq_phone",
    "send_connected_line": "send_connected_line",
    "media_encryption": "media_encryption",
    "timers": "timers",
    "timers_min_se": "timers_min_se",
    "media_encryption_optimistic": "media_encryption_optimistic",
    "refer_blind_progress": "refer_blind_progress",
    "rtp_symmetric": "rtp_symmetric",
    "rewrite_contact": "rewrite_contact",
    "force_rport": "force_rport",
    "media_address": "media_address",
    "namedcallgroup": "named_call_group",
    "namedpickupgroup": "named_pickup_group",
    "accountcode": "accountcode",
    "message_context": "message_context",
    "outbound_proxy": "outbound_proxy",
}
AOR = {
    "max_contacts": "max_contacts",
    "remove_existing": "remove_existing",
    "maximum_expiration": "maximum_expiration",
    "minimum_expiration": "minimum_expiration",
    "qualifyfreq": "qualify_frequency",
}


def files(tables: Tables) -> dict[str, str]:
    """The three files, by name."""
    phones = list(_phones(tables))
    return {
        "pjsip.endpoint.conf": "".join(section(name, _endpoint(tables, device, rows)) for name, device, rows in phones),
        "pjsip.auth.conf": "".join(
            section(f"{name}-auth", _auth(rows)) for name, _, rows in phones if _protected(rows)
        ),
        "pjsip.aor.conf": "".join(section(name, _aor(tables, device, rows)) for name, device, rows in phones),
    }


def _phones(tables: Tables) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Section, device and rows: of the PJSIP devices whose rows name the driver and the section."""
    for device, row in tables.devices.items():
        rows = tables.keywords.get(device, {})
        if row["tech"] == "pjsip" and rows.get("sipdriver") == "chan_pjsip" and rows.get("account"):
            yield rows["account"], device, rows


def _protected(rows: Mapping[str, str]) -> bool:
    return bool(rows.get("secret") or rows.get("md5_cred"))


def _endpoint(tables: Tables, device: str, rows: Mapping[str, str]) -> list[Option]:
    account = rows["account"]
    options = [("type", "endpoint"), ("aors", account)]
    if _protected(rows):
        options.append(("auth", f"{account}-auth"))
    if rows.get("disallow"):
        options.append(("disallow", joined(rows["disallow"])))
    options += [("allow", joined(rows.get("allow", "")) or CODECS), ("context", rows.get("context", ""))]
    forced = rows.get("force_callerid") == "yes"
    options.append(("callerid", rows["callerid"] if forced else tables.caller_id(device, rows.get("callerid", ""))))
    mode = rows.get("dtmfmode", "rfc4733")
    options.append(("dtmf_mode", mode if mode in DTMF_MODES else "auto"))
    options += [("mailboxes", tables.mailbox(device, rows.get("mailbox", "")))]
    options += renamed(rows, ENDPOINT)
    options += [(name, "yes") for name in SEND_RPID.get(rows.get("sendrpid", ""), ())]
    options += [(name, _set(rows.get(name)) or default) for name, default in RTP_TIMEOUTS.items()]
    if _set(rows.get("device_state_busy_at")):
        options.append(("device_state_busy_at", rows["device_state_busy_at"]))
    if rows.get("transport"):
        options.append(("transport", rows["transport"]))
    return [*options, *ALWAYS]


def _set(value: str | None) -> str:
    return "" if value in (None, "0") else str(value)


def _auth(rows: Mapping[str, str]) -> list[Option]:
    user = ("username", rows.get("username") or rows["account"])
    if rows.get("md5_cred"):
        return [("type", "auth"), ("auth_type", "md5"), ("md5_cred", rows["md5_cred"]), user]
    return [("type", "auth"), ("auth_type", "userpass"), ("password", rows["secret"]), user]


def _aor(tables: Tables, device: str, rows: Mapping[str, str]) -> list[Option]:
    mailbox = tables.mailbox(device, rows.get("mailbox", ""))
    return [("type", "aor"), ("mailboxes", mailbox), *renamed({"remove_existing": "yes"} | dict(rows), AOR)]
