"""Every error as RFC 9457 problem details: one table says what was raised means.

The one file outside of the drivers that knows the manager client's errors.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from pbxapi import errors, request_id
from pbxapi.ami import errors as ami
from pbxapi.http.body import PATH_SAFE, encode
from pbxapi.http.problem_kinds import KINDS, Kind, of_status

log = logging.getLogger("pbxapi.http")

MEDIA_TYPE = "application/problem+json"
MOST_TOLD = 100
"""Fields that one answer tells the faults of."""
INTERNAL = KINDS["internal-error"]
TABLE: dict[type[BaseException], Kind] = {
    errors.PbxError: INTERNAL,
    errors.NotFound: KINDS["not-found"],
    errors.RecordingGone: KINDS["recording-gone"],
    errors.RecordingDeleted: KINDS["recording-deleted"],
    errors.RecordingEmpty: KINDS["recording-empty"],
    errors.Conflict: KINDS["conflict"],
    errors.RecordingInProgress: KINDS["recording-in-progress"],
    errors.Invalid: KINDS["invalid"],
    errors.NotSupported: KINDS["not-supported"],
    errors.RecordingNotPermitted: KINDS["recording-not-permitted"],
    errors.VoicemailNotPermitted: KINDS["voicemail-not-permitted"],
    errors.Refused: KINDS["refused"],
    errors.NotConverted: KINDS["not-converted"],
    errors.ApplyFailed: KINDS["apply-failed"],
    errors.Unavailable: KINDS["unavailable"],
    errors.Timeout: KINDS["timeout"],
    errors.Inconsistent: KINDS["inconsistent"],
    ami.AmiError: INTERNAL,
    ami.AmiInvalid: KINDS["invalid"],
    ami.AmiRefused: KINDS["refused"],
    ami.AmiUnknownAction: KINDS["not-supported"],
    ami.AmiDenied: KINDS["not-permitted"],
    ami.AmiTimeout: KINDS["timeout"],
    ami.AmiUnavailable: KINDS["ami-unavailable"],
    ami.AmiLoginRefused: KINDS["ami-login-refused"],
    ami.AmiProtocolError: KINDS["ami-unavailable"],
}
# The manager client's own texts may name a host: they go to the log, and these are shown.
_SAID_OF_AMI: dict[type[BaseException], str] = {
    ami.AmiInvalid: "A value cannot be sent to the exchange: it holds a line end or a NUL, or is too long.",
    ami.AmiTimeout: "The exchange did not answer in time. What was asked for may have happened.",
    ami.AmiUnavailable: "The exchange's manager interface (AMI) cannot be reached.",
    ami.AmiLoginRefused: "The exchange's manager interface (AMI) refused this API's login.",
}
_SAID_OF_INTERNAL = "Something went wrong here. The log tells more under the request id."


def install(app: Flask) -> None:
    """Answer every error of this application with problem details."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response | HTTPException:
    """Turn what was raised into an answer. What nobody meant goes to the log with its traceback, and is a bare 500."""
    if isinstance(error, HTTPException):
        # Raised as a ready answer, or a redirection: no problem of ours.
        return error if error.response is not None or (error.code or 500) < 400 else _answer_http(error)
    kind, detail = explain(error)
    return problem(kind, detail, headers=_retry_after(error), **_members(error))


def explain(error: Exception) -> tuple[Kind, str]:
    """Say what was raised, as a kind and in words that may be shown. What is no fault of the caller's is logged."""
    if isinstance(error, HTTPException):
        kind = _kind_of_http(error)
        return kind, _said_of_http(error, kind)
    kind = kind_of(error)
    if kind.status >= 500:
        _record(error, kind)
    return kind, _detail(error, kind)


def kind_of(error: BaseException) -> Kind:
    """Look up what was raised, by its nearest class in the table."""
    if isinstance(error, errors.Unavailable):
        return KINDS.get(f"{error.part}-unavailable", KINDS["unavailable"])
    return next((TABLE[parent] for parent in type(error).__mro__ if parent in TABLE), INTERNAL)


def may_have_run(error: BaseException | None) -> bool:
    """Whether what was asked for may have been done, though the exchange was lost."""
    while error is not None:
        if isinstance(error, ami.AmiUnavailable) and error.may_have_run:
            return True
        error = error.__cause__
    return False


def problem(kind: Kind, detail: str, *, headers: Mapping[str, str] | None = None, **members: object) -> Response:
    """Build the answer; `members` are what this occurrence adds (`errors`, `steps`)."""
    document = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": quote(request.root_path + request.path, safe=PATH_SAFE),
        "request_id": request_id.current(),
        **members,
    }
    response = Response(encode(document).body, status=kind.status, content_type=MEDIA_TYPE)
    response.headers.update(headers or {})
    response.headers["Cache-Control"] = "no-store"
    return response


def field_errors(messages: Mapping[str, Any]) -> dict[str, list[str]]:
    """Flatten what webargs collected, {location: {field: {inner: [words]}}}, to {"field.inner": [words]}: MOST_TOLD."""
    found: dict[str, list[str]] = {}

    def collect(path: tuple[str, ...], part: object) -> None:
        if isinstance(part, Mapping):
            for name, inner in part.items():
                # `_schema` is marshmallow's name for what concerns the whole.
                collect(path if name == "_schema" else (*path, str(name)), inner)
            return
        words = part if isinstance(part, list) else [part]
        found.setdefault(".".join(path[1:]) or path[0].replace("json", "body"), []).extend(map(str, words))

    collect((), messages)
    return dict(islice(found.items(), MOST_TOLD))


def _detail(error: Exception, kind: Kind) -> str:
    if kind is INTERNAL:
        return _SAID_OF_INTERNAL
    if isinstance(error, ami.AmiRefused):
        return f"The exchange's answer to {error.action}: {error.words}"
    said = next((_SAID_OF_AMI[parent] for parent in type(error).__mro__ if parent in _SAID_OF_AMI), str(error))
    if isinstance(error, ami.AmiInvalid) and error.header:
        said += f" It is the one for {error.header}."
    if isinstance(error, ami.AmiUnavailable) and error.may_have_run:
        said += " The session was lost when the action was already sent: what was asked for may have happened."
    return said


def _members(error: Exception) -> dict[str, object]:
    if isinstance(error, errors.Invalid) and error.fields:
        return {"errors": error.fields}
    if isinstance(error, errors.Inconsistent):
        return {"steps": error.steps}
    return {}


def _retry_after(error: Exception) -> dict[str, str]:
    if isinstance(error, errors.Unavailable | errors.RecordingInProgress | ami.AmiUnavailable):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return {}


def _record(error: BaseException, kind: Kind) -> None:
    if kind.status == 500:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
    else:
        log.warning("%s %s: %s: %s%s", request.method, request.path, type(error).__name__, error, _why(error))


def _why(error: BaseException) -> str:
    """What the store itself said ("database or disk is full"); the exchange's database is told of where it is asked."""
    if isinstance(error, errors.Unavailable) and error.part == "store" and error.__cause__ is not None:
        return f" ({errors.in_its_words(error)})"
    return ""


def _answer_http(error: HTTPException) -> Response:
    kind = _kind_of_http(error)
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    if kind.status in {429, 503}:
        headers.setdefault("Retry-After", "1")
    if kind.status >= 500:
        _record(getattr(error, "original_exception", None) or error, kind)
    messages = field_errors(getattr(error, "data", {}).get("messages", {}))
    if messages:
        return problem(kind, f"Not usable: {', '.join(messages)}.", headers=headers, errors=messages)
    return problem(kind, _said_of_http(error, kind), headers=headers)


def _kind_of_http(error: HTTPException) -> Kind:
    """The kind that the error names as `problem`, or the one of its status."""
    return KINDS.get(getattr(error, "problem", ""), of_status(error.code or 500))


def _said_of_http(error: HTTPException, kind: Kind) -> str:
    if kind is INTERNAL:
        return _SAID_OF_INTERNAL
    if kind.slug == "no-such-path":
        return kind.meaning
    return error.description or kind.meaning or kind.title
