"""What the doctor says of our own files and folders: who may read them, and whether we may write them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pbxapi.findings import Finding

if TYPE_CHECKING:
    from pbxapi.settings import Settings
    from pbxapi.store import Store

NEARLY_FULL = 0.90
FULL = 0.97
"""Shares of a file system, or of its inodes."""


def files(settings: Settings, store: Store, env: Path = Path(".env")) -> Iterator[Finding]:
    """Look at `.env`, the store, the logs, and the file systems that recordings and others fill."""
    if env.exists():
        yield from _private(env, "fault", "It holds the key, and maybe passwords.", f"chmod o-rwx {env.absolute()}")
    if store.file:
        folder = Path(store.file).absolute().parent
        yield from _private(Path(store.file).absolute(), "remark", "It holds who called whom.", f"chmod o-rwx {folder}")
        if not os.access(folder, os.W_OK | os.X_OK):
            how = f"chown {_me()} {folder}" if folder.is_dir() else f"install -d -o {_me()} -m 0750 {folder}"
            advice = f"SQLite needs it for its journal: {how}"
            yield Finding("fault", f"{folder}: this user may not write in the store's folder", advice)
    for name, path in (("LOG_PATH", settings.log.path), ("AUDIT_LOG_PATH", settings.audit.path)):
        if path and not writable(Path(path)):
            advice = f"install -d -o {_me()} -m 0750 {Path(path).absolute().parent}"
            yield Finding("fault", f"{name}: {path} cannot be written by this user", advice)
    voicemail, recordings = settings.provisioning.voicemail_path, settings.platform.recordings_path
    for path in dict.fromkeys((recordings, voicemail, str(Path(store.file or "/").absolute()), settings.log.path)):
        if path:
            yield from _room(Path(path))


def writable(path: Path) -> bool:
    """Whether a file can be written, or be made. A folder is as good as a file in it."""
    if path.exists():
        return os.access(path, os.W_OK | (os.X_OK if path.is_dir() else 0))
    return os.access(path.absolute().parent, os.W_OK | os.X_OK)


def open_to_all(path: Path) -> bool:
    """Whether any user of this host may read it: by its own mode, and those of all folders above."""
    try:
        if not path.stat().st_mode & stat.S_IROTH:
            return False
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
    except OSError:
        return False


def _private(path: Path, level: str, why: str, what_to_do: str) -> Iterator[Finding]:
    if open_to_all(path):
        yield Finding(level, f"{path}: every user of this host may read it", f"{why}\n{what_to_do}")
    elif path.exists():
        yield Finding("fine", f"{path}: not for everybody to read")


def _room(path: Path) -> Iterator[Finding]:
    """How full the file system of a path is; nothing of one that is not there."""
    try:
        about = os.statvfs(path)
    except OSError:
        return
    may_use = about.f_blocks - about.f_bfree + about.f_bavail
    shares = {
        "full": 1 - about.f_bavail / may_use if may_use else 0.0,
        "out of inodes": 1 - about.f_favail / about.f_files if about.f_files else 0.0,
    }
    for what, share in shares.items():
        if share >= NEARLY_FULL:
            level = "fault" if share >= FULL else "remark"
            advice = "GET /system/disk says what takes it up. Full, it loses recordings, voicemail and call records."
            yield Finding(level, f"{path}: its file system is {share:.0%} {what}", advice)


def _me() -> str:
    from pbxapi.pbx.run_program import user_name  # noqa: PLC0415

    return user_name()
