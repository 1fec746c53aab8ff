"""Sending a recording: all of it, parts of it, another format of it, or word to nginx to send it.

With RECORDINGS_ACCEL an answer is its headers and `X-Accel-Redirect`: nginx sends the file, its ranges and the answers
to If-None-Match and If-Range by itself. It opens the path again, so its location must refuse links:

    location /_recordings/ {
        internal;
        alias /var/spool/asterisk/monitor/;
        disable_symlinks on from=/var/spool/asterisk/monitor/;
        add_header X-Content-Type-Options nosniff always;
        add_header X-Request-ID $upstream_http_x_request_id always;
    }

Without it a thread is held for as long as the client takes to read, so no more than `STREAMS` are sent at a time in
each process; `serve` has 16 threads in each if nothing else is said, and the others stay free.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import quote

from flask import Response, request
from werkzeug.http import http_date
from werkzeug.wsgi import wrap_file

from pbxapi.errors import Unavailable
from pbxapi.http.context import state
from pbxapi.http.recording_ranges import CHUNK, Part, Parts, Span, content_range, wanted
from pbxapi.pbx.history import CONVERTED, OpenRecording, Recordings

STREAMS = 8
PATIENCE = 1.0
"""Seconds to wait for one of them to end: a page with many players asks for the first bytes of each at once."""
_streams = threading.BoundedSemaphore(STREAMS)


def send(
    recordings: Recordings, opened: OpenRecording, *, download: bool, form: str | None = None, accelerate: bool = True
) -> Response:
    """Answer with a recording, whose file is closed in the end. Raises Unavailable, NotSupported, NotConverted, 416.

    Not `accelerate`: the file is none below the recordings' folder, and nginx could not find it.
    """
    try:
        if form is not None and CONVERTED[form] != opened.media_type:
            return _send_converted(recordings, opened, form, download=download)
        return _send_file(opened, download=download, accelerate=accelerate)
    except BaseException:
        opened.file.close()
        raise


def send_whole(opened: OpenRecording) -> Response:
    """Answer with all of a file, whatever it is, to be saved. Raises Unavailable."""
    try:
        headers = {"Content-Type": "application/octet-stream", "Content-Disposition": _disposition(opened.name, True)}
        return _accelerated(opened, headers) or _part(opened, (0, opened.size), 200, headers)
    except BaseException:
        opened.file.close()
        raise


def _send_file(opened: OpenRecording, *, download: bool, accelerate: bool) -> Response:
    headers = {
        "Content-Type": opened.media_type,
        "Content-Disposition": _disposition(opened.name, download),
        "Accept-Ranges": "bytes",
        "ETag": opened.etag,
        "Last-Modified": http_date(opened.modified_at),
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    accelerated = _accelerated(opened, headers) if accelerate else None
    if accelerated is not None:
        return accelerated
    if _unchanged(opened):
        opened.file.close()
        return Response(status=304, headers={name: value for name, value in headers.items() if name != "Content-Type"})
    spans = wanted(request.headers.get("Range"), opened.size) if _same_as_before(opened) else []
    if not spans:
        return _part(opened, (0, opened.size), 200, headers)
    if len(spans) == 1:
        headers["Content-Range"] = content_range(spans[0], opened.size)
        return _part(opened, spans[0], 206, headers)
    return _parts(opened, spans, headers)


def _accelerated(opened: OpenRecording, headers: dict[str, str]) -> Response | None:
    accel = state().settings.platform.recordings_accel
    if not accel:
        return None
    opened.file.close()
    # nginx says this by itself, and would say it twice.
    headers.pop("Accept-Ranges", None)
    path = quote(opened.path.encode("utf-8", "surrogateescape"))
    return Response(status=200, headers={**headers, "X-Accel-Redirect": accel + path})


def _part(opened: OpenRecording, span: Span, status: int, headers: dict[str, str]) -> Response:
    headers["Content-Length"] = str(span[1] - span[0])
    if request.method == "HEAD":
        opened.file.close()
        return Response(status=status, headers=headers)
    body = Part(opened.file, span, _slot())
    return Response(
        wrap_file(request.environ, body, CHUNK),  # type: ignore[arg-type]
        status=status,
        headers=headers,
        direct_passthrough=True,
    )


def _parts(opened: OpenRecording, spans: list[Span], headers: dict[str, str]) -> Response:
    head = request.method == "HEAD"
    body = Parts(opened.file, spans, opened.size, opened.media_type, (lambda: None) if head else _slot())
    headers |= {"Content-Type": body.media_type, "Content-Length": str(body.length)}
    if head:
        body.close()
        return Response(status=206, headers=headers)
    return Response(body, status=206, headers=headers, direct_passthrough=True)


def _send_converted(recordings: Recordings, opened: OpenRecording, form: str, *, download: bool) -> Response:
    recordings.converts(opened, form)
    stem = opened.name.rpartition(".")[0] or opened.name
    headers = {
        "Content-Type": CONVERTED[form],
        "Content-Disposition": _disposition(f"{stem}.{form}", download),
        "Accept-Ranges": "none",
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if request.method == "HEAD":
        opened.file.close()
        return Response(headers=headers)
    # As a stream of its own, closed with the answer: what it holds is a process.
    return Response(recordings.convert(opened, form), headers=headers, direct_passthrough=True)


def _slot() -> Callable[[], None]:
    if not _streams.acquire(timeout=PATIENCE):
        raise Unavailable("Too many recordings are being sent", part="streams", retry_after=2)
    return _streams.release


def _unchanged(opened: OpenRecording) -> bool:
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(opened.etag.strip('"'))
    since = request.if_modified_since
    return since is not None and opened.modified_at <= since


def _same_as_before(opened: OpenRecording) -> bool:
    """Whether a part goes with the parts that the client has (If-Range)."""
    if "If-Range" not in request.headers:
        return True
    condition = request.if_range
    if condition.date is not None:
        return condition.date == opened.modified_at
    return condition.etag == opened.etag.strip('"') and not request.headers["If-Range"].startswith("W/")


def _disposition(name: str, download: bool) -> str:
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    kind = "attachment" if download else "inline"
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{encoded}'
