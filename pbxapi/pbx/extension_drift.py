"""Where the places that hold an extension disagree, and what it would be if they did not.

The rows count: the platform generates its configuration from them. AstDB decides what a call does at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from pbxapi.ami import AmiError
from pbxapi.errors import NotFound
from pbxapi.pbx.extension_draft import Draft
from pbxapi.pbx.extension_view import NO_MAILBOX
from pbxapi.pbx.provisioning import ABANDONED, Difference, Journal
from pbxapi.pbx.stored import Stored, lead

if TYPE_CHECKING:
    from pbxapi.pbx.interfaces import Peers
    from pbxapi.pbx.platform import Platform

Sections = Callable[[], Mapping[str, Mapping[str, str] | None]]

LEFT_OVER = "There is no such extension any more"
NOT_APPLIED = "Asterisk does not have it: POST /system/apply"


def differences(stored: Stored, platform: Platform, peers: Peers, sections: Sections) -> tuple[Difference, ...]:
    """All of them. Raises AmiError when Asterisk does not answer."""
    if not stored.exists:
        return tuple(_left(stored))
    return (*_lacking(stored), *_unlike(stored, mended(stored, platform)), *_generated(stored, sections),
            *_running(stored, peers))  # fmt: skip


def left_half_done(journal: Journal, number: str) -> Iterator[Difference]:
    """What a process left of this number when it died, or when an undo failed. Raises Unavailable."""
    for change in journal.open(ABANDONED):
        if number in change.numbers:
            at = change.at.isoformat(timespec="seconds")
            yield Difference("journal", None, at, "A change of it was left half done: POST .../repair")


def _left(stored: Stored) -> Iterator[Difference]:
    """What is there of a number that is no extension: it would come to the next who gets the number."""
    plan = lead(stored, Stored(stored.number))
    for row in plan.rows:
        keyword = row.key.get("keyword")
        yield Difference(f"{row.table} {keyword}" if keyword else row.table, None, "a row", LEFT_OVER)
    for key in plan.keys:
        yield Difference(f"astdb {key.family}/{key.key}", None, key.before, LEFT_OVER)
    for state in plan.states:
        yield Difference(state.device, None, state.before, LEFT_OVER)


def _lacking(stored: Stored) -> Iterator[Difference]:
    """What only its owner could give back."""
    if stored.user is None:
        yield Difference("users", "a row", None, "There is a device and no user: calls to it go nowhere", False)
    elif stored.device is None and stored.settings:
        yield Difference("devices", "a row", None, "There are settings and no device: no phone can register", False)
    if stored.device is not None and stored.table == "sip" and not stored.settings.get("secret"):
        yield Difference("sip secret", "a secret", None, "No secret: any phone could register", False)
    if stored.user and stored.user.get("voicemail") not in (None, "", NO_MAILBOX) and stored.box is None:
        what = "The mailbox is not in voicemail.conf: PUT it again"
        yield Difference("voicemail.conf", str(stored.user["voicemail"]), None, what, False)


def _unlike(stored: Stored, wanted: Stored) -> Iterator[Difference]:
    for place in sorted({*stored.keys, *wanted.keys}):
        found, expected = stored.keys.get(place), wanted.keys.get(place)
        if found != expected:
            name = f"astdb {place[0]}/{place[1]}"
            what = "is not there" if found is None else "differs from the rows"
            yield Difference(name, expected, found, f"The entry {what}")
    for keyword, expected in wanted.settings.items():
        if stored.settings.get(keyword) != expected:
            what = "The device's setting does not fit its row"
            yield Difference(f"{stored.table} {keyword}", expected, stored.settings.get(keyword), what)


def mended(stored: Stored, platform: Platform) -> Stored:
    """What the extension ought to be by its rows: entries of AstDB that are lacking or differ, and vital settings."""
    user, device = stored.user, stored.device
    technology = str(device["tech"]) if device else ""
    layout = platform.layout.devices.get(technology)
    if user is None:
        return stored if stored.exists else Stored(stored.number)
    draft = Draft(stored.number, platform, stored)
    if device is not None and layout is not None:
        whole = Draft(stored.number, platform)
        whole.begin(technology, str(user.get("name") or ""))
        for place, value in whole.keys.items():
            if place[0] != "CW":
                draft.keys.setdefault(place, value)
        for keyword in ("account", "dial", "sipdriver"):
            if keyword in whole.settings:
                draft.put_setting(keyword, whole.settings[keyword])
        if not draft.settings.get("context"):
            draft.put_setting("context", whole.settings["context"])
        for key, column in (("dial", "dial"), ("type", "devicetype"), ("user", "user")):
            draft.keys["DEVICE", f"{stored.number}/{key}"] = str(device[column] or "")
    for key, column in (("cidname", "name"), ("outboundcid", "outboundcid"), ("voicemail", "voicemail")):
        draft.put(key, str(user.get(column) or ""))
    return draft.stored()


def _generated(stored: Stored, sections: Sections) -> Iterator[Difference]:
    """What the generated configuration says, where it can be read here."""
    found = sections()
    section = found.get(stored.number)
    if not found or stored.device is None:
        return
    if section is None:
        yield Difference("configuration", "a section", None, "It has not been generated: POST /system/apply")
        return
    secret = {**section, **(found.get(f"{stored.number}-auth") or found.get(f"auth{stored.number}") or {})}
    if stored.settings.get("secret") not in (None, secret.get("password"), secret.get("secret")):
        yield Difference("configuration secret", None, None, "Another secret was generated: POST /system/apply")
    if section.get("context") not in (None, stored.settings.get("context")):
        what = "Another context was generated: POST /system/apply"
        yield Difference("configuration context", stored.settings.get("context"), section.get("context"), what)


def _running(stored: Stored, peers: Peers) -> Iterator[Difference]:
    technology = str(stored.device["tech"]) if stored.device else ""
    if technology not in {"pjsip", "sip"}:
        return
    try:
        peer = peers.get(stored.number, technology)
    except NotFound:
        yield Difference("asterisk", "an endpoint", None, NOT_APPLIED)
        return
    except AmiError as error:
        yield Difference("asterisk", "an answer", None, f"Asterisk cannot be asked ({type(error).__name__})", False)
        return
    if peer.context is not None and peer.context != stored.settings.get("context"):
        yield Difference("asterisk context", stored.settings.get("context"), peer.context, NOT_APPLIED)
