"""Opening files below a folder, and nothing outside of it, whoever changes what lies there meanwhile.

Nothing is checked before it is open. The folder is opened, then each component below it from the one before, never
through a symbolic link, and what counts is the descriptor in the end. The folder itself may be a link: its owner says
where it is.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from pbxapi.errors import RecordingGone, RecordingNotPermitted, Unavailable

# O_PATH asks for no right to list a folder, as a path by its name does not.
_INNER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_LIST = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_RDONLY
# O_NONBLOCK: opening a FIFO must not wait for who writes to it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.EISDIR})
_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class Folder:
    """The folder at `root`. What cannot be opened is RecordingGone, RecordingNotPermitted or Unavailable."""

    def __init__(self, root: str) -> None:
        self._root = root

    def open(self, path: str) -> tuple[int, os.stat_result]:
        """Open a regular file, for reading. The descriptor is the caller's to close."""
        with _meant(), self._parent(path) as (parent, name):
            descriptor = os.open(name, _FILE, dir_fd=parent)
            try:
                found = os.fstat(descriptor)
                _regular(found)
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor, found

    def look(self, path: str) -> os.stat_result:
        """What is known of a regular file, whether or not it can be read."""
        with _meant(), self._parent(path) as (parent, name):
            return _regular(os.stat(name, dir_fd=parent, follow_symlinks=False))

    def remove(self, path: str) -> None:
        """Take a regular file away."""
        with _meant(), self._parent(path) as (parent, name):
            _regular(os.stat(name, dir_fd=parent, follow_symlinks=False))
            # Should it be a link by now, the link goes, and never what it points to.
            os.unlink(name, dir_fd=parent)

    @contextmanager
    def listing(self, path: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        """What is in a folder; the root is "". It is read while it is gone through."""
        with _meant(), self._parent(f"{path}/." if path else ".") as (parent, _):
            descriptor = os.open(".", _LIST, dir_fd=parent)
            try:
                with os.scandir(descriptor) as entries:
                    yield entries
            finally:
                os.close(descriptor)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, bytes]]:
        """The folder that a path is in, as a descriptor, and the last component."""
        *folders, name = path.encode("utf-8", "surrogateescape").split(b"/")
        descriptor = self._open_root()
        try:
            for folder in folders:
                inner = os.open(folder, _INNER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor, name
        finally:
            os.close(descriptor)

    def _open_root(self) -> int:
        try:
            return os.open(self._root, _INNER & ~os.O_NOFOLLOW)
        except OSError as error:
            if error.errno in _NOT_ALLOWED:
                raise
            # Not "gone": a folder that is not mounted now has its files again later.
            raise Unavailable("The folder of the recordings is not there", part="recordings", retry_after=30) from error


def _regular(found: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(errno.ENOENT, "not a regular file")
    return found


@contextmanager
def _meant() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_THERE:
            raise RecordingGone("The file of this recording is not there, or not any more") from error
        if error.errno in _NOT_ALLOWED:
            raise RecordingNotPermitted(
                "The user that this API runs as may not do this with the file. Let it be in the group of the "
                "recordings, usually asterisk"
            ) from error
        raise Unavailable("The folder of the recordings cannot be read now", part="recordings") from error
