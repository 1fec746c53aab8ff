"""An extension as it leaves: secrets only to who may see them, or to whose write made them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pbxapi.http.auth import principal
from pbxapi.http.tags import keyed_tag
from pbxapi.pbx.provisioning import Extension, Mailbox, Operation, Result


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """Which secrets an answer shows: the phone's, the mailbox's PIN."""

    secret: bool = False
    password: bool = False


NONE, BOTH = Shown(), Shown(secret=True, password=True)


def may_see() -> Shown:
    """What the scopes of this request's key let it see."""
    return BOTH if "secrets" in principal().scopes else NONE


def document(extension: Extension, shown: Shown) -> dict[str, Any]:
    """The extension as JSON has it."""
    found = {field: getattr(extension, field) for field in _FIELDS}
    found["options"] = dict(sorted(extension.options.items()))
    if extension.recording is not None:
        found["recording"] = dataclasses.asdict(extension.recording)
    box = extension.voicemail
    if box is not None:
        found["voicemail"] = {field: getattr(box, field) for field in _BOX_FIELDS}
        found["voicemail"]["options"] = dict(sorted(box.options.items()))
        if not shown.password:
            found["voicemail"]["password"] = None
    if not shown.secret:
        found["secret"] = None
    return found


def tag(extension: Extension, shown: Shown = NONE) -> str:
    """The ETag of an extension: of all of its state, secrets too."""
    return keyed_tag(document(extension, BOTH), shown=shown != NONE)


def made(operation: Operation, before: Extension | None, after: Extension | None) -> Shown:
    """Which secrets a write made by itself, since none was sent. `before` None: it is new, or is not known."""
    if after is None:
        return NONE
    values = operation.values
    new = operation.op == "create"
    box = values.get("voicemail")
    had_box = not new and (before is None or before.voicemail is not None)
    return Shown(
        secret=values.get("secret") is None and (new or "secret" in values),
        password=isinstance(box, Mapping) and box.get("password") is None and not had_box,
    )


def result_document(result: Result, shown: Shown) -> dict[str, Any]:
    """What became of one operation of several."""
    extension = document(result.extension, shown) if result.extension else None
    return {
        "op": result.op,
        "number": result.number,
        "extension": extension,
        "changed": result.changed,
        "warnings": result.warnings,
    }


def together(one: Shown, other: Shown) -> Shown:
    """What one or the other shows."""
    return Shown(one.secret or other.secret, one.password or other.password)


_FIELDS = tuple(field.name for field in dataclasses.fields(Extension))
_BOX_FIELDS = tuple(field.name for field in dataclasses.fields(Mailbox))
