"""What operations on extensions come to: the states after them, and whether they may be had at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from pbxapi.errors import Conflict, Invalid, NotFound
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.dialect import SIP_TRANSPORTS
from pbxapi.pbx.extension_belongings import with_belongings, with_remains
from pbxapi.pbx.extension_checks import check
from pbxapi.pbx.extension_draft import Draft
from pbxapi.pbx.mailboxes import MESSAGES_LEFT, merged
from pbxapi.pbx.numbers_in_use import mentions, taken
from pbxapi.pbx.operations import RESET, check_each_once, check_reach, placed
from pbxapi.pbx.plan import FileChange, Plan, RowChange, together
from pbxapi.pbx.platform import Platform
from pbxapi.pbx.provisioning import Operation, Values, Write
from pbxapi.pbx.stored import Stored, lead
from pbxapi.pbx.voicemail_file import VoicemailFile

if TYPE_CHECKING:
    from sqlalchemy import Connection

COLUMN_FIELDS = {
    "name": "name", "description": "name", "outboundcid": "caller_id", "emergency_cid": "emergency_caller_id",
    "voicemail": "voicemail", "extension": "extension", "id": "extension",
}  # fmt: skip


@dataclass(slots=True)
class Decided:
    """The plan of some operations, each number's state after them, and what is worth a word.

    `erased` are mailboxes, by context and number, whose messages go after the commit; `linked` numbers whose mailbox
    is found through a link in the spool, with its context, None where there is to be none any more.
    """

    plan: Plan
    states: dict[str, Stored | None] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    erased: list[tuple[str, str]] = field(default_factory=list)
    linked: list[tuple[str, str | None]] = field(default_factory=list)


class Operations:
    """Decides. `contexts` are those that callers may name; `transports` gives PJSIP's, None when it is not known."""

    def __init__(
        self,
        astdb: AstDb,
        voicemail: VoicemailFile,
        contexts: Collection[str],
        transports: Callable[[], Collection[str] | None],
        technology: str,
    ) -> None:
        self._astdb = astdb
        self._voicemail = voicemail
        self._contexts = contexts
        self._transports = transports
        self._technology = technology

    def decide(
        self,
        connection: Connection,
        platform: Platform,
        old: Mapping[str, Stored],
        operations: Sequence[Operation],
        how: Write,
        *,
        remains: Mapping[str, Stored],
    ) -> Decided:
        """What to do; `remains` are left of numbers that are no extensions, and a new one begins without.

        Raises Conflict, Invalid and NotFound, with fields by operation where there are several.
        """
        self._check_numbers(connection, platform, old, operations, how)
        gone = {each.number: old[each.number] for each in operations if each.op == "delete"}
        gone = with_belongings(connection, platform.schema, self._astdb, gone)
        new = {each.number: remains.get(each.number, Stored(each.number)) for each in operations if each.op == "create"}
        remains = with_remains(connection, platform.schema, self._astdb, new)
        decided = Decided(Plan())
        steps: list[Plan] = []
        for place, operation in enumerate(operations):
            number = operation.number
            with placed(place, several=len(operations) > 1):
                check(number, operation.values)
                before = gone.get(number) or old.get(number) or Stored(number)
                after = None if operation.op == "delete" else self._after(operation, before, platform)
                step = lead(remains.get(number, before), after or Stored(number))
                _check_widths(step.rows, platform)
                steps.append(replace(step, files=self._file_changes(before, after)))
            decided.states[number] = after
            context = after.box.context if after and after.box else None
            if platform.layout.voicemail_mapping == "symlink" and context != (before.box and before.box.context):
                decided.linked.append((number, context))
            if operation.op == "delete" and before.box is not None:
                if how.erase_messages:
                    decided.erased.append((before.box.context, number))
                else:
                    decided.warnings[number] = (MESSAGES_LEFT,)
        decided.plan = together(steps)
        return decided

    def _check_numbers(
        self,
        connection: Connection,
        platform: Platform,
        old: Mapping[str, Stored],
        operations: Sequence[Operation],
        how: Write,
    ) -> None:
        check_each_once(operations)
        new = [each.number for each in operations if each.op == "create"]
        users = taken(connection, platform.schema, new) if new else {}
        mentioned: Mapping[str, Sequence[str]] = {}
        if not how.force:
            gone = [each.number for each in operations if each.op == "delete" and each.number in old]
            mentioned = mentions(connection, platform.schema, gone) if gone else {}
        for operation in operations:
            number = operation.number
            if operation.op == "create" and (number in old or number in users):
                what = "exists already" if number in old else f"is taken: {users[number]}"
                raise Conflict(f"{number} {what}")
            if operation.op != "create" and number not in old:
                raise NotFound(f"There is no extension {number}")
            if mentioned.get(number):
                raise Conflict(f"{number} is still mentioned by {', '.join(mentioned[number])}: "
                               "?force=true deletes it all the same, and leaves them as they are")  # fmt: skip

    def _after(self, operation: Operation, before: Stored, platform: Platform) -> Stored:
        values = dict(operation.values)
        if operation.op == "replace":
            values = dict.fromkeys(RESET) | values
        draft = Draft(operation.number, platform, before)
        if operation.op == "create":
            technology = values.pop("technology", None) or self._default_technology(platform)
            self._check_technology(technology, platform)
            draft.begin(technology, str(values.get("name") or operation.number))
        elif values.get("technology") not in (None, draft.technology):
            self._check_technology(values["technology"], platform)
        self._check_values(values, before, draft.technology)
        draft.set(values)
        if "voicemail" in values:
            whole = operation.op == "replace"
            draft.set_box(merged(self._voicemail, values["voicemail"], before.box, whole=whole))
        return draft.stored()

    def _default_technology(self, platform: Platform) -> str:
        """As the platform's own quick create chooses (ASTSIPDRIVER), else what CHAN_DRIVER says."""
        driver = platform.settings.get("ASTSIPDRIVER", "")
        return {"chan_pjsip": "pjsip", "chan_sip": "sip"}.get(driver, self._technology)

    def _check_technology(self, technology: str, platform: Platform) -> None:
        other = {"sip": "chan_pjsip", "pjsip": "chan_sip"}.get(technology)
        if technology not in platform.layout.devices or platform.settings.get("ASTSIPDRIVER") == other:
            raise Invalid("No such extension can be made here", {"technology": [f"This exchange has no {technology}."]})

    def _check_values(self, values: Values, before: Stored, was: str) -> None:
        check_reach(values, self._contexts, before.settings, before.box)
        transport = values.get("transport")
        technology = values.get("technology") or was
        if transport and (technology != was or transport != before.settings.get("transport")):
            self._check_transport(transport, technology)

    def _check_transport(self, transport: str, technology: str) -> None:
        """PJSIP's have names, and a phone has one of them; one of chan_sip may have several protocols."""
        several = technology == "sip"
        known = SIP_TRANSPORTS if several else self._transports()
        if known is None and "," in transport:
            raise Invalid("There is no such transport", {"transport": ["Must be one."]})
        if known is not None and not set(transport.split(",") if several else [transport]) <= set(known):
            raise Invalid("There is no such transport", {"transport": [f"Known here: {', '.join(sorted(known))}."]})

    def _file_changes(self, before: Stored, after: Stored | None) -> tuple[FileChange, ...]:
        old, new = before.box, after.box if after else None
        names = [str((each.user or {}).get("name") or "") for each in (before, after) if each]
        if old == new and len(set(names)) == 1:
            return ()
        if old is None and new is None:
            return ()
        return self._voicemail.plan_put(before.number, old, new, names[-1])


def _check_widths(rows: Sequence[RowChange], platform: Platform) -> None:
    """Raises Invalid for what a column cannot hold: MySQL would cut it without a word."""
    for row in rows:
        shapes = platform.schema.tables[row.table].columns
        for name, value in chain(row.key.items(), row.after.items()) if row.after is not None else ():
            fault = shapes[name].fault(value) if isinstance(value, str) else None
            if fault:
                raise Invalid("A value cannot be stored", {_field(row, name, platform): [fault]})


def _field(row: RowChange, name: str, platform: Platform) -> str:
    keyword = row.key.get("keyword")
    for device in platform.layout.devices.values():
        for field_name, own in device.fields.items():
            if own == keyword:
                return field_name
    return "options" if keyword else COLUMN_FIELDS.get(name, name)
