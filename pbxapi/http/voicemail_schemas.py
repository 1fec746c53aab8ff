"""What `/voicemail` takes and gives."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.http.channel_schemas import PartySchema
from pbxapi.http.paging import PageQuery
from pbxapi.http.recording_schemas import MEDIA_TYPES
from pbxapi.pbx.voicemail import FOLDERS

ABOUT_FOLDER = "INBOX and Urgent hold what nobody has heard, and light the lamps."


def _known(kind: type[ma.fields.Field[Any]], what: str = "", **about: Any) -> Any:
    metadata = {"description": what} if what else {}
    return kind(required=True, allow_none=True, metadata={**metadata, **about})


class VoicemailBoxSchema(ma.Schema):
    """A mailbox, and how many messages it holds."""

    mailbox = ma.fields.String(required=True, metadata={"example": "200"})
    context = ma.fields.String(
        required=True,
        metadata={"description": "In paths, `200` is that of the context default, `200@sales` another.",
                  "example": "default"},
    )  # fmt: skip
    name = _known(ma.fields.String, "Its owner's.", example="Alice")
    email = _known(ma.fields.String, "Where messages are sent to; several with commas between them.")
    new = ma.fields.Integer(
        required=True, metadata={"description": "Messages that nobody has heard, urgent ones among them.", "example": 2}
    )
    old = ma.fields.Integer(required=True, metadata={"description": "Messages in Old.", "example": 5})
    urgent = _known(ma.fields.Integer, "Of the new ones.")
    folders = _known(
        ma.fields.Dict,
        "How many messages each folder holds, of those that there are; null where this API may not look.",
        additionalProperties={"type": "integer", "minimum": 0},
        example={"INBOX": 2, "Old": 5},
    )


class MessagesQuery(PageQuery):
    """Which messages, and how many."""

    folder = ma.fields.String(validate=ma.validate.OneOf(FOLDERS), metadata={"description": ABOUT_FOLDER})


class VoicemailMessageSchema(ma.Schema):
    """A message."""

    id = ma.fields.String(
        required=True,
        metadata={"description": "Stays the same when the message is moved.", "example": "1795420833-00000000"},
    )
    mailbox = ma.fields.String(required=True, metadata={"example": "200"})
    context = ma.fields.String(required=True, metadata={"example": "default"})
    folder = ma.fields.String(
        required=True, validate=ma.validate.OneOf(FOLDERS), metadata={"description": ABOUT_FOLDER}
    )
    caller = ma.fields.Nested(PartySchema, required=True)
    received_at = ma.fields.DateTime(required=True)
    duration = _known(ma.fields.Integer, "Seconds, rounded down.")
    format = _known(ma.fields.String, "Asterisk's word for the kind of file; null: there is no sound.", example="wav")
    media_type = ma.fields.String(
        required=True, allow_none=True, validate=ma.validate.OneOf([*MEDIA_TYPES, None]),
        metadata={"example": "audio/wav"},
    )  # fmt: skip
    size = _known(ma.fields.Integer, "Bytes of the sound.")
    urgent = ma.fields.Boolean(required=True)
    read = ma.fields.Boolean(required=True, metadata={"description": "Whether it is in another folder than those."})
    called_extension = _known(ma.fields.String, "Where the call was in the dialplan.", example="s-NOANSWER")
    called_context = _known(ma.fields.String, example="ext-local")


class MessageChangeSchema(ma.Schema):
    """What to do with a message: one of the two."""

    read = ma.fields.Boolean(
        metadata={"description": "true: from INBOX or Urgent to Old. false: from anywhere else back to them."}
    )
    folder = ma.fields.String(validate=ma.validate.OneOf(FOLDERS), metadata={"example": "Work"})

    @ma.validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ma.ValidationError("One of read and folder.", "_schema")
