"""Mailboxes of extensions: those there are, and what one becomes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from pbxapi.errors import Invalid, NotSupported, Unavailable
from pbxapi.pbx.provisioning import Mailbox, Values
from pbxapi.pbx.voicemail_file import VoicemailFile

log = logging.getLogger("pbxapi.extensions")

MESSAGES_LEFT = "The messages of its mailbox were left: ?voicemail=true removes them"


def seen(voicemail: VoicemailFile) -> Mapping[tuple[str, str], Mailbox]:
    """Those of voicemail.conf; none where it cannot be read, so that everything else can be."""
    try:
        return voicemail.mailboxes()
    except (NotSupported, Unavailable) as error:
        log.warning("voicemail boxes cannot be seen: %s", error)
        return {}


def merged(voicemail: VoicemailFile, values: Values | None, before: Mailbox | None, *, whole: bool) -> Mailbox | None:
    """The box after what was sent: a merge (RFC 7396), or with `whole` nothing but that and the PIN it has.

    A new one gets a PIN, and keeps it where null is sent: so GET shows it to who may not see it. Raises Invalid where
    no box can be written.
    """
    if values is None:
        return None
    reason = voicemail.why_not()
    if reason is not None:
        raise Invalid("Voicemail cannot be set up here", {"voicemail": [reason]})
    base = before or Mailbox(password=voicemail.new_password())
    if whole:
        base = Mailbox(context=base.context, password=base.password)
    given = {name: getattr(Mailbox(), name) if value is None else value for name, value in values.items()}
    if values.get("password") is None:
        given["password"] = base.password
    if "options" in values:
        options = {**base.options, **(values["options"] or dict.fromkeys(base.options))}
        given["options"] = {name: value for name, value in options.items() if value is not None}
    return replace(base, **given)
