"""The lock that app_voicemail takes of a folder before it renames what is in it (ast_lock_path() of main/app.c).

Asterisk has two ways, of which `lockmode` of asterisk.conf chooses one: a file `.lock`, made by a hard link that fails
while it is there; or a file `lock` under flock(2), removed when it is let go of. Which one cannot be asked for, so both
are taken. Asterisk waits five seconds for it, and then drops the message that it has just recorded: hold it shortly.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator

from pbxapi.errors import Unavailable

PATIENCE = 5.0
"""Seconds to wait, as Asterisk does."""
PAUSE = 0.005

_MARK = b"pbxapi\n"
"""In our `.lock`; Asterisk's is empty. One that nobody has under flock any more is of a process that was killed."""
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@contextlib.contextmanager
def locked(folder: int, deadline: float) -> Iterator[None]:
    """Hold the folder with this descriptor. Raises Unavailable past the deadline (monotonic), and OSError."""
    with _linked(folder, deadline), _flocked(folder, deadline):
        yield


@contextlib.contextmanager
def _linked(folder: int, deadline: float) -> Iterator[None]:
    name = f".lock-{secrets.token_hex(4)}"
    handle = os.open(name, _MAKE | os.O_EXCL, 0o664, dir_fd=folder)
    try:
        try:
            os.write(handle, _MARK)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            while not _link(name, folder):
                if not free(folder):
                    _wait(deadline)
        finally:
            os.unlink(name, dir_fd=folder)
        try:
            yield
        finally:
            os.unlink(".lock", dir_fd=folder)
    finally:
        os.close(handle)


def _link(name: str, folder: int) -> bool:
    try:
        os.link(name, ".lock", src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    return True


def free(folder: int) -> bool:
    """Take away a lock of ours whose process was killed. Who has it under flock alone may remove it."""
    try:
        handle = os.open(".lock", _LOOK, dir_fd=folder)
    except OSError:
        return False
    try:
        dead = os.read(handle, len(_MARK) + 1) == _MARK and _flock(handle) and _is(".lock", folder, handle)
        if dead:
            os.unlink(".lock", dir_fd=folder)
    except OSError:
        return False
    else:
        return dead
    finally:
        os.close(handle)


@contextlib.contextmanager
def _flocked(folder: int, deadline: float) -> Iterator[None]:
    while True:
        handle = _open(folder)
        try:
            if handle is not None and _flock(handle) and _is("lock", folder, handle):
                try:
                    yield
                finally:
                    os.unlink("lock", dir_fd=folder)
                return
        finally:
            if handle is not None:
                os.close(handle)
        _wait(deadline)


def _open(folder: int) -> int | None:
    """Open the file; None while it is Asterisk's, which lets nobody else open it."""
    try:
        handle = os.open("lock", _MAKE, 0o666, dir_fd=folder)
    except PermissionError:
        return None
    with contextlib.suppress(PermissionError):
        # Whatever the umask: an Asterisk that cannot open it would go on without a lock.
        os.fchmod(handle, 0o666)  # nosec B103
    return handle


def _flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(name: str, folder: int, handle: int) -> bool:
    """Whether the file of that name is the one that is open."""
    try:
        return os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), os.fstat(handle))
    except FileNotFoundError:
        return False


def _wait(deadline: float) -> None:
    if time.monotonic() >= deadline:
        raise Unavailable(
            "The exchange is at work in this mailbox: its folder is locked", part="voicemail", retry_after=2
        )
    time.sleep(PAUSE)
