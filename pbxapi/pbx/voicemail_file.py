"""The voicemail boxes of an exchange: lines of its voicemail.conf, and the messages below its spool folder."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pbxapi.errors import Conflict, Invalid, NotSupported, Unavailable
from pbxapi.pbx import rewriting
from pbxapi.pbx.plan import FileChange
from pbxapi.pbx.provisioning import Mailbox
from pbxapi.pbx.step import Step
from pbxapi.pbx.text import CONTEXT
from pbxapi.pbx.voicemail_conf import ALIASES, NO_CONTEXTS, VoicemailConf
from pbxapi.pbx.voicemail_line import NUMBER

if TYPE_CHECKING:
    from pbxapi.ami import Client

FILE = "voicemail.conf"
PIN_DIGITS = 6
DEVICE = "device"
"""The context in which phones look for their box where there are no aliases."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class VoicemailFile:
    """`voicemail.conf`, which FreePBX's screens, Asterisk (a PIN changed by phone) and we all write.

    `spool` is the folder of the messages. A `ConfFile` of `change.py`. The caller holds the write lock; what others
    write meanwhile is kept. Raises NotSupported where this process may not read or write the file, and Unavailable.
    """

    def __init__(self, conf_path: str, spool: str, ami: Client) -> None:
        self._path = conf_path
        self._spool = spool
        self._ami = ami
        self._read: tuple[tuple[int, ...], VoicemailConf, dict[tuple[str, str], Mailbox]] | None = None

    def why_not(self) -> str | None:
        """Why boxes cannot be changed here, in words for a caller; None when they can."""
        return rewriting.why_not(self._path)

    def mailboxes(self) -> Mapping[tuple[str, str], Mailbox]:
        """Every box of the file itself, by context and number."""
        return self._look()[2]

    def new_password(self) -> str:
        """A PIN that nobody could guess from the number."""
        return f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}"

    def plan_put(
        self, number: str, before: Mailbox | None, after: Mailbox | None, name: str | None
    ) -> tuple[FileChange, ...]:
        """What changes in the file when `before` becomes `after`; None is no box. `name` is its owner's, None as it is.

        A box that is not to be there and is all the same, is taken over: no extension has it. Raises Conflict when
        `before` is not what is there, and Invalid for what does not fit into a line.
        """
        conf, boxes = self._look()[1:]
        if before is not None and boxes.get((before.context, number)) != before:
            raise Conflict(f"The mailbox {number} was changed meanwhile: try again")
        changes = []
        if before is not None and (after is None or after.context != before.context):
            changes.append(FileChange(FILE, before.context, conf.box_lines(before.context, number), ()))
        if after is not None:
            _check(number, after.context)
            lines = conf.box_lines(after.context, number)
            changes.append(FileChange(FILE, after.context, lines, conf.changed(after.context, number, after, name)))
        changes.append(_alias(conf, number, before, after))
        return tuple(change for change in changes if change.before != change.after)

    def step(self, changes: Sequence[FileChange]) -> Step:
        """Make these changes. What is undone is each change by itself, when others have written since."""
        done: list[tuple[bytes, bytes]] = []
        refused = False

        def edit(data: bytes) -> bytes:
            nonlocal refused
            refused = True
            data = _edited(data, changes)
            refused = False
            return data

        def do() -> None:
            done.append(self._rewrite(edit))

        def undo() -> None:
            if refused:
                return  # nothing was written: what is there, or is not, is theirs

            def back(data: bytes) -> bytes:
                return done[0][0] if done and done[0][1] == data else _taken_back(data, changes)

            self._rewrite(back)

        return Step(FILE, do, undo)

    def load(self) -> None:
        """Let Asterisk read the file again; `write = system` is enough. Raises AmiError."""
        self._ami.request("Reload", [("Module", "app_voicemail")])

    def erase(self, number: str, context: str) -> None:
        """Remove a box's messages and greetings, for good. Raises OSError; a box without any is no error."""
        _check(number, context)
        with _opened(self._spool, context) as folder:
            if folder is not None and _is_there(number, folder):
                shutil.rmtree(number, dir_fd=folder)

    def link(self, number: str, context: str) -> None:
        """Let `number@device` be the box, for an Asterisk without aliases. Raises OSError."""
        _check(number, context)
        target = f"../{context}/{number}"
        self.unlink(number)
        with _opened(self._spool) as spool:
            if spool is not None and not _is_there(DEVICE, spool):
                os.mkdir(DEVICE, 0o775, dir_fd=spool)
        with _opened(self._spool, DEVICE) as folder:
            os.symlink(target, number, dir_fd=folder)

    def unlink(self, number: str) -> None:
        """Take that away again; what is no link stays. Raises OSError."""
        _check(number, "default")
        with _opened(self._spool, DEVICE) as folder:
            if folder is not None and _is_link(number, folder):
                os.unlink(number, dir_fd=folder)

    def _look(self) -> tuple[tuple[int, ...], VoicemailConf, dict[tuple[str, str], Mailbox]]:
        """The file as it is; taken apart again only when it is another than last time."""
        with _meant():
            found = Path(self._path).stat()
            mark = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            held = self._read
            if held is None or held[0] != mark:
                conf = VoicemailConf(_text(rewriting.content(self._path)))
                held = self._read = mark, conf, conf.mailboxes()
        return held

    def _rewrite(self, edit: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
        with _meant():
            return rewriting.rewrite(self._path, edit)


def _edited(data: bytes, changes: Sequence[FileChange]) -> bytes:
    conf = VoicemailConf(_text(data))
    for change in changes:
        conf.replace(change.section, change.before, change.after)
    return _bytes(conf.text)


def _taken_back(data: bytes, changes: Sequence[FileChange]) -> bytes:
    """Undo those changes that are there: none or all of them, whatever else has come into the file since."""
    conf = VoicemailConf(_text(data))
    for change in reversed(changes):
        if conf.found(change.section, change.before, change.after) != change.before:
            conf.replace(change.section, change.after, change.before)
    return _bytes(conf.text)


def _alias(conf: VoicemailConf, number: str, before: Mailbox | None, after: Mailbox | None) -> FileChange:
    """What `number@device` stands for, in a file that has aliases; FreePBX writes them anew at each reload."""
    key = f"{number}@{DEVICE}"
    old = conf.lines(ALIASES, [key])
    targets = {line.partition("=")[2].removeprefix(">").strip() for line in old}
    if after is None:
        theirs = before is not None and targets == {f"{number}@{before.context}"}
        return FileChange(FILE, ALIASES, old, () if theirs else old)
    target = f"{number}@{after.context}"
    if not conf.aliases or targets == {target}:
        return FileChange(FILE, ALIASES, old, old)
    return FileChange(FILE, ALIASES, old, (f"{key}={target}",))


def _check(number: str, context: str) -> None:
    if not NUMBER.match(number) or not CONTEXT.match(context) or context in {".", ".."}:
        raise Invalid("There can be no such mailbox", {"voicemail.context": ["Letters, digits, - and _."]})
    if context.lower() in NO_CONTEXTS:
        raise Invalid("There can be no such mailbox", {"voicemail.context": ["This section holds no mailboxes."]})


@contextmanager
def _opened(spool: str, *folders: str) -> Iterator[int | None]:
    """A folder below the spool, reached without following a link; None when it is not there."""
    descriptor = os.open(spool, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for folder in folders:
            inner = os.open(folder, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
    except FileNotFoundError:
        os.close(descriptor)
        yield None
        return
    except BaseException:
        os.close(descriptor)
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_link(name: str, folder: int) -> bool:
    try:
        os.readlink(name, dir_fd=folder)
    except OSError:
        return False
    return True


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@contextmanager
def _meant() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, PermissionError) as error:
        raise NotSupported(
            f"The user that this API runs as may not read or write {FILE}, or it is not there"
        ) from error
    except OSError as error:
        raise Unavailable(f"{FILE} cannot be read or written now", part="voicemail", retry_after=5) from error
