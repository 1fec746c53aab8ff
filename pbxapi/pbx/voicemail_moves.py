"""Moving and deleting voicemail messages, under the lock that app_voicemail takes.

All files of a message go together: they are renamed, so that they keep owner, rights and content, its text last, which
makes it one. Asterisk gives a new message the number after the highest; it closes gaps when a phone opens the box
(resequence_mailbox(), seen on 16 and 22), and takes a folder for full whose highest number is `maxmsg`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import time
from collections.abc import Collection, Iterator

from pbxapi.errors import Conflict, Inconsistent
from pbxapi.pbx import voicemail_lock as lock
from pbxapi.pbx.voicemail import FOLDERS, INBOX
from pbxapi.pbx.voicemail_spool import TEXT, Box, Found, Listing, descriptor, listing, messages_of, read, stem

log = logging.getLogger("pbxapi.voicemail")

Opened = dict[str, int]


@contextlib.contextmanager
def holding(box: Box, names: Collection[str]) -> Iterator[Opened]:
    """Lock folders; one that is not there is made, like INBOX. Raises OSError, and Unavailable after five seconds.

    In app_voicemail's own order, INBOX first: it holds that one while it files in Old what was heard.
    """
    deadline = time.monotonic() + lock.PATIENCE
    with contextlib.ExitStack() as held:
        opened: Opened = {}
        for name in sorted(names, key=FOLDERS.index):
            opened[name] = held.enter_context(_made(box, name))
            held.enter_context(lock.locked(opened[name], deadline))
        yield opened


def still_there(found: Found, opened: Opened) -> bool:
    """Whether a message is where it was, now that its folder is locked."""
    folder = opened[found.folder]
    now = read(folder, found.folder, found.number, listing(folder).get(found.number, []))
    return now is not None and now.key == found.key


def move(found: Found, opened: Opened, target: str, most: int) -> None:
    """Move it to a free number of the target, which holds `most` messages. Raises Conflict, Inconsistent, OSError."""
    source, to = opened[found.folder], opened[target]
    number = _free(listing(to), most)
    if number is None:
        raise Conflict(f"The folder {target} is full: it holds {most} messages")
    _rename(listing(source)[found.number], (source, found.number), (to, number))


def delete(found: Found, opened: Opened) -> None:
    """Delete all of its files, for good. Raises OSError, and Inconsistent when some were deleted and others not."""
    folder = opened[found.folder]
    gone: list[str] = []
    # The text last: as long as there is one, Asterisk counts a message, and none of its sounds becomes another's.
    for ending in _text_last(listing(folder)[found.number]):
        try:
            os.unlink(f"{stem(found.number)}.{ending}", dir_fd=folder)
        except OSError as error:
            if not gone:
                raise
            steps = [f"deleted: {', '.join(gone)}", f"not deleted: {ending}"]
            raise Inconsistent("The message was deleted in part", steps) from error
        gone.append(ending)


def has_gap(folder: int) -> bool:
    """Whether its messages are not numbered from 0 on without a gap."""
    numbers = messages_of(listing(folder))
    return numbers != list(range(len(numbers)))


def close_gaps(folder: int) -> None:
    """Number the messages anew, as Asterisk does. Raises Inconsistent, OSError.

    Not while somebody listens to the box by phone: what he deletes there is deleted by its number when he hangs up.
    """
    there = listing(folder)
    for number in messages_of(there):
        free = next(each for each in range(number + 1) if each == number or each not in there)
        if free != number:
            _rename(there[number], (folder, number), (folder, free))
            there[free] = there.pop(number)


def _free(there: Listing, most: int) -> int | None:
    """The number after the highest, as Asterisk takes it; only where there is none left, one in a gap."""
    highest = max(there, default=-1) + 1
    if highest < most:
        return highest
    return next((number for number in range(most) if number not in there), None)


def _rename(endings: list[str], source: tuple[int, int], target: tuple[int, int]) -> None:
    done: list[str] = []
    try:
        for ending in _text_last(endings):
            _rename_one(ending, source, target)
            done.append(ending)
    except OSError as error:
        for ending in reversed(done):
            try:
                _rename_one(ending, target, source)
            except OSError:
                log.exception("voicemail: %s is left half moved, as %s", stem(source[1]), stem(target[1]))
                raise Inconsistent("The message was moved in part", [f"moved: {each}" for each in done]) from error
        raise


def _rename_one(ending: str, source: tuple[int, int], target: tuple[int, int]) -> None:
    before, after = (f"{stem(number)}.{ending}" for _, number in (source, target))
    os.rename(before, after, src_dir_fd=source[0], dst_dir_fd=target[0])


def _text_last(endings: list[str]) -> list[str]:
    return sorted(endings, key=lambda ending: (ending == TEXT, ending))


@contextlib.contextmanager
def _made(box: Box, name: str) -> Iterator[int]:
    with descriptor(name, box.handle) as there:
        if there is not None:
            yield there
            return
    _make(box, name)
    with descriptor(name, box.handle) as there:
        if there is None:
            raise FileNotFoundError(name)
        yield there


def _make(box: Box, name: str) -> None:
    """Make a folder with the owner and the rights of another; where it cannot be Asterisk's, its group can write."""
    with descriptor(INBOX, box.handle) as inbox:
        like = os.fstat(box.handle if inbox is None else inbox)
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, dir_fd=box.handle)
    with descriptor(name, box.handle) as made:
        if made is None:
            return
        with contextlib.suppress(PermissionError):
            os.chown(made, like.st_uid if os.geteuid() == 0 else -1, like.st_gid)
        mode = stat.S_IMODE(like.st_mode)
        if os.fstat(made).st_uid != like.st_uid:
            mode |= (mode & stat.S_IRWXU) >> 3
        os.fchmod(made, mode)
