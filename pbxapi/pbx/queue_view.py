"""A queue as the platforms keep it, read as what the REST interface shows of it."""

from __future__ import annotations

from collections.abc import Mapping

from pbxapi.pbx import queue_keywords as kept
from pbxapi.pbx.plan import Value
from pbxapi.pbx.queue_keywords import QueueLayout
from pbxapi.pbx.queue_reading import extension_of
from pbxapi.pbx.queueing import QueueSettings, StaticMember
from pbxapi.pbx.stored import RowKey, Stored

TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
"""ast_true of main/utils.c."""

_DEFAULT = QueueSettings(queue="")


def place(queue: str) -> RowKey:
    """Where the queue's own row is."""
    return kept.CONFIG, (("extension", queue),)


def keyword_place(queue: str, keyword: str) -> RowKey:
    """Where a keyword's row is, which there is one of."""
    return kept.DETAILS, (("id", queue), ("keyword", keyword))


def member_place(queue: str, data: str) -> RowKey:
    """Where a member's row is: one of many."""
    return kept.DETAILS, (("id", queue), ("keyword", kept.MEMBER), ("data", data))


def entry(queue: str, name: str) -> tuple[str, str]:
    """Where an entry of the queue is in AstDB."""
    return kept.FAMILY, f"{queue}/{name}"


def view(stored: Stored, layout: QueueLayout) -> QueueSettings:
    """The queue; what is not understood is shown as its default."""
    row = stored.rows.get(place(stored.number), {})
    data = keywords(stored)
    fields: dict[str, Value | bool] = {field: row.get(column) or None for field, column in kept.TEXTS.items()}
    fields |= {field: _number(row.get(column), 0) or None for field, column in kept.RECORDINGS.items()}
    fields |= {field: _number(data.get(keyword), _absent(field)) for field, keyword in kept.NUMBERS.items()}
    fields |= {field: _flag(data.get(keyword), absent=_absent(field)) for field, keyword in kept.FLAGS.items()}
    fields |= {field: data.get(keyword) or _absent(field) for field, keyword in kept.WORDS.items()}
    if data.get("retry") == kept.NO_RETRY:
        fields["retry"] = None
    cwignore = _number(row.get("cwignore"), 0)
    ringing = _number(row.get("ringing"), 0)
    return QueueSettings(
        queue=stored.number,
        max_wait=_number(row.get("maxwait"), 0) or None,
        skip_busy=next((skip for (skip, _), value in kept.BUSY.items() if value == cwignore), False),
        ringing=next((word for word, value in kept.RINGING.items() if value == ringing), _DEFAULT.ringing),
        music_class=data.get(kept.MUSIC) or None,
        recording=_recording(data, layout),
        only_listed_agents=_flag(stored.key(kept.FAMILY, "dynmemberonly"), absent=False),
        dynamic_agents=_agents(stored),
        static_members=tuple(member for member, _, _ in members(stored)),
        options={keyword: value for keyword, value in sorted(data.items()) if kept.free(keyword, layout)},
        **fields,  # type: ignore[arg-type]
    )


def keywords(stored: Stored) -> dict[str, str]:
    """The queue's keywords but for its members."""
    found = {}
    for (table, key), row in stored.rows.items():
        if table == kept.DETAILS and key[1][1] != kept.MEMBER:
            found[str(key[1][1])] = str(row["data"] or "")
    return found


def members(stored: Stored) -> list[tuple[StaticMember, str, int]]:
    """Its static members in their order, each with its data and its flags as they are kept."""
    found = []
    for (table, key), row in stored.rows.items():
        if table == kept.DETAILS and key[1][1] == kept.MEMBER:
            found.append((int(row["flags"] or 0), str(key[2][1])))
    return [(member_of(data), data, flags) for flags, data in sorted(found)]


def member_of(data: str) -> StaticMember:
    """`Local/200@from-queue/n,5`."""
    interface, _, rest = data.partition(",")
    return StaticMember(interface, _number(rest.partition(",")[0], 0), extension_of(interface))


def _agents(stored: Stored) -> dict[str, int]:
    below = entry(stored.number, "agents/")[1]
    found = {
        key.removeprefix(below): _number(value, 0)
        for (family, key), value in stored.keys.items()
        if family == kept.FAMILY and key.startswith(below)
    }
    return dict(sorted(found.items(), key=lambda each: (len(each[0]), each[0])))


def _recording(data: Mapping[str, str], layout: QueueLayout) -> str | None:
    """The word; on Issabel any format of a file is yes."""
    value = data.get(layout.recording)
    if value is None:
        return None
    words = {text: word for word, text in layout.recordings.items()}
    return words.get(value) or ("yes" if "" in words else value or None)


def _absent(field: str) -> Value | bool:
    """What a field is that no row says anything about."""
    found: Value | bool = kept.ABSENT.get(field, getattr(_DEFAULT, field))
    return found


def _flag(text: str | None, *, absent: object) -> bool:
    return text.strip().lower() in TRUE if text else bool(absent)


def _number(value: object, default: object) -> int:
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() else int(str(default or 0))
