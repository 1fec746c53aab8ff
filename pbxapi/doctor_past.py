"""What the doctor says of call records and recordings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pbxapi.findings import Finding

if TYPE_CHECKING:
    from pbxapi.pbx.cdr_survey import Survey
    from pbxapi.pbx.interfaces import Pbx
    from pbxapi.settings import Settings

OF_OLD = ("linkedid", "recordingfile", "did")


def past(settings: Settings, pbx: Pbx) -> Iterator[Finding]:
    """Look at the database of call records and the folder of recordings."""
    yield from _records(settings, pbx)
    yield from _recordings(settings.platform.recordings_path)


def _records(settings: Settings, pbx: Pbx) -> Iterator[Finding]:
    from pbxapi.errors import PbxError  # noqa: PLC0415

    if pbx.call_records is None:
        advice = "Set CDR_DATABASE_URL, or DB_PASSWORD, and GET /cdr has something to read."
        yield Finding("remark", "call records: no database is configured", advice)
        return
    try:
        found = pbx.call_records.survey()
    except PbxError as error:
        yield Finding("fault", f"call records: {error}", "Check CDR_DATABASE_URL or the DB_ variables.")
        return
    yield Finding("fine", f"call records: table cdr in {found.server} {found.version}")
    lacking = [name for name in OF_OLD if name not in found.columns]
    if lacking:
        yield Finding("remark", f"call records: the table has no {', '.join(lacking)}: they are null in /cdr")
    if not found.has_cel:
        yield Finding("remark", "call records: no table cel: the journey of a call is told from its records alone")
    elif found.cel_written is False:
        advice = (
            "In cel.conf: enable=yes and events=ALL, then `asterisk -rx 'module reload cel'`; CEL_ODBC or CEL_MYSQL."
        )
        yield Finding("remark", "call records: the table cel has no events of the newest calls: CEL is off", advice)
    for statement, what in found.lacking:
        advice = f"{statement}\nOn a large table it takes minutes and disk space: at night."
        yield Finding("remark", f"call records: no index for {what}", advice)
    yield from _clock(settings, found)


def _clock(settings: Settings, found: Survey) -> Iterator[Finding]:
    from pbxapi.pbx.cdr_survey import SKEW  # noqa: PLC0415

    if found.skew is None or abs(found.skew) <= SKEW:
        return
    zone = settings.platform.timezone or "the system's"
    hours = found.skew / 3600
    yield Finding(
        "fault",
        f"call records: by the time zone {zone} they are dated {hours:+.2g} h off from when their channels were made",
        "Set PBX_TIMEZONE to the zone that Asterisk writes its records in; UTC with usegmtime=yes in its cdr files.",
    )


def _recordings(path: str) -> Iterator[Finding]:
    folder = Path(path)
    if not folder.is_dir():
        yield Finding("remark", f"recordings: {path} is not a folder", "Set RECORDINGS_PATH.")
    elif not os.access(folder, os.R_OK | os.X_OK):
        advice = "Run pbxapi as the user asterisk, or as one of its group, and let the group read."
        yield Finding("fault", f"recordings: {path} cannot be read by this user", advice)
    else:
        yield Finding("fine", f"recordings: {path}")
