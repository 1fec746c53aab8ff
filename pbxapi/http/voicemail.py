"""`/voicemail`: mailboxes, their messages, and the sound of these."""

from __future__ import annotations

from typing import Any

from flask import Response

from pbxapi.http import audit
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import check_if_match, encode, respond
from pbxapi.http.context import capable, state
from pbxapi.http.live import LiveQuery, respond_live
from pbxapi.http.paging import collection, page
from pbxapi.http.recording_files import send
from pbxapi.http.recording_schemas import SOUND, SOUND_HEADERS, SOUND_PROBLEMS, SoundQuery
from pbxapi.http.voicemail_schemas import MessageChangeSchema, MessagesQuery, VoicemailBoxSchema, VoicemailMessageSchema
from pbxapi.pbx.voicemail import Voicemail, VoicemailMessage

blp = Blueprint("voicemail", __name__, description="Voicemail: mailboxes and their messages")

PROBLEMS = (501, 502, 503, 504)


def _voicemail() -> Voicemail:
    return capable(state().pbx.voicemail, "voicemail")


def _target(mailbox: str, message_id: str) -> str:
    return f"message {message_id} of mailbox {mailbox}"


def _unchanged(message: VoicemailMessage) -> None:
    check_if_match(encode(message))


@blp.get("/voicemail")
@require("read")
@blp.arguments(LiveQuery, location="query")
@blp.response(200, collection(VoicemailBoxSchema), headers=headers("ETag", "Age", "Link"))
@blp.problems(*PROBLEMS)
def list_mailboxes(query: dict[str, Any]) -> Response:
    """Mailboxes, with how many messages they hold

    Those that Asterisk runs, of all contexts. All who ask within a second share one question to it.
    """
    snapshot = _voicemail().all(fresh=query["fresh"])
    return respond_live(snapshot, query, lambda found: found, lambda each: (each.context, each.mailbox))


@blp.get("/voicemail/<mailbox>")
@require("read")
@blp.response(200, VoicemailBoxSchema, headers=headers("ETag"))
@blp.problems(*PROBLEMS)
def get_mailbox(mailbox: str) -> Response:
    """One mailbox

    `200` is that of the context default, `200@sales` that of another. Its messages are counted now.
    """
    return respond(_voicemail().get(mailbox))


@blp.get("/voicemail/<mailbox>/messages")
@require("recordings")
@blp.arguments(MessagesQuery, location="query")
@blp.response(200, collection(VoicemailMessageSchema), headers=headers("ETag", "Link"))
@blp.problems(*PROBLEMS)
def list_messages(query: dict[str, Any], mailbox: str) -> Response:
    """The messages of a mailbox, newest first

    501 where Asterisk keeps its messages in IMAP or ODBC: this API reads those in files alone.
    """
    found = _voicemail().messages(mailbox, query.get("folder"))
    return respond(page(found, key=_newest_first, limit=query.get("limit"), cursor=query.get("cursor")))


def _newest_first(message: VoicemailMessage) -> tuple[int, str]:
    return -int(message.received_at.timestamp()), message.id


@blp.get("/voicemail/<mailbox>/messages/<message_id>")
@require("recordings")
@blp.response(200, VoicemailMessageSchema, headers=headers("ETag"))
@blp.problems(*PROBLEMS)
def get_message(mailbox: str, message_id: str) -> Response:
    """One message"""
    return respond(_voicemail().message(mailbox, message_id))


@blp.get("/voicemail/<mailbox>/messages/<message_id>/audio")
@require("recordings")
@blp.arguments(SoundQuery, location="query")
@blp.response(200, headers=SOUND_HEADERS)
@blp.doc(**SOUND)
@blp.problems(*SOUND_PROBLEMS, 504)
def get_message_audio(query: dict[str, Any], mailbox: str, message_id: str) -> Response:
    """The sound of a message

    Whole or in parts (`Range`). To listen does not mark it as read.
    """
    opened = _voicemail().open(mailbox, message_id)
    recordings = state().pbx.recordings
    sent = send(recordings, opened, download=query["download"], form=query.get("format"), accelerate=False)
    return audit.played(_target(mailbox, message_id), sent)


@blp.patch("/voicemail/<mailbox>/messages/<message_id>")
@require("recordings")
@blp.arguments(MessageChangeSchema)
@blp.response(200, VoicemailMessageSchema, headers=headers("ETag"))
@blp.problems(409, 412, *PROBLEMS)
def change_message(body: dict[str, Any], mailbox: str, message_id: str) -> Response:
    """Mark a message as read or not, or move it to a folder

    Asterisk is told, so that the lamps of the phones follow; this needs `write = user` for the manager user, and with
    Asterisk 16 `pollmailboxes = yes` in voicemail.conf. 409: the folder is full (`maxmsg`).
    """
    if "folder" in body:
        message = _voicemail().move(mailbox, message_id, body["folder"], _unchanged)
    else:
        message = _voicemail().mark(mailbox, message_id, read=body["read"], check=_unchanged)
    audit.record("message.update", _target(mailbox, message_id), after={"id": message.id, "folder": message.folder})
    return respond(message)


@blp.delete("/voicemail/<mailbox>/messages/<message_id>")
@require("recordings")
@blp.response(204)
@blp.problems(409, 412, *PROBLEMS)
def delete_message(mailbox: str, message_id: str) -> Response:
    """Delete a message

    For good, with all of its sounds, whichever folder it is in. Lamps follow, as for a change.
    """
    _voicemail().delete(mailbox, message_id, _unchanged)
    audit.record("message.delete", _target(mailbox, message_id))
    return Response(status=204)
