"""`/recordings`: the sound of calls."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.exceptions import PreconditionFailed

from pbxapi.errors import NotFound, PbxError, RecordingDeleted
from pbxapi.http import audit, limits, recording_links
from pbxapi.http.auth import public, require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import respond
from pbxapi.http.context import capable, state
from pbxapi.http.paging import Page, collection
from pbxapi.http.recording_files import send
from pbxapi.http.recording_links import Link
from pbxapi.http.recording_schemas import (
    SOUND,
    SOUND_HEADERS,
    SOUND_PROBLEMS,
    LinkBody,
    LinkQuery,
    LinkSchema,
    ListedRecordingSchema,
    RecordingsQuery,
    SoundQuery,
)
from pbxapi.pbx.history import CallRecords, Cdr, Filters, ListedRecording, Recordings

blp = Blueprint("recordings", __name__, description="Recordings of calls: find them, play them, delete them")


def _records() -> CallRecords:
    return capable(state().pbx.call_records, "call records (set CDR_DATABASE_URL or DB_PASSWORD)")


@blp.get("/recordings")
@require("recordings")
@blp.arguments(RecordingsQuery, location="query")
@blp.response(200, collection(ListedRecordingSchema), headers=headers("ETag", "Link"))
@blp.problems(501, 503, 504)
def list_recordings(query: dict[str, Any]) -> Response:
    """Recordings of calls, newest first

    One item a call record that names a recording, with the state of its file; several records can name the same one.

    With `scan` the folders are gone through instead, those by date (YYYY/MM/DD) and what lies beside them: for
    recordings whose records are gone. What takes long comes in pages that can be short, or empty, with a `next`.
    """
    recordings = state().pbx.recordings
    wanted = Filters(
        start=query.get("start"),
        end=query.get("end"),
        either=query.get("number"),
        linkedid=query.get("linkedid"),
        uniqueid=query.get("uniqueid"),
        has_recording=True,
    )
    where = {"limit": query["limit"], "cursor": query.get("cursor")}
    if query["scan"]:
        return respond(Page(*recordings.scan(wanted, **where)))
    records, following = _records().records(wanted, **where)
    return respond(Page([_listed(recordings, each) for each in records if each.recording], following))


def _listed(recordings: Recordings, record: Cdr) -> ListedRecording:
    file = recordings.look(record.recording or "")
    return ListedRecording(
        id=file.id,
        uniqueid=record.uniqueid,
        linkedid=record.linkedid,
        calldate=record.calldate,
        src=record.src,
        dst=record.dst,
        duration=record.duration,
        name=file.name,
        format=file.format,
        state=file.state,
        size=file.size,
        modified_at=file.modified_at,
    )


@blp.get("/recordings/<recording_id>")
@require("recordings")
@blp.arguments(SoundQuery, location="query")
@blp.response(200, headers=SOUND_HEADERS)
@blp.doc(**SOUND)
@blp.problems(*SOUND_PROBLEMS)
def get_recording(query: dict[str, Any], recording_id: str) -> Response:
    """The sound of a recording

    Whole or in parts (`Range`). A recording that was deleted, is still being written, holds no sound or cannot be read
    answers with a problem of its own kind.
    """
    recordings = state().pbx.recordings
    opened = recordings.open(recording_id)
    sent = send(recordings, opened, download=query["download"], form=query.get("format"))
    return audit.played(f"recording {recording_id}", sent, detail=opened.name)


@blp.delete("/recordings/<recording_id>")
@require("recordings")
@blp.response(204)
@blp.problems(409, 412, 501, 503)
def delete_recording(recording_id: str) -> Response:
    """Delete a recording

    The file alone: its call record stays as it is.
    """

    def check(etag: str) -> None:
        if "If-Match" in request.headers and not request.if_match.contains(etag.strip('"')):
            raise PreconditionFailed("The recording is not what If-Match says: read it again.")

    name = state().pbx.recordings.look(recording_id).name
    state().pbx.recordings.delete(recording_id, check)
    audit.record("recording.delete", f"recording {recording_id}", detail=name)
    return Response(status=204)


@blp.get("/cdr/<uniqueid>/recording")
@require("recordings")
@blp.arguments(SoundQuery, location="query")
@blp.response(200, headers=SOUND_HEADERS)
@blp.doc(**SOUND)
@blp.problems(*SOUND_PROBLEMS, 504)
def get_recording_of_record(query: dict[str, Any], uniqueid: str) -> Response:
    """The sound of a call, by its record

    Where several records share the uniqueid: the first recording among them that can be had.
    """
    recordings = state().pbx.recordings
    found = _records().of_channel(uniqueid)
    why: PbxError | None = None
    for recording in dict.fromkeys(each.recording for each in found if each.recording):
        try:
            opened = recordings.open(recording)
        except PbxError as error:
            why = why or error
            continue
        sent = send(recordings, opened, download=query["download"], form=query.get("format"))
        return audit.played(f"recording {recording}", sent, detail=opened.name)
    if why is not None:
        raise why
    if any(each.recordingfile == "deleted" or each.userfield == "audio:deleted" for each in found):
        raise RecordingDeleted("This recording was deleted in the exchange's own interface")
    raise NotFound("The call records with this uniqueid name no recording")


@blp.post("/recordings/<recording_id>/links")
@require("recordings")
@blp.arguments(LinkBody)
@blp.response(201, LinkSchema)
@blp.problems(501)
def link_recording(body: dict[str, Any], recording_id: str) -> Response:
    """Make a link that needs no key

    For a player in a web page, which cannot send one: whoever has the link can play the recording until it expires, or
    until API_SECRET_KEY is changed. That the file is there is not looked at.
    """
    state().pbx.recordings.look(recording_id)
    link = Link(recording_id, int(time.time()) + body["expires_in"], body.get("format"), body["download"])
    query = urlencode({"token": recording_links.signed(link)})
    after = {**body, "expires_at": f"{link.expires_at:%Y-%m-%dT%H:%M:%SZ}"}
    audit.record("recording.link", f"recording {recording_id}", after=after)
    return respond({"url": f"{request.url_root}recordings/links?{query}", "expires_at": link.expires_at}, status=201)


@blp.get("/recordings/links")
@public
@blp.arguments(LinkQuery, location="query")
@blp.response(200, headers=SOUND_HEADERS)
@blp.doc(**SOUND)
@blp.problems(403, 429, *SOUND_PROBLEMS)
def get_linked_recording(query: dict[str, Any]) -> Response:
    """The sound of a recording, by a link

    No key is needed. 403: the link was altered. 410: it has expired.
    """
    limits.address(request.environ)
    link = recording_links.opened(query["token"])
    recordings = state().pbx.recordings
    opened = recordings.open(link.recording)
    sent = send(recordings, opened, download=link.download, form=link.form)
    detail = f"{opened.name}; by a link that is good until {link.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    return audit.played(f"recording {link.recording}", sent, detail=detail)
