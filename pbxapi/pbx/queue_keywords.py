"""How FreePBX and Issabel keep a queue: which column or keyword a field is, and the rows of a new queue by version.

FreePBX 13 to 17 and Issabel have the same two tables, `queues_config` and `queues_details`, and the family QPENALTY in
AstDB. New rows as seen on FreePBX 14, with the modules of 16 and 17, and on Issabel 5; 13 and 15 by their source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pbxapi.pbx.plan import Value

MODULE = "queues"
CONFIG, DETAILS = "queues_config", "queues_details"
FAMILY = "QPENALTY"
MEMBER = "member"
"""The one keyword that repeats; its `flags` are the members' order."""

TEXTS = {
    "description": "descr", "caller_id_prefix": "grppre", "alert_info": "alertinfo", "password": "password",
    "destination_if_no_answer": "dest",
}  # fmt: skip
"""Columns of `queues_config` with text; '' is none."""

RECORDINGS = {"join_announcement_id": "joinannounce_id", "agent_announcement_id": "agentannounce_id"}
"""Columns with an id of the table `recordings`; 0 and NULL are none."""

NUMBERS = {
    "ring_time": "timeout", "retry": "retry", "wrapup_time": "wrapuptime", "max_callers": "maxlen", "weight": "weight",
    "auto_pause_delay": "autopausedelay", "service_level": "servicelevel", "member_delay": "memberdelay",
    "announce_frequency": "announce-frequency", "min_announce_frequency": "min-announce-frequency",
    "periodic_announce_frequency": "periodic-announce-frequency",
}  # fmt: skip
FLAGS = {
    "autofill": "autofill", "ring_in_use": "ringinuse", "auto_pause_busy": "autopausebusy",
    "auto_pause_unavailable": "autopauseunavail", "timeout_restart": "timeoutrestart",
    "report_hold_time": "reportholdtime",
}  # fmt: skip
WORDS = {
    "strategy": "strategy", "join_empty": "joinempty", "leave_when_empty": "leavewhenempty", "auto_pause": "autopause",
    "announce_hold_time": "announce-holdtime", "announce_position": "announce-position",
}  # fmt: skip
"""Keywords of `queues_details`: numbers, yes and no, words."""

MUSIC = "music"
"""Has no row while callers hear their own class."""

NO_RETRY = "none"
"""The platforms' word; Queue() is called with the option n then."""

RINGING = {"music": 0, "ring": 1, "ring_when_agent_rings": 2}
"""What `ringing` holds."""

BUSY = {(False, True): 0, (True, True): 1, (True, False): 2, (False, False): 3}
"""What `cwignore` holds, by `skip_busy` and `ring_in_use`; the second is a keyword of its own beside."""

ABSENT = {"service_level": 0, "autofill": True}
"""What Asterisk does without the keyword, where that is another than a new queue's (init_queue of apps/app_queue.c)."""

PROMPTS = {
    "queue-youarenext": "silence/1", "queue-thereare": "silence/1", "queue-callswaiting": "silence/1",
    "queue-thankyou": "",
}  # fmt: skip
"""What stands in them while positions are not announced; else their own names."""


@dataclass(frozen=True, slots=True)
class QueueLayout:
    """One version. `columns` and `keywords` are those of a new queue.

    `recording` is the keyword that says whether calls are recorded, `recordings` its values by our words. An id of no
    recording is `no_recording`.
    """

    columns: Mapping[str, Value]
    keywords: Mapping[str, str]
    recording: str
    recordings: Mapping[str, str]
    no_recording: int | None


_COLUMNS: Mapping[str, Value] = {
    "descr": "", "grppre": "", "alertinfo": "", "ringing": 0, "maxwait": "", "password": "", "ivr_id": "none",
    "dest": "", "cwignore": 0, "queuewait": 0, "use_queue_context": 0, "togglehint": 0, "qnoanswer": 0,
    "callconfirm": 0, "callconfirm_id": None, "qregex": "", "agentannounce_id": None, "joinannounce_id": None,
    "monitor_type": "", "monitor_heard": 0, "monitor_spoken": 0, "callback_id": "none",
}  # fmt: skip
_KEYWORDS = {
    "announce-frequency": "0", "announce-holdtime": "no", "announce-position": "no", "autofill": "no",
    "autopause": "no", "autopausebusy": "no", "autopausedelay": "0", "autopauseunavail": "no",
    "cron_schedule": "never", "joinempty": "yes", "leavewhenempty": "no", "maxlen": "0", "memberdelay": "0",
    "monitor-join": "yes", "periodic-announce-frequency": "0", **PROMPTS, "reportholdtime": "no", "retry": "5",
    "ringinuse": "yes", "servicelevel": "60", "skip_joinannounce": "", "strategy": "ringall", "timeout": "15",
    "timeoutrestart": "no", "weight": "0", "wrapuptime": "0",
}  # fmt: skip
_FREEPBX = _KEYWORDS | {"min-announce-frequency": "15", "recording": "dontcare", "cron_random": "", "rvolume": ""}
_LATER = {"answered_elsewhere": "0", "penaltymemberslimit": "0", "timeoutpriority": "app"}
_EVENTS = {"eventmemberstatus": "0", "eventwhencalled": "0"}


def _freepbx(keywords: Mapping[str, str]) -> QueueLayout:
    words = {word: word for word in ("force", "yes", "dontcare", "no", "never")}
    return QueueLayout(_COLUMNS, keywords, "recording", words, None)


LAYOUTS = {
    2: QueueLayout(
        {**_COLUMNS, "destcontinue": "", "callconfirm_id": 0, "agentannounce_id": 0, "joinannounce_id": 0},
        _KEYWORDS | _LATER | {"eventmemberstatus": "no", "eventwhencalled": "yes", "monitor-format": "",
                              "cron_hour": "0", "cron_minute": "0"},
        "monitor-format", {"no": "", "yes": "wav"}, 0,
    ),
    13: _freepbx(_FREEPBX),
    14: _freepbx(_FREEPBX | _LATER | {"rvol_mode": "dontcare"}),
    15: _freepbx(_FREEPBX | _LATER | _EVENTS | {"rvol_mode": "dontcare"}),
}  # fmt: skip
"""By the first number of the module's version from which it is so. Issabel's is 2.11 or 2.12."""


def layout_of(version: str) -> QueueLayout:
    """The layout of that version of the module, or of the nearest older one."""
    first = version.partition(".")[0]
    number = int(first) if first.isascii() and first.isdigit() else 0
    return LAYOUTS[max((known for known in LAYOUTS if known <= number), default=min(LAYOUTS))]


_NAMED = {
    **{field: (CONFIG, column) for field, column in {**TEXTS, **RECORDINGS, "max_wait": "maxwait"}.items()},
    **{field: (DETAILS, keyword) for field, keyword in {**NUMBERS, **FLAGS, **WORDS, "music_class": MUSIC}.items()},
}
PLACES = {place: field for field, place in _NAMED.items()} | {(DETAILS, MEMBER): "static_members"}
"""What a caller knows a column or a keyword as."""


def free(keyword: str, layout: QueueLayout) -> bool:
    """Whether no field stands for this keyword."""
    return keyword != layout.recording and (DETAILS, keyword) not in PLACES
