"""Rewriting a file that others write too, and know nothing of our locks: whole or not at all, and losing nothing."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pbxapi.errors import Conflict

TRIES = 10
MAX_BYTES = 16 * 1024 * 1024

Edit = Callable[[bytes], bytes]
"""From what is in a file to what shall be. May raise; nothing is written then."""


def rewrite(path: str, edit: Edit) -> tuple[bytes, bytes]:
    """Write a file anew, with its owner, group and mode; gives what was in it, and what is now.

    A symbolic link stays, what it points to is written. Who changes the file in the same moment is not overwritten:
    the edit is made again, of what they wrote. Raises Conflict when they do not stop, OSError, and what `edit` raises.
    """
    real = os.path.realpath(path)
    for _ in range(TRIES):
        with _opened(real) as file:
            before = _content(file)
            after = edit(before)
            if after == before:
                return before, after
            if not _replace(real, file, before, after):
                continue
            late = _content(file)
        if late == before:
            return before, after
        # Somebody wrote into the very file that was just replaced: theirs counts.
        with _opened(real) as file:
            _replace(real, file, after, late)
    raise Conflict(f"{Path(path).name} is being written by others: try again")


def why_not(path: str) -> str | None:
    """Say why this process may not rewrite a file, in words without a path; None when it may."""
    name, real = Path(path).name, os.path.realpath(path)
    folder = Path(real).parent
    try:
        with _opened(real) as file:
            found = os.fstat(file)
    except FileNotFoundError:
        return f"There is no {name} where it is looked for."
    except OSError:
        return f"The user that this API runs as may not read {name}."
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return f"The user that this API runs as may not write to the folder of {name}."
    if os.geteuid() not in {0, found.st_uid} and not _group_will_do(found):
        return f"The user that this API runs as cannot write {name} so that its owner still may."
    return None


def content(path: str) -> bytes:
    """What is in a regular file. Raises OSError."""
    with _opened(path) as file:
        return _content(file)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    # O_NONBLOCK: opening a FIFO must not wait for who writes to it.
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise PermissionError("not a regular file, or too large")
        yield file
    finally:
        os.close(file)


def _content(file: int) -> bytes:
    return os.pread(file, MAX_BYTES + 1, 0)


def _replace(real: str, file: int, before: bytes, after: bytes) -> bool:
    """Put a new file in the place of an open one, unless that is not there any more, or not what it was."""
    found = os.fstat(file)
    path = Path(real)
    new = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            _write(descriptor, after)
            _dress(descriptor, found)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        there = path.stat()
        if (there.st_dev, there.st_ino) != (found.st_dev, found.st_ino) or _content(file) != before:
            new.unlink()
            return False
        new.rename(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    _sync(path.parent)
    return True


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _dress(descriptor: int, found: os.stat_result) -> None:
    """Owner, group and mode of the old file. Only root can give a file away; the group may do instead."""
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (found.st_uid, found.st_gid):
        try:
            os.fchown(descriptor, found.st_uid, found.st_gid)
        except PermissionError:
            if not _group_will_do(found):
                raise
            os.fchown(descriptor, -1, found.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(found.st_mode))


def _group_will_do(found: os.stat_result) -> bool:
    """Whether the group, which is ours too, may all that the owner may."""
    owner, group = (found.st_mode >> 6) & 7, (found.st_mode >> 3) & 7
    return owner & ~group == 0 and found.st_gid in {os.getegid(), *os.getgroups()}


def _sync(folder: Path) -> None:
    """Make the new name last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
