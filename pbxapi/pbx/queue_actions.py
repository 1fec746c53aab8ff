"""What is done to a queue's members over the manager interface: QueueAdd, QueueRemove, QueuePause, and the lamps."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from pbxapi.ami import AmiDenied, AmiError, AmiRefused, AmiTimeout, AmiUnavailable, AmiUnknownAction, Client
from pbxapi.errors import Conflict, Inconsistent, Invalid, NotFound, NotSupported, PbxError, Refused
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.plan import StateChange
from pbxapi.pbx.queue_seats import Seat
from pbxapi.pbx.step import Step, undo

log = logging.getLogger("pbxapi.queues")

IN, OUT = "INUSE", "NOT_INUSE"
"""What the lamp of an agent's login shows (queue_devstate.agi of FreePBX)."""

EXPRESSION = re.compile(r"\$[{\[]")
"""What a dialplan that uses a member's name as a command would evaluate."""

TURN = 10.0
"""Seconds to wait for others who come or go."""

SEPARATORS = frozenset(';|,"\r\n\0')
"""What would end a field of queue_log, or of the list of members that Asterisk keeps in AstDB."""


class QueueActions:
    """Needs the class `agent`, and for lamps `call` and `system`. `changed` is called after each.

    Everything raises AmiError; Conflict, NotFound or Refused for what app_queue says; NotSupported without the class.
    `lock` is for those who have lamps: one comes or goes at a time on this host, so that lamps tell of who did last.
    """

    def __init__(self, ami: Client, astdb: AstDb, changed: Callable[[], None], lock: HostLock | None) -> None:
        self._ami = ami
        self._astdb = astdb
        self._changed = changed
        self._lock = lock

    def add(self, queue: str, seat: Seat, penalty: int, *, paused: bool = False, reason: str | None = None) -> None:
        """Let a dynamic member in, and light its lamps: both or neither. Raises Inconsistent when it is left in."""
        fields = [("Queue", queue), ("Interface", seat.interface), ("Penalty", str(penalty))]
        fields += [("MemberName", seat.name)] if seat.name else []
        fields += [("StateInterface", seat.state_interface)] if seat.state_interface else []
        with self._turn(seat):
            self._do("QueueAdd", *fields, ("Paused", "true" if paused else "false"))
            try:
                if paused and reason:
                    self.pause(queue, seat.interface, paused=True, reason=reason)
                self.light(seat, queue, IN)
            except Exception as error:
                self._take_back(queue, seat, error)
                raise

    def remove(self, queue: str, seat: Seat) -> None:
        """Take a dynamic member out, and put out its lamps. Raises Inconsistent when only the first was done."""
        with self._turn(seat):
            self._do("QueueRemove", ("Queue", queue), ("Interface", seat.interface))
            try:
                self.light(seat, queue, OUT)
            except AmiError as error:
                left = [f"the lamp {lamp} shows it as logged in" for lamp in seat.lamps(queue)]
                raise Inconsistent(f"It has left queue {queue}, and its lamps could not be set", left) from error

    @contextlib.contextmanager
    def _turn(self, seat: Seat) -> Iterator[None]:
        if self._lock is None or not seat.devices:
            yield
        else:
            with self._lock.hold(TURN):
                yield

    def _take_back(self, queue: str, seat: Seat, cause: Exception) -> None:
        try:
            self._do("QueueRemove", ("Queue", queue), ("Interface", seat.interface))
        except (PbxError, AmiError) as error:
            log.warning("queue %s: %s could not be taken out again: %s", queue, seat.interface, error)
            left = [f"{seat.interface} is in queue {queue}, and its lamps may not show it"]
            raise Inconsistent(f"It was let into queue {queue} only in part", left) from cause
        with contextlib.suppress(AmiError):  # those that were lit; most likely none was
            self.light(seat, queue, OUT)

    def light(self, seat: Seat, queue: str, state: str) -> None:
        """Set the lamps that tell whether it is logged in."""
        self._astdb.set_states(StateChange(lamp, None, state) for lamp in seat.lamps(queue))

    def pause(self, queue: str | None, interface: str, *, paused: bool, reason: str | None = None) -> None:
        """In one queue, or in all that it serves."""
        fields = [("Interface", interface), ("Paused", "true" if paused else "false")]
        fields += [("Queue", queue)] if queue else []
        self._do("QueuePause", *fields, *([("Reason", reason)] if reason else []))

    def penalise(self, queue: str, interface: str, penalty: int) -> None:
        """Call it sooner or later than others."""
        self._do("QueuePenalty", ("Interface", interface), ("Penalty", str(penalty)), ("Queue", queue))

    def ring_in_use(self, queue: str, interface: str, *, wanted: bool) -> None:
        """Whether it is called while it talks."""
        how = "true" if wanted else "false"
        self._do("QueueMemberRingInUse", ("Interface", interface), ("RingInUse", how), ("Queue", queue))

    def _do(self, action: str, *fields: tuple[str, str]) -> None:
        try:
            self._ami.request(action, fields)
        except AmiDenied as error:
            raise NotSupported(f"The manager user may not use {action}: it needs write = agent") from error
        except AmiUnknownAction as error:
            raise NotSupported(f"This exchange has no action {action}") from error
        except AmiRefused as error:
            raise _meant(action, error.words) from error
        finally:
            self._changed()


def _meant(action: str, words: str) -> PbxError:
    """What app_queue says, as what it means (seen on 16 and 22)."""
    lower = words.lower()
    if "already there" in lower:
        return Conflict("It is a member of this queue already")
    if "not dynamic" in lower:
        return Conflict("It is a static member, which the configuration holds")
    if "not there" in lower or "not found" in lower or "no such queue" in lower or "invalid interface" in lower:
        return NotFound(f"Asterisk knows no such member: {words}")
    return Refused(f"{action} was refused: {words}")


def check_line(field: str, value: str | None) -> None:
    """Raise Invalid for what would break an AMI line, queue_log or the list of members in AstDB."""
    if value is not None and (SEPARATORS & set(value) or not value.isprintable() or EXPRESSION.search(value)):
        raise Invalid(f"{field} cannot be used", {field: ['Printable, and none of ; | , " ${ and $[.']})


def as_one_field(name: str | None) -> str | None:
    """A name that somebody else has chosen, without what `check_line` refuses; None when nothing is left."""
    kept = "".join(" " if each in SEPARATORS or not each.isprintable() else each for each in name or "")
    return " ".join(kept.split()) or None


class AlreadySo(Exception):
    """What a step was to do somebody else has done meanwhile: it is not to be taken back."""


def in_turn(steps: Sequence[Step]) -> None:
    """Every one, or none: what was done is taken back when the next is refused.

    A step that is refused has done nothing; of one whose answer is lost that is not known, and it is taken back too,
    where others are. What somebody else has taken back meanwhile (NotFound, Conflict) is no fault. Raises what the
    step raised; Inconsistent with what may be left.
    """
    done: list[Step] = []
    for step in steps:
        try:
            step.do()
        except AlreadySo:
            continue
        except (PbxError, AmiError) as error:
            begun = [*done, step] if done and _may_have_run(error) else done
            undo([replace(each, undo=partial(_unless_gone, each.undo)) for each in begun], error)
            raise
        done.append(step)


def _unless_gone(take_back: Callable[[], None]) -> None:
    with contextlib.suppress(NotFound, Conflict):
        take_back()


def _may_have_run(error: Exception) -> bool:
    return isinstance(error, AmiTimeout) or (isinstance(error, AmiUnavailable) and error.may_have_run)
