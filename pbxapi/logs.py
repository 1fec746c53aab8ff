"""The log: one JSON object a line, on standard error or in a file."""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pbxapi import request_id
from pbxapi.settings import SettingsError

if TYPE_CHECKING:
    from pbxapi.settings import Log

ACCESS = "pbxapi.access"
AUDIT = "pbxapi.audit"
_NAME = "pbxapi's own"


class JsonLines(logging.Formatter):
    """A record as one line. The access log's message is a line already."""

    def format(self, record: logging.LogRecord) -> str:
        """Encode it; what comes from outside cannot break the line."""
        if record.name == ACCESS:
            return record.getMessage()
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": request_id.current() or None,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure(settings: Log) -> None:
    """Send what is logged below `pbxapi` where the settings say, in place of where an earlier call sent it.

    A file may be rotated under us. Raises SettingsError when it cannot be opened.
    """
    handler = _handler(settings.path)
    handler.set_name(_NAME)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("pbxapi")
    for earlier in [found for found in logger.handlers if found.get_name() == _NAME]:
        logger.removeHandler(earlier)
        earlier.close()
    logger.addHandler(handler)
    logger.setLevel(settings.level.upper())
    logging.getLogger(ACCESS).setLevel(logging.INFO if settings.access else logging.CRITICAL + 1)
    # Who changed what is kept however little else is.
    logging.getLogger(AUDIT).setLevel(logging.INFO)


def _handler(path: str) -> logging.Handler:
    if not path:
        return logging.StreamHandler(sys.stderr)
    file = Path(path) / "pbxapi.log" if Path(path).is_dir() else Path(path)
    try:
        return logging.handlers.WatchedFileHandler(file, encoding="utf-8")
    except OSError as error:
        raise SettingsError([f"LOG_PATH {path!r} cannot be written: {error.strerror}"]) from None
