"""Actions on voicemail boxes and their messages."""

from __future__ import annotations

from pathlib import Path

from pbxapi.demo.actions import Asked, action
from pbxapi.demo.session import Answer
from pbxapi.demo.voicemail import Box
from pbxapi.demo.voicemail_spool import INBOX, OLD, URGENT
from pbxapi.demo.wire import Message

_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
_CALLS = "call,reporting"


@action("VoicemailUsersList", "List All Voicemail User Information.", _CALLS)
def voicemail_users_list(asked: Asked) -> Answer:
    """Every box, with how many messages it has."""
    boxes = asked.world.voicemail.boxes()
    if not boxes:
        return asked.said("There are no voicemail users currently defined.")
    items = [asked.item("VoicemailUserEntry", _user(asked, box)) for box in boxes]
    return asked.listing("Voicemail user list will follow", items, "VoicemailUserEntryComplete")


@action("VoicemailUserStatus", "Show the status of given voicemail user's info.", _CALLS)
def voicemail_user_status(asked: Asked) -> Answer:
    """One box, with how many messages it has."""
    box = asked.world.voicemail.box(asked.request.get("Mailbox"), asked.request.get("Context"))
    if box is None:
        return asked.error("There is no voicemail user matching the given user.")
    items = [asked.item("VoicemailUserDetail", _user(asked, box))]
    return asked.listing("Voicemail user detail will follow", items, "VoicemailUserDetailComplete")


def _user(asked: Asked, box: Box) -> Message:
    new, old = (asked.world.voicemail.count(box.number, box.context, folder) for folder in (INBOX, OLD))
    return [
        ("VMContext", box.context),
        ("VoiceMailbox", box.number),
        ("Fullname", box.name),
        ("Email", box.email),
        ("Pager", box.pager),
        ("ServerEmail", "asterisk"),
        ("FromString", ""),
        ("MailCommand", "/usr/sbin/sendmail -t"),
        ("Language", box.options.get("language", "")),
        ("TimeZone", box.options.get("tz", "")),
        *((name, "") for name in ("Callback", "Dialout", "UniqueID", "ExitContext")),
        ("SayDurationMinimum", "2"),
        ("SayEnvelope", _flag(box, "envelope", otherwise="yes")),
        ("SayCID", _flag(box, "saycid")),
        ("AttachMessage", _flag(box, "attach")),
        ("AttachmentFormat", ""),
        ("DeleteMessage", _flag(box, "delete")),
        ("VolumeGain", "0.00"),
        ("CanReview", _flag(box, "review")),
        ("CanMarkUrgent", "Yes"),
        ("CallOperator", _flag(box, "operator")),
        ("MaxMessageCount", box.options.get("maxmsg", "100")),
        ("MaxMessageLength", "0"),
        ("NewMessageCount", str(new)),
        ("OldMessageCount", str(old)),
    ]


def _flag(box: Box, option: str, otherwise: str = "no") -> str:
    return "Yes" if box.options.get(option, otherwise).lower() in _TRUE else "No"


@action("MailboxStatus", "Check mailbox.", _CALLS)
def mailbox_status(asked: Asked) -> Answer:
    """Whether a message waits in any of some boxes."""
    mailbox = asked.request.get("Mailbox")
    if not mailbox:
        return asked.error("Mailbox not specified")
    waiting = any(_counts(asked, one)[1] or _counts(asked, one)[0] for one in mailbox.split(","))
    return asked.success(("Message", "Mailbox Status"), ("Mailbox", mailbox), ("Waiting", str(int(waiting))))


@action("MailboxCount", "Check Mailbox Message Count.", _CALLS)
def mailbox_count(asked: Asked) -> Answer:
    """How many messages a box has: none where there is no such box."""
    mailbox = asked.request.get("Mailbox")
    if not mailbox:
        return asked.error("Mailbox not specified")
    urgent, new, old = _counts(asked, mailbox)
    counts = (("UrgMessages", str(urgent)), ("NewMessages", str(new)), ("OldMessages", str(old)))
    return asked.success(("Message", "Mailbox Message Count"), ("Mailbox", mailbox), *counts)


def _counts(asked: Asked, mailbox: str) -> list[int]:
    place = asked.world.voicemail.place(mailbox)
    return [asked.world.voicemail.count(*place, folder) for folder in (URGENT, INBOX, OLD)]


@action("VoicemailRefresh", "Tell Asterisk to poll mailboxes for a change", "system,user")
def voicemail_refresh(asked: Asked) -> Answer:
    """Nothing to do here, where messages are counted whenever somebody asks."""
    return asked.said("Refresh sent")


@action("VoicemailBoxSummary", "Show the mailbox contents of given voicemail user.", "user,reporting")
def voicemail_box_summary(asked: Asked) -> Answer:
    """Every message of a box."""
    number, context = asked.request.get("Mailbox"), asked.request.get("Context")
    if asked.world.voicemail.box(number, context) is None:
        return asked.error("There is no voicemail user matching the given user.")
    items = [
        asked.item("VoicemailBoxDetail", _detail(folder, path))
        for folder in (INBOX, OLD, URGENT)
        for path in asked.world.voicemail.messages(number, context, folder)
    ]
    return asked.listing("Voicemail box detail will follow", items, "VoicemailBoxDetailComplete")


def _detail(folder: str, path: Path) -> Message:
    said = dict(line.partition("=")[::2] for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    shown = {
        "CallerID": "callerid", "Date": "origdate", "Duration": "duration", "Flag": "flag", "ID": "msg_id",
    }  # fmt: skip
    return [("Folder", folder), *((header, said.get(key, "")) for header, key in shown.items())]
