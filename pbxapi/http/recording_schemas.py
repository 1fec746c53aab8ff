"""What `/recordings` takes and gives."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.http.blueprint import headers
from pbxapi.http.cdr_schemas import Moment
from pbxapi.http.paging import MOST
from pbxapi.pbx.history import CONVERTED

STATES = ["available", "empty", "recording", "unreadable", "gone"]
MEDIA_TYPES = (
    "audio/wav", "audio/mpeg", "audio/ogg", "audio/x-gsm", "audio/basic", "audio/x-alaw-basic", "audio/x-g722",
    "audio/x-g729", "audio/x-sln", "audio/flac", "audio/mp4", "audio/aac",
)  # fmt: skip
HOUR, WEEK = 3600, 7 * 24 * 3600

_SOUND = {"schema": {"type": "string", "format": "binary"}}
_ALL = dict.fromkeys(MEDIA_TYPES, _SOUND)
SOUND: dict[str, Any] = {
    "parameters": ["Range", "If-Range", "If-Modified-Since"],
    "responses": {
        200: {"description": "The sound", "content": _ALL},
        206: {
            "description": "The parts that were asked for",
            "content": {**_ALL, "multipart/byteranges": _SOUND},
            "headers": headers(
                "Content-Range", "Accept-Ranges", "Content-Disposition", "ETag", "Last-Modified", "X-Request-ID"
            ),
        },
    },
}
"""What the operations have in common that send a recording, for `blp.doc`."""
SOUND_HEADERS = headers("ETag", "Last-Modified", "Accept-Ranges", "Content-Disposition")
SOUND_PROBLEMS = (404, 409, 410, 416, 501, 502, 503)


def _moment(what: str) -> Any:
    return Moment(metadata={"type": "string", "description": what, "example": "2026-11-01", "maxLength": 40})


def _text(what: str, example: str) -> Any:
    return ma.fields.String(
        validate=[ma.validate.Length(1, 128), ma.validate.Regexp(r"[^\x00]*\Z", error="NUL is not allowed.")],
        metadata={"description": what, "example": example},
    )


def _form() -> Any:
    return ma.fields.String(
        validate=ma.validate.OneOf(sorted(CONVERTED)),
        metadata={"description": "Another format, made on the way: needs ffmpeg or sox where this API runs."},
    )


class SoundQuery(ma.Schema):
    """How a recording is sent."""

    download = ma.fields.Boolean(load_default=False, metadata={"description": "To be saved rather than played."})
    format = _form()


class LinkQuery(ma.Schema):
    """A link's token."""

    token = ma.fields.String(required=True, validate=ma.validate.Length(1, 2000))


class LinkBody(ma.Schema):
    """What a link is to give, and for how long."""

    expires_in = ma.fields.Integer(
        load_default=HOUR,
        strict=True,
        validate=ma.validate.Range(60, WEEK),
        metadata={"description": "Seconds that the link is good for."},
    )
    download = ma.fields.Boolean(load_default=False, metadata={"description": "To be saved rather than played."})
    format = _form()


class LinkSchema(ma.Schema):
    """A link that needs no key."""

    url = ma.fields.String(required=True, metadata={"format": "uri"})
    expires_at = ma.fields.DateTime(required=True)


class RecordingsQuery(ma.Schema):
    """Filters, all of which have to hold, and how many."""

    start = _moment("From this time on. Without an offset: the exchange's local time; a day alone: its start.")
    end = _moment("Up to this time, which is not included any more.")
    number = _text("The caller's number or what was dialled, exactly.", "200")
    linkedid = _text("What the records of one call share; not with `scan`.", "1795376941.29")
    uniqueid = _text("What the records of one channel share.", "1795376941.29")
    scan = ma.fields.Boolean(
        load_default=False, metadata={"description": "Look into the folders rather than into the call records."}
    )
    limit = ma.fields.Integer(
        load_default=100, validate=ma.validate.Range(1, MOST), metadata={"description": "How many items at most."}
    )
    cursor = ma.fields.String(
        validate=ma.validate.Length(1, 6000),
        metadata={"description": "The `next` of the page before, with the same other parameters."},
    )


def _known(kind: type[ma.fields.Field[Any]], what: str = "") -> Any:
    return kind(required=True, allow_none=True, metadata={"description": what} if what else {})


class ListedRecordingSchema(ma.Schema):
    """A recording and the call it is of. With `scan` only what the file's name tells is known of the call."""

    id = ma.fields.String(required=True, metadata={"description": "Stays the same; it may be kept."})
    uniqueid = _known(ma.fields.String)
    linkedid = _known(ma.fields.String)
    calldate = _known(ma.fields.DateTime)
    src = _known(ma.fields.String)
    dst = _known(ma.fields.String)
    duration = _known(ma.fields.Integer, "Seconds of the call, from start to end.")
    name = ma.fields.String(required=True, metadata={"example": "q-400-200-20261122-193144-1795375904.0.wav"})
    format = _known(ma.fields.String, "Asterisk's word for the kind of file.")
    state = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(STATES),
        metadata={
            "description": "`empty`: no sound in it. `recording`: still being written. `unreadable`: not for us."
        },
    )
    size = _known(ma.fields.Integer, "Bytes.")
    modified_at = _known(ma.fields.DateTime)
