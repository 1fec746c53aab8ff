"""The tables of FreePBX 17, with what Issabel has beside them, as far as they are read, written or made here.

A real exchange has fewer columns, and other widths: name the columns in every statement, and ask `db.schema` what is
there. `users`, `devices` and `incoming` have no unique key on FreePBX, so nothing stops a second row there.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, SmallInteger, String, Table, Text

metadata = MetaData()


def _text(name: str, length: int, default: str | None = None, *, key: bool = False, null: bool = False) -> Column[str]:
    """A VARCHAR; with a default it is never NULL, unless `null` says so."""
    nullable = null or (default is None and not key)
    return Column(name, String(length), primary_key=key, nullable=nullable, server_default=default)


def _must(name: str, length: int) -> Column[str]:
    """A VARCHAR that has to be given."""
    return Column(name, String(length), nullable=False)


def _number(name: str, default: int | None = None, *, key: bool = False) -> Column[int]:
    made = None if default is None else str(default)
    return Column(name, Integer, primary_key=key, autoincrement=False, nullable=default is None, server_default=made)


def _serial(name: str) -> Column[int]:
    return Column(name, Integer, primary_key=True, autoincrement=True)


def _device_settings(name: str, width: int) -> Table:
    return Table(
        name, metadata,
        _text("id", 20, "-1", key=True), _text("keyword", 30, "", key=True), _must("data", width), _number("flags", 0),
    )  # fmt: skip


def _settings(name: str) -> Table:
    return Table(
        name, metadata,
        _text("keyword", 50, "", key=True), _text("value", 255), _text("name", 80), _number("level"),
        Column("description", Text), _text("type", 25), Column("options", Text), _text("defaultval", 255),
        _number("readonly"), _number("hidden"), _text("category", 50), _text("module", 50), _number("emptyok"),
        _number("sortorder"),
    )  # fmt: skip


users = Table(
    "users", metadata,
    _text("extension", 20, ""), _text("password", 20), _text("name", 50), _text("voicemail", 50), _number("ringtimer"),
    _text("noanswer", 100), _text("recording", 50), _text("outboundcid", 50), _text("sipname", 50),
    _text("noanswer_cid", 20, ""), _text("busy_cid", 20, ""), _text("chanunavail_cid", 20, ""),
    _text("noanswer_dest", 255, ""), _text("busy_dest", 255, ""), _text("chanunavail_dest", 255, ""),
    _text("mohclass", 80, "default", null=True),
    Index("users_extension", "extension"),
)  # fmt: skip
"""One row an extension."""

devices = Table(
    "devices", metadata,
    _text("id", 20, ""), _text("tech", 10, ""), _text("dial", 255, ""), _text("devicetype", 5, ""), _text("user", 50),
    _text("description", 80), _text("emergency_cid", 100), _text("hint_override", 100),
    Index("devices_id", "id"), Index("devices_tech", "tech"),
)  # fmt: skip
"""One row a device; a virtual extension has none. No `hint_override` on Issabel and before core 14.0.29."""

sip = _device_settings("sip", 8100)
"""Settings of chan_sip and PJSIP devices and of chan_sip trunks, one a row, in the order of `flags`."""
pjsip = _device_settings("pjsip", 8100)
"""Settings of PJSIP trunks, by `trunks.trunkid`. Issabel has no such table."""
iax = _device_settings("iax", 255)
dahdi = _device_settings("dahdi", 255)

findmefollow = Table(
    "findmefollow", metadata,
    _text("grpnum", 20, key=True), _text("strategy", 50), Column("grptime", SmallInteger), _text("grppre", 100),
    _text("grplist", 255), _number("annmsg_id"), _text("postdest", 255), _text("dring", 255), _text("rvolume", 2),
    _number("remotealert_id"), _text("needsconf", 10), _number("toolate_id"),
    Column("pre_ring", SmallInteger, server_default="0"), _text("ringing", 80),
    Column("calendar_enable", SmallInteger, server_default="0"), _text("calendar_id", 80, "", null=True),
    _text("calendar_group_id", 80, "", null=True), _text("calendar_match", 4, "yes", null=True),
)  # fmt: skip

admin = Table("admin", metadata, _text("variable", 20, "", key=True), _text("value", 80, ""))
"""`need_reload` is `true` while changes wait to be applied."""

freepbx_settings = _settings("freepbx_settings")
issabelpbx_settings = _settings("issabelpbx_settings")

modules = Table(
    "modules", metadata,
    _serial("id"), _text("modulename", 50, ""), _text("version", 20, ""), _number("enabled", 0),
    Column("signature", LargeBinary),
)  # fmt: skip

kvstore_voicemail = Table(
    "kvstore_FreePBX_modules_Voicemail", metadata,
    _must("key", 255), _text("val", 4096), _text("type", 16), _text("id", 255),
    Index("kvstore_voicemail_unique", "key", "id", unique=True),
)  # fmt: skip
"""FreePBX 14 and later; the group (`id`) `vmmapping` says which mailboxes a device's own stands for."""

featurecodes = Table(
    "featurecodes", metadata,
    _text("modulename", 50, "", key=True), _text("featurename", 50, "", key=True), _text("description", 200, ""),
    _text("helptext", 500, ""), _text("defaultcode", 20), _text("customcode", 20), _number("enabled", 0),
    _number("providedest", 0), _text("depend", 200),
)  # fmt: skip

ringgroups = Table(
    "ringgroups", metadata,
    _text("grpnum", 20, key=True), _must("strategy", 50), Column("grptime", SmallInteger, nullable=False),
    _text("grppre", 100), _must("grplist", 255), _number("annmsg_id"), _text("postdest", 255),
    _must("description", 35), _text("alertinfo", 255), _number("remotealert_id"), _text("needsconf", 10),
    _number("toolate_id"), _text("ringing", 80), _text("cwignore", 10), _text("cfignore", 10), _text("cpickup", 10),
    _text("recording", 10, "dontcare", null=True), _text("progress", 10), _text("elsewhere", 10),
    _text("rvolume", 2, ""),
)  # fmt: skip

queues_config = Table(
    "queues_config", metadata,
    _text("extension", 45, "", key=True), _text("descr", 35, ""), _text("grppre", 100, ""),
    _text("alertinfo", 254, ""), _number("ringing", 0), _text("maxwait", 8, ""), _text("password", 20, ""),
    _text("ivr_id", 8, "0"), _text("dest", 50, ""), _text("destcontinue", 50, ""), _number("cwignore", 0),
    _number("queuewait", 0), _number("use_queue_context", 0), _number("togglehint", 0), _number("qnoanswer", 0),
    _number("callconfirm", 0), _number("callconfirm_id"), _text("qregex", 255), _number("agentannounce_id"),
    _number("joinannounce_id"), _text("monitor_type", 5), _number("monitor_heard"), _number("monitor_spoken"),
    _text("callback_id", 8, ""),
)  # fmt: skip
"""`destcontinue` is Issabel's."""

queues_details = Table(
    "queues_details", metadata,
    _text("id", 45, "-1", key=True), _text("keyword", 30, "", key=True), _text("data", 150, "", key=True),
    _number("flags", 0),
)  # fmt: skip
"""`data` is in the key: the keyword `member` repeats."""

incoming = Table(
    "incoming", metadata,
    _text("cidnum", 50), _must("extension", 50), _text("destination", 60), _text("faxexten", 20), _text("faxemail", 50),
    _number("answer"), _number("wait"), _number("privacyman"), _text("alertinfo", 255), _text("ringing", 20),
    _text("fanswer", 20), _text("mohclass", 80, "default"), _text("description", 100), _text("grppre", 80),
    _number("delay_answer"), _text("pricid", 20), _text("pmmaxretries", 2), _text("pmminlength", 2),
    _text("reversal", 10), _text("rvolume", 2, "", null=True), _text("indication_zone", 20, "default", null=True),
    Index("incoming_extension", "extension"),
)  # fmt: skip
"""Inbound routes; `extension` is the DID, empty for any. FreePBX has no faxexten, faxemail, answer and wait."""

trunks = Table(
    "trunks", metadata,
    _number("trunkid", 0, key=True), _text("tech", 20, key=True), _text("channelid", 190, "", key=True),
    _text("name", 255, ""), _text("outcid", 255, ""), _text("keepcid", 4, "off", null=True),
    _text("maxchans", 6, "", null=True), _text("failscript", 255, ""), _text("dialoutprefix", 255, ""),
    _text("usercontext", 255), _text("provider", 40), _text("disabled", 4, "off", null=True),
    _text("continue", 4, "off", null=True), _text("routedisplay", 4, "on", null=True),
)  # fmt: skip

meetme = Table(
    "meetme", metadata,
    _text("exten", 50, key=True), _text("options", 15), _text("userpin", 50), _text("adminpin", 50),
    _text("description", 50), _number("joinmsg_id"), _text("music", 80), _number("users", 0),
)  # fmt: skip

paging_config = Table(
    "paging_config", metadata,
    _text("page_group", 190, key=True), _number("force_page", 0), _number("duplex", 0), _text("description", 255, ""),
)  # fmt: skip
paging_groups = Table("paging_groups", metadata, _text("page_number", 50, key=True), _text("ext", 25, key=True))

parkplus = Table(
    "parkplus", metadata,
    _serial("id"), _text("defaultlot", 10, "no"), _text("type", 10, "public"), _text("name", 40, ""),
    _text("parkext", 40, ""), _text("parkpos", 40, ""), _number("numslots", 4), _number("parkingtime", 45),
    _text("dest", 100, "app-blackhole,hangup,1"),
)  # fmt: skip
"""`parkext` is the lot's own number, `parkpos` that of its first place."""

vmblast = Table(
    "vmblast", metadata,
    _number("grpnum", 0, key=True), _must("description", 35), _number("audio_label", -1), _must("password", 20),
)  # fmt: skip
vmblast_groups = Table("vmblast_groups", metadata, _text("grpnum", 50, key=True), _text("ext", 25, key=True))

custom_extensions = Table(
    "custom_extensions", metadata,
    _text("custom_exten", 80, "", key=True), _text("description", 250, ""), _text("notes", 255, ""),
)  # fmt: skip
miscapps = Table(
    "miscapps", metadata, _serial("miscapps_id"), _text("ext", 50), _text("description", 50), _text("dest", 255)
)

ivr_details = Table(
    "ivr_details", metadata,
    _serial("id"), _text("name", 50), _text("description", 150), _number("announcement"), _text("directdial", 50),
    _text("invalid_destination", 50), _text("timeout_destination", 50),
)  # fmt: skip
ivr_entries = Table(
    "ivr_entries", metadata,
    Column("ivr_id", Integer, nullable=False), _text("selection", 30), _text("dest", 200), _number("ivr_ret", 0),
)  # fmt: skip
timeconditions = Table(
    "timeconditions", metadata,
    _serial("timeconditions_id"), _text("displayname", 50), _number("time"), _text("truegoto", 50),
    _text("falsegoto", 50),
)  # fmt: skip
announcement = Table(
    "announcement", metadata,
    _serial("announcement_id"), _text("description", 50), _number("recording_id"), _text("post_dest", 255),
)  # fmt: skip
daynight = Table(
    "daynight",
    metadata,
    _text("ext", 10, "", key=True),
    _text("dmode", 40, "", key=True),
    _text("dest", 190, "", key=True),
)
"""Call flow control."""
setcid = Table("setcid", metadata, _serial("cid_id"), _text("description", 50), _text("dest", 255))
languages = Table("languages", metadata, _serial("language_id"), _text("description", 50), _text("dest", 255))
callback = Table("callback", metadata, _serial("callback_id"), _text("description", 50), _text("destination", 50))
recordings = Table(
    "recordings", metadata,
    _serial("id"), _text("displayname", 50), Column("filename", LargeBinary), _text("description", 254),
    _number("fcode", 0), _text("fcode_pass", 20),
)  # fmt: skip
"""Announcements, by the ids that follow-me and others give; no call recordings."""
