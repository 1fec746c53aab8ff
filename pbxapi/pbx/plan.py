"""What a change to an exchange consists of, before any of it is done: the rows, keys, lines and states, old and new.

A plan is made under the write lock from what is there, shown as it is for a dry run, and carried out by `change.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

Value = str | int | None


class Secret(str):
    """Text that no log, error or repr shows: the password of a phone, the PIN of a mailbox."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'...'"


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row of the exchange's database, found by `key`. `before` None: it is inserted; `after` None: it is deleted.

    `before` and `after` hold the columns beside the key: all of them where the row comes or goes, else those that
    change.
    """

    table: str
    key: Mapping[str, Value]
    before: Mapping[str, Value] | None
    after: Mapping[str, Value] | None


@dataclass(frozen=True, slots=True)
class KeyChange:
    """An entry of AstDB. None is an entry that is not there, which is not the same as an empty one."""

    family: str
    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class FileChange:
    """Lines of a configuration file, of one section. `file` is its bare name."""

    file: str
    section: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StateChange:
    """A custom device state (`Custom:DND200`) or presence state (`CustomPresence:200`): lamps of phones follow them.

    None is one that nobody has set; `after` None takes it back to that.
    """

    device: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a change does, in the order in which it is done. `reload` is whether it has to be applied."""

    rows: tuple[RowChange, ...] = ()
    keys: tuple[KeyChange, ...] = ()
    files: tuple[FileChange, ...] = ()
    states: tuple[StateChange, ...] = ()
    reload: bool = False
    warnings: tuple[str, ...] = field(default=())

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.rows or self.keys or self.files or self.states)

    def __add__(self, other: Plan) -> Plan:
        return together((self, other))


def together(plans: Sequence[Plan]) -> Plan:
    """One plan of several, in their order."""
    return Plan(
        tuple(chain.from_iterable(each.rows for each in plans)),
        tuple(chain.from_iterable(each.keys for each in plans)),
        tuple(chain.from_iterable(each.files for each in plans)),
        tuple(chain.from_iterable(each.states for each in plans)),
        any(each.reload for each in plans),
        tuple(chain.from_iterable(each.warnings for each in plans)),
    )
