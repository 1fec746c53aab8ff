"""The folders of a voicemail box: `<spool>/<context>/<box>/<folder>/msgNNNN.*`, opened one below the other.

No symbolic link below the spool is followed, and nothing is checked before it is open, as for recordings.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pbxapi.errors import Unavailable, VoicemailNotPermitted
from pbxapi.pbx import voicemail_lock as lock
from pbxapi.pbx.recording_names import FORMATS, Format
from pbxapi.pbx.voicemail import FOLDERS
from pbxapi.pbx.voicemail_message import MOST, About, about

_INNER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_RDONLY
# O_NONBLOCK: opening a FIFO must not wait for who writes to it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO})
_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NAME = re.compile(r"msg([0-9]{4})\.([^/]+)\Z")
TEXT = "txt"


@dataclass(frozen=True, slots=True)
class Sound:
    """The best of the sounds that a message has; `size` in bytes."""

    ending: str
    kind: Format
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """A message where it lies. `key` is its name for itself, `id` is unlike that of any other message of the box.

    `serial` is the number of its file, which stays when it is renamed; `written` is in seconds since 1970.
    """

    id: str
    folder: str
    number: int
    about: About
    sound: Sound | None
    written: float
    serial: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it again after its folder was locked."""
        return self.about.id, self.serial


Listing = dict[int, list[str]]
"""The files of a folder that belong to messages: their endings by the messages' numbers."""


class Spool:
    """The folder at `root`, which need not be there: Asterisk makes it with the first message."""

    def __init__(self, root: str) -> None:
        self._root = root

    @contextlib.contextmanager
    def box(self, context: str, number: str) -> Iterator[Box | None]:
        """Open the folder of a box; None where there is none. Raises VoicemailNotPermitted and Unavailable.

        Neither name may hold a slash, or be one or two dots.
        """
        with meant(), contextlib.ExitStack() as opened:
            inner: int | None = None
            for place in (self._root, context, number):
                inner = opened.enter_context(descriptor(place, inner))
                if inner is None:
                    break
            yield None if inner is None else Box(inner)


class Box:
    """A box, by the descriptor of its folder. Methods raise OSError, for `meant`."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def counts(self) -> dict[str, int]:
        """How many messages each folder that there is holds, in the order of FOLDERS."""
        found = {}
        for name in self._folders():
            with descriptor(name, self.handle) as folder:
                if folder is not None:
                    found[name] = len(messages_of(listing(folder)))
        return found

    def messages(self, only: str | None = None) -> list[Found]:
        """Every message, or those of one folder."""
        found = [each for name in self._folders() for each in self._in(name)]
        same = Counter(each.id for each in found)
        # Those that somebody copied are told by their files.
        unlike = [replace(each, id=f"{each.id}.{each.serial:x}") if same[each.id] > 1 else each for each in found]
        return [each for each in unlike if only in {None, each.folder}]

    def open_sound(self, found: Found) -> tuple[int, os.stat_result] | None:
        """Open the sound of a message; the descriptor is the caller's to close. None: it is not there any more."""
        with descriptor(found.folder, self.handle) as folder:
            if folder is None or found.sound is None:
                return None
            return _open(f"{stem(found.number)}.{found.sound.ending}", folder)

    def _folders(self) -> list[str]:
        there = names(self.handle)
        return [name for name in FOLDERS if name in there]

    def _in(self, name: str) -> Iterator[Found]:
        with descriptor(name, self.handle) as folder:
            if folder is None:
                return
            lock.free(folder)
            there = listing(folder)
            for number in messages_of(there):
                found = read(folder, name, number, there[number])
                if found is not None:
                    yield found


def read(folder: int, name: str, number: int, endings: list[str]) -> Found | None:
    """The message with this number in a folder; None where its text is not there, or no file."""
    opened = _open(f"{stem(number)}.{TEXT}", folder)
    if opened is None:
        return None
    handle, status = opened
    try:
        told = about(os.read(handle, MOST))
    finally:
        os.close(handle)
    sound = _sound(folder, number, endings)
    return Found(told.id, name, number, told, sound, status.st_mtime, status.st_ino)


def listing(folder: int) -> Listing:
    """What lies in a folder."""
    found: Listing = {}
    for name in names(folder):
        match = _NAME.match(name)
        if match:
            found.setdefault(int(match[1]), []).append(match[2])
    return found


def names(folder: int) -> list[str]:
    """Everything in a folder, by its descriptor."""
    return os.listdir(folder)


def messages_of(there: Listing) -> list[int]:
    """The numbers that Asterisk counts as messages: those with a text (count_messages() of app_voicemail)."""
    return sorted(number for number, endings in there.items() if TEXT in endings)


def stem(number: int) -> str:
    """What the files of a message are called, without their endings."""
    return f"msg{number:04d}"


@contextlib.contextmanager
def descriptor(name: str, inside: int | None = None) -> Iterator[int | None]:
    """A folder inside another, not by a link; None where it is not there. The spool itself may be a link."""
    try:
        handle = os.open(name, _INNER if inside is not None else _INNER & ~os.O_NOFOLLOW, dir_fd=inside)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def meant() -> Iterator[None]:
    """Give what the system refuses its meaning for a caller."""
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_ALLOWED:
            raise VoicemailNotPermitted(
                "The user that this API runs as may not do this with the messages. Let it be in their group, usually "
                "asterisk, and let the group write to the folders to move and delete"
            ) from error
        raise Unavailable("The folder of the voicemail cannot be read or written now", part="voicemail") from error


def _sound(folder: int, number: int, endings: list[str]) -> Sound | None:
    """The one to play: in the order of FORMATS, in which a plain wav is the first."""
    for ending, kind in FORMATS.items():
        if ending in endings:
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(f"{stem(number)}.{ending}", dir_fd=folder, follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    return Sound(ending, kind, status.st_size)
    return None


def _open(name: str, folder: int) -> tuple[int, os.stat_result] | None:
    """A regular file, open for reading; None for what is none."""
    try:
        handle = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        return None
    return handle, status
