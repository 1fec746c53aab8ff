"""What `/cdr` takes and gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from pbxapi.http.channel_schemas import PartySchema
from pbxapi.http.context import state
from pbxapi.http.paging import MOST
from pbxapi.pbx.history import CONTAINS, Filters

DISPOSITIONS = ["ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION"]
FORMS = ["json", "csv", "ndjson"]
_WHEN = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?))?\s*(?P<zone>Z|[+ -]\d\d:?\d\d)?\Z"
)


class Moment(ma.fields.Field[datetime]):
    """A time in ISO 8601. Without an offset it is the exchange's own, and a day alone is its first moment."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> datetime:
        found = _WHEN.match(str(value))
        try:
            if not found:
                raise ValueError
            # In a URL a bare + is a blank.
            zone = (found["zone"] or "").replace(" ", "+")
            moment = datetime.fromisoformat(f"{found['day']}T{found['time'] or '00:00'}{zone}")
            moment = moment if zone else moment.replace(tzinfo=state().pbx.zone)
            if not 1000 <= moment.astimezone(UTC).year <= 9998:
                raise ValueError
        except (ValueError, OverflowError):
            raise ma.ValidationError("Not a time such as 2026-11-23T14:30:00+01:00, nor a day.") from None
        return moment


class Disposition(ma.fields.Field[str]):
    """One of Asterisk's dispositions, also as `no_answer`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> str:
        word = str(value).upper().replace("_", " ")
        if word not in DISPOSITIONS:
            raise ma.ValidationError(f"Must be one of: {', '.join(DISPOSITIONS)}.")
        return word


def _moment(what: str) -> Any:
    return Moment(
        metadata={"type": "string", "description": what, "example": "2026-11-01T00:00:00+01:00", "maxLength": 40}
    )


def _text(what: str, example: str | None = None, most: int = 128) -> Any:
    # NUL is refused: PostgreSQL and C drivers do not take it, and no record holds one.
    return ma.fields.String(
        validate=[ma.validate.Length(1, most), ma.validate.Regexp(r"[^\x00]*\Z", error="NUL is not allowed.")],
        metadata={"description": what, **({"example": example} if example else {})},
    )


def _dispositions(name: str, what: str) -> Any:
    return ma.fields.List(
        Disposition(metadata={"type": "string", "enum": DISPOSITIONS}),
        data_key=name,
        validate=ma.validate.Length(max=10),
        metadata={"description": what},
    )


_Filters = ma.Schema.from_dict(
    {
        "start": _moment("From this time on. Without an offset: the exchange's local time; a day alone: its start."),
        "end": _moment("Up to this time, which is not included any more."),
        "src": _text("The caller's number, exactly.", "200"),
        "dst": _text("What was dialled, exactly. It has an index on FreePBX and Issabel.", "201"),
        "either": _text("The caller's number or what was dialled, exactly."),
        "src_prefix": _text("What the caller's number begins with.", "0049"),
        "dst_prefix": _text("What the dialled number begins with.", "0049"),
        **{
            f"contains_{name}": ma.fields.String(
                data_key=f"contains[{name}]",
                validate=[ma.validate.Length(1, 128), ma.validate.Regexp(r"[^\x00]*\Z", error="NUL is not allowed.")],
                metadata={"description": f"A text anywhere in `{name}`. Narrow it by `start` and `end`."},
            )
            for name in CONTAINS
        },
        "disposition": _dispositions("disposition", "One of these; may be given several times."),
        "disposition_list": _dispositions("disposition[]", "The same, as some clients spell it."),
        "min_duration": ma.fields.Integer(
            validate=ma.validate.Range(0, 2**31 - 1),
            metadata={"description": "Seconds from the call's start, at least."},
        ),
        "max_duration": ma.fields.Integer(
            validate=ma.validate.Range(0, 2**31 - 1),
            metadata={"description": "Seconds from the call's start, at most."},
        ),
        "accountcode": _text("The account code, exactly."),
        "did": _text("The number that was called from outside, exactly."),
        "linkedid": _text("What the records of one call share."),
        "uniqueid": _text("What the records of one channel share."),
        "has_recording": ma.fields.Boolean(metadata={"description": "Whether the record names a recording."}),
    },
    name="CdrFilters",
)


class CdrQuery(_Filters):  # type: ignore[valid-type,misc]
    """Filters, all of which have to hold, the order, and how much of it."""

    limit = ma.fields.Integer(
        load_default=100, validate=ma.validate.Range(1, MOST), metadata={"description": "How many items at most."}
    )
    cursor = ma.fields.String(
        validate=ma.validate.Length(1, 1000),
        metadata={"description": "The `next` of the page before, with the same other parameters."},
    )
    sort = ma.fields.String(
        load_default="-calldate",
        validate=ma.validate.OneOf(["-calldate", "calldate"]),
        metadata={"description": "The newest first, or the oldest."},
    )
    group = ma.fields.String(
        validate=ma.validate.OneOf(["call"]), metadata={"description": "`call`: one item a call, with its legs."}
    )
    include_total = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Count all that fit, which can take long: `total`, or the header X-Total-Count."},
    )
    format = ma.fields.String(
        validate=ma.validate.OneOf(FORMS),
        metadata={"description": "`csv` and `ndjson` give the whole result as a stream; as the header Accept does."},
    )


def filters(query: Mapping[str, Any]) -> Filters:
    """The filters among the parameters."""
    plain = {
        name: query[name] for name in Filters.__slots__ if name in query and name not in {"contains", "disposition"}
    }
    contains = tuple((name, query[f"contains_{name}"]) for name in CONTAINS if f"contains_{name}" in query)
    dispositions = (*query.get("disposition", ()), *query.get("disposition_list", ()))
    return Filters(**plain, contains=contains, disposition=tuple(dict.fromkeys(dispositions)))


def _field(kind: type[ma.fields.Field[Any]], what: str = "", *, null: bool = True, **more: Any) -> Any:
    return kind(required=True, allow_none=null, metadata={**({"description": what} if what else {}), **more})


S, N, D = ma.fields.String, ma.fields.Integer, ma.fields.DateTime


class CdrSchema(ma.Schema):
    """One record: a row of the table `cdr`, which is one leg of a call. What is empty there is null."""

    calldate = _field(D, "When the leg began.")
    recording = _field(S, "The id of its recording: see `/recordings/{id}`. That the file is there is not said.")
    clid = _field(S, example='"Alice" <200>')
    src = _field(S, example="200")
    dst = _field(S, example="201")
    dcontext = _field(S)
    channel = _field(S, example="PJSIP/200-00000002")
    dstchannel = _field(S, example="PJSIP/201-00000003")
    lastapp = _field(S, example="Dial")
    lastdata = _field(S)
    duration = _field(N, "Seconds from start to end.", null=False)
    billsec = _field(N, "Seconds from answer to end.", null=False)
    disposition = _field(S, example="ANSWERED")
    amaflags = _field(S)
    accountcode = _field(S)
    uniqueid = _field(S, "The channel's. Several records can share it.", example="1795376941.29")
    userfield = _field(S)
    did = _field(S)
    recordingfile = _field(S)
    cnum = _field(S)
    cnam = _field(S)
    outbound_cnum = _field(S)
    outbound_cnam = _field(S)
    dst_cnam = _field(S)
    linkedid = _field(S, "The call's. All of its records share it.", example="1795376941.29")
    peeraccount = _field(S)
    sequence = _field(N)


class PastCallSchema(ma.Schema):
    """A call that has ended: what its records come to, and the records."""

    id = _field(S, "The linkedid.", null=False)
    started_at = _field(D)
    ended_at = _field(D)
    caller = ma.fields.Nested(PartySchema, required=True)
    callee = ma.fields.Nested(
        PartySchema, required=True, metadata={"description": "Who was talked to in the end; else what was dialled."}
    )
    dialed = _field(S, "What the caller dialled; the DID for a call from outside.")
    status = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["completed", "voicemail", "abandoned", "busy", "no_answer", "failed"]),
        metadata={"description": "`abandoned`: the caller left a queue before anyone answered."},
    )
    ring_time = _field(N, "Seconds until the callee answered, or to the end.", null=False)
    talk_time = _field(N, "Seconds that were talked.", null=False)
    duration = _field(N, "Seconds from start to end.", null=False)
    recordings = ma.fields.List(S(), required=True)
    legs = ma.fields.List(ma.fields.Nested(CdrSchema), required=True)


class CdrPageSchema(ma.Schema):
    """A page: records, or calls with `group=call`."""

    items = ma.fields.List(
        ma.fields.Raw(),
        required=True,
        metadata={
            "items": {"anyOf": [{"$ref": "#/components/schemas/Cdr"}, {"$ref": "#/components/schemas/PastCall"}]}
        },
    )
    next = _field(S, "The cursor of the next page; null on the last.")
    total = ma.fields.Integer(metadata={"description": "How many fit in all, with `include_total`."})
