"""Issabel's pjsip_additional.conf."""

from __future__ import annotations

from collections.abc import Mapping

from tests.real.stand_in.section import Option, joined, section, split
from tests.real.stand_in.tables import Tables

CODECS = "ulaw,alaw,gsm"
NAMES = {
    "sendrpid": "send_rpid",
    "trustrpid": "trust_id_inbound",
    "callgroup": "call_group",
    "pickupgroup": "pickup_group",
    "icesupport": "ice_support",
    "avpf": "use_avpf",
    "dtlscertfile": "dtls_cert_file",
    "dtlsprivatekey": "dtls_private_key",
    "dtlssetup": "dtls_setup",
    "dtlsverify": "dtls_verify",
    "mailbox": "mailboxes",
}
DROPPED = (
    *("account", "secret", "dtmfmode", "canreinvite", "port", "qualify", "dtlsenable", "dial", "encryption"),
    *("parkinglot", "host", "type", "force_avp", "sipdriver"),
)
AOR = {
    "qualifyfreq": "qualify_frequency",
    "max_contacts": "max_contacts",
    "qualify_timeout": "qualify_timeout",
    "remove_existing": "remove_existing",
    "authenticate_qualify": "authenticate_qualify",
}
NAT = ("rtp_symmetric", "force_rport", "rewrite_contact")


def files(tables: Tables) -> dict[str, str]:
    """The one file, by name. The technology is what `devices` says; there is no row `sipdriver` here."""
    text = ""
    for device, row in tables.devices.items():
        rows = tables.keywords.get(device, {})
        account = rows.get("account")
        if row["tech"] == "pjsip" and account:
            text += section(account, _endpoint(tables, device, rows))
            if rows.get("secret"):
                text += section(f"auth{account}", _auth(rows))
            text += section(account, [("type", "aor"), *((AOR[k], v) for k, v in rows.items() if v and k in AOR)])
    return {"pjsip_additional.conf": text}


def _endpoint(tables: Tables, device: str, rows: Mapping[str, str]) -> list[Option]:
    options = [("type", "endpoint"), ("aors", rows["account"])]
    if rows.get("secret"):
        options.append(("auth", f"auth{rows['account']}"))
    values = {
        **rows,
        "callerid": tables.caller_id(device, rows.get("callerid", "")),
        "mailbox": tables.mailbox(device, rows.get("mailbox", "")),
        "disallow": rows.get("disallow") or "all",
        "allow": joined(rows.get("allow") or CODECS),
    }
    nat = values.pop("nat", "no")
    if nat not in ("no", "never"):
        options += [(name, "yes") for name in NAT]
    for keyword, value in values.items():
        if value and keyword not in DROPPED and keyword not in AOR:
            options += split(NAMES.get(keyword, keyword), value)
    return options


def _auth(rows: Mapping[str, str]) -> list[Option]:
    return [("type", "auth"), ("auth_type", "userpass"), ("password", rows["secret"]), ("username", rows["account"])]
