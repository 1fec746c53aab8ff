"""`getwavfile`: a file below the recordings' folder, as the older interface sent it."""

from __future__ import annotations

from flask import Response

from pbxapi.errors import NotFound, RecordingNotPermitted, Unavailable
from pbxapi.http import audit
from pbxapi.http.recording_files import send_whole
from pbxapi.legacy import envelope
from pbxapi.legacy.commands import Asked, command


@command("recordings", "/recordings")
def getwavfile(asked: Asked) -> object:
    """The file of this name, whatever kind it is, and whole: the old system knew no ranges.

    In both modes it is a 404 that says that there is no such file: the first generation sent one for this alone.
    """
    try:
        name = asked.given.queried("name")
        return audit.played(f"recording file {name}", send_whole(asked.pbx.recordings.open_named(name)))
    except NotFound:
        response: Response = envelope.success({"status": "File not found", "code": 404})
        response.status_code = 404
        return response
    except RecordingNotPermitted as error:
        raise Unavailable(str(error), part="recordings") from error
