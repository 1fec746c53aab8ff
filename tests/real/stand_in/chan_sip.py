"""sip_additional.conf, which FreePBX (on Asterisk before 21) and Issabel write alike."""

from __future__ import annotations

from collections.abc import Mapping

from tests.real.stand_in.section import Option, section, split
from tests.real.stand_in.tables import Tables

NAMES = {"sessiontimers": "session-timers"}
DROPPED = ("account", "sipdriver", "secret_origional", "md5_cred", "videosupport")
ALWAYS = [
    *(("recordonfeature", "apprecord"), ("recordofffeature", "apprecord")),
    *(("callcounter", "yes"), ("faxdetect", "no")),
]
ONLY_WHEN_SET = ("disallow", "allow")
NOT_A_PHONE = ("tr-", "pjsip-", "-1")


def files(tables: Tables) -> dict[str, str]:
    """The file, by name: every id with a row `account`, but those of PJSIP."""
    text = ""
    for device, rows in tables.keywords.items():
        pjsip = rows.get("sipdriver") == "chan_pjsip"
        if tables.platform == "issabel":
            pjsip = tables.devices.get(device, {}).get("tech") == "pjsip"
        if rows.get("account") and not pjsip and not device.startswith(NOT_A_PHONE):
            text += section(rows["account"], _options(tables, device, rows))
    return {"sip_additional.conf": text}


def _options(tables: Tables, device: str, rows: Mapping[str, str]) -> list[Option]:
    options: list[Option] = []
    for keyword, value in rows.items():
        if keyword in DROPPED or (keyword in ONLY_WHEN_SET and not value):
            continue
        options += split(NAMES.get(keyword, keyword), _written(tables, device, keyword, value))
    return [*options, *ALWAYS]


def _written(tables: Tables, device: str, keyword: str, value: str) -> str:
    match keyword:
        case "callerid":
            return tables.caller_id(device, value)
        case "mailbox":
            return tables.mailbox(device, value)
        case "secret":
            return value.replace(";", "\\;")
        case "transport":
            return value.partition(",")[0]  # what the SIP settings allow: UDP
        case _:
            return value
