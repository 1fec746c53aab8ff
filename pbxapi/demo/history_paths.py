"""Where in the demo's folder its past is kept."""

from __future__ import annotations

from pathlib import Path


def database_path(folder: Path) -> Path:
    """The SQLite file with the tables `cdr` and `cel`."""
    return folder / "cdr.db"


def recordings_path(folder: Path) -> Path:
    """The folder of recordings."""
    return folder / "monitor"


def queue_log_path(folder: Path) -> Path:
    """The file queue_log."""
    return folder / "queue_log"


def voicemail_path(folder: Path) -> Path:
    """The spool of voicemail."""
    return folder / "voicemail"
