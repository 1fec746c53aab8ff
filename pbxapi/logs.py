"""The log: one JSON object a line, on standard error or in a file."""

from __future__ import annotations

import dataclasses
import json
import logging
import logging.handlers
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pbxapi import request_id
from pbxapi.settings import SettingsError

if TYPE_CHECKING:
    from pbxapi.settings import Audit, Log

ACCESS = "pbxapi.access"
AUDIT = "pbxapi.audit"
_NAME = "pbxapi's own"


class JsonLines(logging.Formatter):
    """A record as one line. The access log's message is a line already."""

    def format(self, record: logging.LogRecord) -> str:
        """Encode it; what comes from outside cannot break the line."""
        if record.name == ACCESS:
            return record.getMessage()
        if hasattr(record, "audit_entry"):
            return _audit_line(record, record.audit_entry)
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


class AuditFile(logging.handlers.WatchedFileHandler):
    """A file that its owner writes and its group may read, also when it is made anew after a rotation."""

    def _open(self) -> Any:
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=_open_private)


def configure(settings: Log, audit: Audit | None = None) -> None:
    """Send what is logged below `pbxapi` where the settings say, in place of where an earlier call sent it.

    A file may be rotated under us. Raises SettingsError when one cannot be opened.
    """
    handler = _handler(settings.path)
    try:
        audit_file = _audit_file(audit.path) if audit and audit.path else None
    except SettingsError:
        handler.close()
        raise
    _replace("pbxapi", handler)
    _replace(AUDIT, audit_file)
    logging.getLogger("pbxapi").setLevel(settings.level.upper())
    logging.getLogger(ACCESS).setLevel(logging.INFO if settings.access else logging.CRITICAL + 1)
    # Who changed what is kept however little else is.
    logging.getLogger(AUDIT).setLevel(logging.INFO)


def check(settings: Log) -> None:
    """Raise SettingsError when the log cannot be written: better said once than by each worker."""
    _handler(settings.path).close()


def configure_audit(audit: Audit, *, make: bool = False) -> None:
    """For a command that logs nothing else: write its entries of the audit log to the file, if there is one.

    Unless told to it makes none: root's would be one that the service cannot write. Raises SettingsError.
    """
    wanted = audit.path and (make or _audit_path(audit.path).is_file())
    _replace(AUDIT, _audit_file(audit.path) if wanted else None)
    logging.getLogger(AUDIT).setLevel(logging.INFO)


def _replace(name: str, handler: logging.Handler | None) -> None:
    logger = logging.getLogger(name)
    for earlier in [found for found in logger.handlers if found.get_name() == _NAME]:
        logger.removeHandler(earlier)
        earlier.close()
    if handler is not None:
        handler.set_name(_NAME)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)


def _handler(path: str) -> logging.Handler:
    if not path:
        return logging.StreamHandler(sys.stderr)
    file = Path(path) / "pbxapi.log" if Path(path).is_dir() else Path(path)
    try:
        return logging.handlers.WatchedFileHandler(file, encoding="utf-8")
    except OSError as error:
        raise SettingsError([f"LOG_PATH {path!r} cannot be written: {error.strerror}"]) from None


def _audit_file(path: str) -> logging.Handler:
    try:
        return AuditFile(_audit_path(path), encoding="ascii")
    except OSError as error:
        raise SettingsError([f"AUDIT_LOG_PATH {path!r} cannot be written: {error.strerror}"]) from None


def _audit_path(path: str) -> Path:
    return Path(path) / "pbxapi-audit.log" if Path(path).is_dir() else Path(path)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)


def _audit_line(record: logging.LogRecord, entry: Any) -> str:
    """In ASCII: nothing of it can break a line, wherever it is shown, or fail to be written."""
    told = dataclasses.asdict(entry)
    del told["id"]
    at = told.pop("at")
    head = {"time": at.isoformat(timespec="milliseconds"), "level": record.levelname.lower(), "logger": record.name}
    return json.dumps(head | told)
