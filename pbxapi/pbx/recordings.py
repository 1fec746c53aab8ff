"""Recordings of calls: files below one folder, named by sealed paths."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import PurePosixPath

from pbxapi.errors import (
    Invalid,
    NotFound,
    RecordingEmpty,
    RecordingGone,
    RecordingInProgress,
    RecordingNotPermitted,
)
from pbxapi.pbx.history import Filters, ListedRecording, OpenRecording, RecordingFile
from pbxapi.pbx.local_time import Clock
from pbxapi.pbx.recording_convert import Conversion, Converter, command
from pbxapi.pbx.recording_folder import Folder
from pbxapi.pbx.recording_ids import Seal
from pbxapi.pbx.recording_names import Paths, candidates, format_of, is_hostile, named, told
from pbxapi.pbx.recording_scan import Scan
from pbxapi.pbx.recording_states import state_of

KNOWN_IDS = 8_192
"""Ids that are kept: some 2 MB."""


class FileRecordings:
    """The recordings below `root`. `key` gives what ids are sealed with, `zone` is the exchange's.

    NotFound and its kinds, RecordingInProgress, RecordingNotPermitted and Unavailable say what is wrong with one.
    """

    def __init__(self, root: str, key: Callable[[], bytes], zone: tzinfo, converter: Converter | None = None) -> None:
        """Nothing is opened, and the key not asked for, before it is needed."""
        self._paths = Paths(root)
        self._folder = Folder(root)
        self._seal = Seal(key)
        self._clock = Clock(zone)
        self._converter = converter or Converter()
        # Lists are read again and again, the newest records most of all.
        self._ids = lru_cache(maxsize=KNOWN_IDS)(self._id_of)

    def id_of(self, recordingfile: str, userfield: str, calldate: str) -> str | None:
        """The id of what a call record names, or None when it names nothing below the folder. No file is looked at."""
        return self._ids(recordingfile, userfield, calldate)

    def _id_of(self, recordingfile: str, userfield: str, calldate: str) -> str | None:
        path = self._paths.of_record(recordingfile, userfield, calldate)
        return self._seal.seal(path) if path else None

    def look(self, recording_id: str) -> RecordingFile:
        """What there is of a recording; gone and unreadable are states here. Raises NotFound for an id that is none."""
        return self._look(recording_id, self._path(recording_id))

    def open(self, recording_id: str) -> OpenRecording:
        """Open a recording that is whole. Raises the state that it is in when it is not."""
        path, descriptor, found = self._find(self._path(recording_id))
        opened = _opened(path, descriptor, found)
        try:
            state = state_of(descriptor, found, format_of(path))
            if state == "recording":
                raise RecordingInProgress("This recording is still being written")
            if state == "empty":
                raise RecordingEmpty("The file of this recording holds no sound: nobody answered, or nothing was said")
        except BaseException:
            opened.file.close()
            raise
        return opened

    def open_named(self, name: str) -> OpenRecording:
        """Open any file by its path below the folder, whatever state it is in. Raises NotFound."""
        path = named(name)
        if path is None:
            raise NotFound("There is no such file")
        return _opened(path, *self._folder.open(path))

    def delete(self, recording_id: str, check: Callable[[str], None]) -> None:
        """Delete the file, and nothing in the call records. `check` is given its ETag, and may raise.

        Raises RecordingInProgress while it is written: Asterisk would go on writing to a file without a name.
        """
        for path in candidates(self._path(recording_id)):
            try:
                found = self._folder.look(path)
            except RecordingGone:
                continue
            if self._state(path) == "recording":
                raise RecordingInProgress("This recording is still being written")
            check(_etag(found))
            self._folder.remove(path)
            return
        raise RecordingGone("The file of this recording is not there, or not any more")

    def converts(self, opened: OpenRecording, form: str) -> None:
        """Raise NotSupported unless something is installed that converts this recording."""
        command(opened.format, form)

    def convert(self, opened: OpenRecording, form: str) -> Conversion:
        """The recording in another format; `opened` is closed. Raises NotSupported, NotConverted, Unavailable."""
        return self._converter.convert(opened, form)

    def scan(self, filters: Filters, *, limit: int, cursor: str | None) -> tuple[list[ListedRecording], str | None]:
        """Recordings as the folders have them, newest first, and the cursor of the next page.

        A page can be short of `limit`, or empty, and still have a next one: it is given after five seconds.
        """
        if filters.linkedid:
            raise Invalid("A file's name does not tell the linkedid", {"linkedid": ["Not together with scan."]})
        if filters.start and filters.end and filters.start >= filters.end:
            raise Invalid("The range is empty", {"end": ["Must be after start."]})
        try:
            position = self._seal.open(cursor) if cursor else None
        except NotFound:
            raise Invalid("The cursor is none that this collection gave.", {"cursor": ["Not a cursor."]}) from None
        paths, following = Scan(self._folder, self._clock, filters).page(limit, position)
        listed = [self._listed(path) for path in paths]
        return [one for one in listed if one.state != "gone"], self._seal.seal(following) if following else None

    def _path(self, recording_id: str) -> str:
        path = self._seal.open(recording_id)
        if is_hostile(path):
            raise NotFound("There is no recording with this id")
        return path

    def _find(self, path: str) -> tuple[str, int, os.stat_result]:
        for candidate in candidates(path):
            try:
                return candidate, *self._folder.open(candidate)
            except RecordingGone:
                continue
        raise RecordingGone("The file of this recording is not there, or not any more")

    def _look(self, recording_id: str, path: str) -> RecordingFile:
        found: os.stat_result | None = None
        try:
            path, descriptor, found = self._find(path)
        except RecordingGone:
            state = "gone"
        except RecordingNotPermitted:
            state = "unreadable"
        else:
            with os.fdopen(descriptor, "rb", buffering=0):
                state = state_of(descriptor, found, format_of(path))
        kind = format_of(path)
        return RecordingFile(
            id=recording_id,
            name=_name(path),
            format=kind.name if kind else None,
            state=state,
            size=found.st_size if found else None,
            modified_at=_modified(found) if found else None,
        )

    def _state(self, path: str) -> str:
        try:
            descriptor, found = self._folder.open(path)
        except RecordingNotPermitted:
            return "unreadable"
        with os.fdopen(descriptor, "rb", buffering=0):
            return state_of(descriptor, found, format_of(path))

    def _listed(self, path: str) -> ListedRecording:
        file = self._look(self._seal.seal(path), path)
        known = told(PurePosixPath(path).name)
        return ListedRecording(
            id=file.id,
            uniqueid=known.uniqueid if known else None,
            linkedid=None,
            calldate=self._clock.moment(known.at, known.uniqueid) if known else None,
            src=known.src or None if known else None,
            dst=known.dst or None if known else None,
            duration=None,
            name=file.name,
            format=file.format,
            state=file.state,
            size=file.size,
            modified_at=file.modified_at,
        )


def _opened(path: str, descriptor: int, found: os.stat_result) -> OpenRecording:
    kind = format_of(path)
    return OpenRecording(
        file=os.fdopen(descriptor, "rb", buffering=0),
        path=path,
        name=_name(path),
        format=kind.name if kind else None,
        media_type=kind.media_type if kind else "application/octet-stream",
        size=found.st_size,
        modified_at=_modified(found),
        etag=_etag(found),
    )


def _name(path: str) -> str:
    """The file's own name, as text that may hold a replacement for what is no UTF-8."""
    return PurePosixPath(path).name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _modified(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(int(found.st_mtime), UTC)


def _etag(found: os.stat_result) -> str:
    # As nginx makes it (ngx_http_set_etag), so that it is the same one when nginx sends the file.
    return f'"{int(found.st_mtime):x}-{found.st_size:x}"'
