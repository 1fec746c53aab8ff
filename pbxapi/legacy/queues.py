"""`getqueues`, `queueaddmember`, `queueremovemember`."""

from __future__ import annotations

import logging

from pbxapi.errors import Conflict, Invalid, NotFound, Refused
from pbxapi.http import audit
from pbxapi.http.call_policy import check_interface
from pbxapi.legacy.commands import Asked, command
from pbxapi.pbx.queueing import NewMember

log = logging.getLogger("pbxapi.legacy")

NAMES = {"extension": "device", "interface": "device"}
FAILED = {"status": "FAILED", "code": 200}
MOST_PENALTY = 2**31 - 1


@command("read", "/queues")
def getqueues(asked: Asked) -> object:
    """The queues, as the platform's table has them."""
    return asked.pbx.queues.rows()


@command("agents", "/queues", "provision")
def queueaddmember(asked: Asked) -> object:
    """Log a device in. `device` is an interface, or an extension's number."""
    given = asked.given
    queue, device = given.required("queue"), given.required("device")
    penalty = given.number("penalty", 0, least=0, most=MOST_PENALTY)
    extension, interface = (None, device) if "/" in device else (device, None)
    check_interface(interface)
    try:
        found = asked.pbx.queues.add(queue, NewMember(extension=extension, interface=interface, penalty=penalty))
    except (NotFound, Conflict, Refused) as error:
        log.info("queueaddmember: %s", error)
        return FAILED
    except Invalid as error:
        raise Invalid(_in_old_names(error)) from error
    after = {"penalty": penalty}
    audit.record("member.add", f"member {found.interface} of queue {queue}", after=after)
    return {"status": "MEMBER ADDED", "code": 200}


@command("agents", "/queues", "provision")
def queueremovemember(asked: Asked) -> object:
    """Log a device out. A static member stays, and that is no success."""
    queue, device = asked.given.required("queue"), asked.given.required("device")
    try:
        asked.pbx.queues.remove(queue, device)
    except (NotFound, Conflict, Refused) as error:
        log.info("queueremovemember: %s", error)
        return FAILED
    audit.record("member.remove", f"member {device} of queue {queue}")
    return {"status": "MEMBER REMOVED", "code": 200}


def _in_old_names(error: Invalid) -> str:
    wrong = (f"{NAMES.get(field, field)}: {' '.join(words)}" for field, words in error.fields.items())
    return f"{error}. {' '.join(wrong)}".strip()
