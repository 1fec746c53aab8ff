"""The database of the demo's FreePBX 17: its extensions and what else has a number, written as a real one writes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pbxapi.db.engine import connect, sqlite_engine
from pbxapi.db.platform_tables import metadata
from pbxapi.demo.history_people import (
    ACCOUNTS,
    DIRECT_DIALS,
    FOLLOW_ME,
    QUEUE_OF_DID,
    RING_GROUP,
    RING_GROUP_DID,
    RING_GROUP_MEMBERS,
    VOICEMAIL,
)
from pbxapi.demo.parking import SPACES
from pbxapi.demo.phones import Phone
from pbxapi.demo.queue import DYNAMIC, LEAVE_AFTER, MEMBERS, QUEUES, RETRY, RING_TIME
from pbxapi.pbx import follow_me_plans
from pbxapi.pbx.extension_draft import Draft
from pbxapi.pbx.follow_me_layout import layout_of
from pbxapi.pbx.plan import RowChange, Value
from pbxapi.pbx.platform import Platform, PlatformLook
from pbxapi.pbx.provisioning import FollowMe, Mailbox
from pbxapi.pbx.row_changes import write
from pbxapi.pbx.stored import Stored, lead
from pbxapi.pbx.voicemail_line import new_line

CORE = "17.0.18.4"
MODULES = {
    "framework": "17.0.19.28", "core": CORE, "voicemail": "17.0.6.3", "findmefollow": "17.0.5.5", "queues": "17.0.1.14",
    "ringgroups": "17.0.2.8", "ivr": "17.0.1.9", "parking": "17.0.2.4", "featurecodeadmin": "17.0.6",
    "customappsreg": "17.0.2", "callforward": "17.0.2", "donotdisturb": "17.0.2", "callwaiting": "17.0.1",
}  # fmt: skip
SETTINGS = {
    "AMPEXTENSIONS": "extensions", "ASTSIPDRIVER": "chan_pjsip", "CFRINGTIMERDEFAULT": "0",
    "CONCURRENCYLIMITDEFAULT": "3", "DEFAULT_INTERNAL_AUTO_ANSWER": "disabled", "DEVICE_ALLOW": "",
    "DEVICE_CALLGROUP": "", "DEVICE_DISALLOW": "", "DEVICE_PICKUPGROUP": "", "DEVICE_SIP_DTMF": "rfc2833",
    "DEVICE_SIP_QUALIFYFREQ": "60", "DEVICE_SIP_SENDRPID": "pai", "DEVICE_SIP_TRUSTRPID": "yes", "ENABLECW": "1",
    "FOLLOWME_DISABLED": "1", "FOLLOWME_PRERING": "7", "FOLLOWME_RG_STRATEGY": "ringallv2-prim", "FOLLOWME_TIME": "20",
    "RINGTIMER": "20", "SIPSECRETSIZE": "32", "USEDEVSTATE": "1",
}  # fmt: skip
FEATURE_CODES = (
    ("callforward", "cfon", "Call Forward All Activate", "*72"),
    ("callforward", "cfoff", "Call Forward All Deactivate", "*73"),
    ("donotdisturb", "dnd_toggle", "DND Toggle", "*76"),
    ("voicemail", "myvoicemail", "My Voicemail", "*97"),
    ("voicemail", "dialvoicemail", "Dial Voicemail", "*98"),
)
TESTS = {"600": "Echo", "601": "Tone", "602": "Announcement", "603": "Silence"}
"""Numbers of the demo's own dialplan."""

_QUEUE_OPTIONS = {
    "timeout": f"{RING_TIME:.0f}", "retry": f"{RETRY:.0f}", "wrapuptime": "0", "maxlen": "0", "servicelevel": "30",
    "weight": "0", "joinempty": "yes", "leavewhenempty": "no", "ringinuse": "no", "autofill": "yes",
    "announce-frequency": "0", "announce-holdtime": "no", "announce-position": "no", "reportholdtime": "no",
    "autopause": "no", "memberdelay": "0", "timeoutrestart": "no", "recording": "dontcare",
}  # fmt: skip
"""Of both queues, as their form writes them."""

FOLLOW_ME_OFF = "107"
"""Who has a follow-me that is switched off."""

Entries = Sequence[tuple[str, str, str]]
"""AstDB: family, key and value."""


def make_platform(database: Path, voicemail_conf: Path, phones: Collection[Phone]) -> tuple[Entries, Mapping[str, str]]:
    """Make both files. Gives the entries of AstDB and the custom states that belong to them.

    Raises OSError, and Unavailable when the database cannot be written.
    """
    engine = sqlite_engine(str(database), only_read=False)
    try:
        metadata.create_all(engine)
        with connect(engine) as connection:
            write(connection, _settings())
            write(connection, _numbers())
            connection.commit()
        platform = PlatformLook(engine, "freepbx").now()
        made = [_extension(phone, platform) for phone in phones]
        with connect(engine) as connection:
            write(connection, [row for one in made for row in lead(Stored(one.number), one).rows])
            connection.commit()
    finally:
        engine.dispose()
    voicemail_conf.write_text(_voicemail_conf(made, {phone.number: phone.name for phone in phones}), encoding="utf-8")
    entries = [(family, key, value) for one in made for (family, key), value in one.keys.items()]
    for queue, agents in DYNAMIC.items():
        entries.append(("QPENALTY", f"{queue}/dynmemberonly", "no"))
        entries += [("QPENALTY", f"{queue}/agents/{number}", str(penalty)) for number, penalty in agents.items()]
    return entries, {device: state for one in made for device, state in one.states.items()}


def _row(table: str, key: Mapping[str, Value], values: Mapping[str, Value] | None = None) -> RowChange:
    return RowChange(table, key, None, values or {})


def _settings() -> list[RowChange]:
    return [
        *(_row("modules", {"modulename": name}, {"version": text, "enabled": 1}) for name, text in MODULES.items()),
        *(_row("freepbx_settings", {"keyword": name}, {"value": value}) for name, value in SETTINGS.items()),
        _row("admin", {"variable": "need_reload"}, {"value": "false"}),
        _row("admin", {"variable": "version"}, {"value": MODULES["framework"]}),
    ]


def _numbers() -> list[RowChange]:
    """What has a number and is no extension, and what leads to numbers."""
    features = [
        _row("featurecodes", {"modulename": module, "featurename": name},
             {"description": text, "defaultcode": code, "enabled": 1})
        for module, name, text, code in FEATURE_CODES
    ]  # fmt: skip
    tests = [_row("custom_extensions", {"custom_exten": number}, {"description": f"{text} (demo)"})
             for number, text in TESTS.items()]  # fmt: skip
    lot: dict[str, Value] = {"defaultlot": "yes", "parkext": "700", "parkpos": str(SPACES[0]), "numslots": len(SPACES)}
    return [*features, *tests, _row("parkplus", {"name": "Default Lot"}, lot), *_queues(), _ring_group(), *_routes()]


def _queues() -> Iterable[RowChange]:
    for number, name in QUEUES.items():
        config: dict[str, Value] = {"descr": name, "maxwait": f"{LEAVE_AFTER:.0f}", "cwignore": 2}
        config |= {"dest": "app-blackhole,hangup,1", "ivr_id": "none", "callback_id": "none"}
        yield _row("queues_config", {"extension": number}, config)
        strategy = "ringall" if number == "800" else "rrmemory"
        for keyword, data in {**_QUEUE_OPTIONS, "strategy": strategy}.items():
            yield _row("queues_details", {"id": number, "keyword": keyword, "data": data}, {"flags": 0})
        for place, member in enumerate(MEMBERS[number]):
            interface = f"Local/{member}@from-queue/n,0"
            yield _row("queues_details", {"id": number, "keyword": "member", "data": interface}, {"flags": place})


def _ring_group() -> RowChange:
    values: dict[str, Value] = {
        "strategy": "ringall", "grptime": 20, "grplist": "-".join(RING_GROUP_MEMBERS), "description": "Workshop",
        "postdest": "app-blackhole,hangup,1",
    }  # fmt: skip
    return _row("ringgroups", {"grpnum": RING_GROUP}, values)


def _routes() -> Iterable[RowChange]:
    """Inbound routes, and the menu that the company's own number leads to."""
    for did, queue in QUEUE_OF_DID.items():
        yield _incoming(did, f"ext-queues,{queue},1" if queue else "ivr-1,s,1")
    for did, number in DIRECT_DIALS.items():
        yield _incoming(did, f"from-did-direct,{number},1")
    yield _incoming(RING_GROUP_DID, f"ext-group,{RING_GROUP},1")
    yield _row("ivr_details", {"id": 1}, {"name": "Main menu", "timeout_destination": "from-did-direct,100,1"})
    choices = {"0": "from-did-direct,100,1", "1": "ext-queues,800,1", "2": "ext-queues,801,1"}
    for selection, destination in choices.items():
        yield _row("ivr_entries", {"ivr_id": 1, "selection": selection}, {"dest": destination})


def _incoming(did: str, destination: str) -> RowChange:
    return _row("incoming", {"extension": did}, {"cidnum": "", "destination": destination, "description": ""})


def _extension(phone: Phone, platform: Platform) -> Stored:
    number = phone.number
    draft = Draft(number, platform)
    draft.begin("pjsip", phone.name)
    if number in ACCOUNTS:
        draft.set({"account_code": ACCOUNTS[number]})
    if number in VOICEMAIL:
        draft.set_box(Mailbox(password=f"{number}7", email=f"{number}@example.com"))
    usual = follow_me_plans.defaults(number, platform.settings)
    if number in FOLLOW_ME:
        return _following(draft.stored(), usual, f"{number}-{FOLLOW_ME[number]}#", platform)
    if number == FOLLOW_ME_OFF:
        return _following(draft.stored(), replace(usual, enabled=False), f"{number}-109", platform)
    return draft.stored()


def _following(made: Stored, follow_me: FollowMe, grplist: str, platform: Platform) -> Stored:
    columns = platform.schema.tables["findmefollow"].columns
    layout = layout_of(MODULES["findmefollow"])
    saved = follow_me_plans.saved(made, follow_me, grplist, layout=layout, columns=columns, files={})
    return follow_me_plans.lit(saved, [made.number], enabled=follow_me.enabled)


def _voicemail_conf(made: Iterable[Stored], names: Mapping[str, str]) -> str:
    boxes = {one.number: one.box for one in made if one.box}
    lines = [new_line(number, "=", box, names[number]) for number, box in boxes.items()]
    aliases = [f"{number}@device={number}@default" for number in boxes]
    head = ["[general]", "aliasescontext=pbxaliases", "format=wav"]
    return "\n".join([*head, "", "[default]", *lines, "", "[pbxaliases]", *aliases, ""])
