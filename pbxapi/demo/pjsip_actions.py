"""Actions about endpoints: PJSIP's objects, device states and hints."""

from __future__ import annotations

from pbxapi.demo import pjsip_templates as templates
from pbxapi.demo.actions import Asked, action
from pbxapi.demo.devices import STATES
from pbxapi.demo.phones import TRUNK, Phone
from pbxapi.demo.pjsip_templates import fill
from pbxapi.demo.session import Answer
from pbxapi.demo.wire import Message


def _endpoints(asked: Asked) -> list[Phone]:
    return [*asked.world.phones.values(), TRUNK]


def _state(asked: Asked, phone: Phone) -> tuple[str, int]:
    """The device's state in words, and how many channels it has."""
    if phone is TRUNK:
        return "Not in use", 0
    words = STATES[asked.world.devices.state(phone.number)][0]
    return words, len(asked.world.switch.of_number(phone.number))


def _transport(phone: Phone) -> str:
    """The name of its transport; empty for any."""
    return phone.settings.get("Transport", "transport-udp")


def _outbound_auth(phone: Phone) -> str:
    return phone.number if phone is TRUNK else ""


@action("PJSIPShowEndpoints", "Lists PJSIP endpoints.", "system")
def show_endpoints(asked: Asked) -> Answer:
    """A line for each endpoint."""
    items = []
    for phone in _endpoints(asked):
        words, active = _state(asked, phone)
        items.append(
            asked.item(
                "EndpointList",
                [
                    ("ObjectType", "endpoint"),
                    ("ObjectName", phone.number),
                    ("Transport", _transport(phone)),
                    ("Aor", phone.number),
                    ("Auths", phone.auth),
                    ("OutboundAuths", _outbound_auth(phone)),
                    ("Contacts", f"{phone.number}/{phone.uri}," if phone.registered else ""),
                    ("DeviceState", words),
                    ("ActiveChannels", str(active)),
                ],
            )
        )
    words = "A listing of Endpoints follows, presented as EndpointList events"
    return asked.listing(words, items, "EndpointListComplete")


@action("PJSIPShowEndpoint", "Detail listing of an endpoint and its objects.", "system")
def show_endpoint(asked: Asked) -> Answer:
    """Everything about one endpoint, its password included."""
    name = asked.request.get("Endpoint")
    # These two messages end in a bare LF of their own, in res_pjsip/pjsip_configuration.c
    if not name:
        return asked.error("PJSIPShowEndpoint requires an endpoint name\n")
    phone = next((one for one in _endpoints(asked) if one.number == name), None)
    if phone is None:
        return asked.error(f"Unable to retrieve endpoint {name}\n")
    words, active = _state(asked, phone)
    detail = fill(
        templates.ENDPOINT,
        number=phone.number,
        mailboxes=f"{phone.number}@default" if phone is not TRUNK else "",
        caller_id=f'"{phone.name}" <{phone.number}>' if phone is not TRUNK else "<unknown>",
        auth=phone.auth,
        outbound_auth=_outbound_auth(phone),
        device_state=words,
        active=active,
    )
    detail = [(name, phone.settings.get(name, value)) for name, value in detail]
    owner = ("EndpointName", phone.number)
    counts = (("TotalContacts", str(int(phone.registered))), ("ContactsRegistered", str(int(phone.registered))))
    items = [
        asked.item("EndpointDetail", detail),
        asked.item("AuthDetail", [*_auth(phone), owner]),
        *([asked.item("TransportDetail", [*fill(templates.TRANSPORT), owner])] if _transport(phone) else []),
        asked.item("AorDetail", [*_aor(phone), *counts, owner]),
    ]
    if phone.registered:
        items.append(asked.item("ContactStatusDetail", _contact(asked, phone, templates.CONTACT_STATUS)))
    head = "Following are Events for each object associated with the Endpoint"
    return asked.listing(head, items, "EndpointDetailComplete")


def _auth(phone: Phone) -> Message:
    return fill(templates.AUTH, name=phone.auth, username=phone.number, password=phone.password)


def _aor(phone: Phone) -> Message:
    contacts = f"{phone.number}/{phone.uri}" if phone.registered else ""
    shown = fill(templates.AOR, number=phone.number, contacts=contacts, qualify=phone.qualify_frequency)
    return [(name, phone.settings.get(name, value) if name == "MaxContacts" else value) for name, value in shown]


def _contact(asked: Asked, phone: Phone, template: str) -> Message:
    return fill(
        template,
        number=phone.number,
        contact_id=phone.contact_id,
        uri=phone.uri,
        host=phone.host,
        call_id=phone.contact_id.partition("@")[2],
        system=asked.world.bus.system_name,
        qualify=phone.qualify_frequency,
        user_agent=phone.user_agent,
        expires=int(asked.world.clock.started) + 3600,
        status="NonQualified" if phone.latency_us is None else "Reachable",
        usec="N/A" if phone.latency_us is None else phone.latency_us,
    )


@action("PJSIPShowContacts", "Lists PJSIP Contacts.", "system")
def show_contacts(asked: Asked) -> Answer:
    """A line for each registered contact."""
    items = [
        asked.item("ContactList", _contact(asked, phone, templates.CONTACT))
        for phone in _endpoints(asked)
        if phone.registered
    ]
    return asked.listing("A listing of Contacts follows, presented as ContactList events", items, "ContactListComplete")


@action("PJSIPShowAors", "Lists PJSIP AORs.", "system")
def show_aors(asked: Asked) -> Answer:
    """A line for each address of record."""
    items = [asked.item("AorList", _aor(phone)) for phone in _endpoints(asked)]
    return asked.listing("A listing of AORs follows, presented as AorList events", items, "AorListComplete")


@action("PJSIPShowAuths", "Lists PJSIP Auths.", "system")
def show_auths(asked: Asked) -> Answer:
    """A line for each auth, with its password."""
    items = [asked.item("AuthList", _auth(phone)) for phone in _endpoints(asked)]
    return asked.listing("A listing of Auths follows, presented as AuthList events", items, "AuthListComplete")


@action("PJSIPShowRegistrationsOutbound", "Lists PJSIP outbound registrations.", "system,reporting")
def show_registrations(asked: Asked) -> Answer:
    """The trunk's registration with its auth, which count as one item."""
    items = [
        asked.item("OutboundRegistrationDetail", fill(templates.REGISTRATION)),
        asked.item("AuthDetail", _auth(TRUNK)),
    ]
    return asked.listing(
        "Following are Events for each Outbound registration",
        items,
        "OutboundRegistrationDetailComplete",
        ("Registered", "1"),
        ("NotRegistered", "0"),
        count=1,
    )


@action("DeviceStateList", "List the current known device states.", "call,reporting")
def device_state_list(asked: Asked) -> Answer:
    """The state of each phone."""
    devices = asked.world.devices
    states = [(phone.device, devices.state(phone.number)) for phone in asked.world.phones.values()]
    items = [
        asked.item("DeviceStateChange", [("Device", device), ("State", state)])
        for device, state in [*states, (TRUNK.device, "NOT_INUSE")]
    ]
    return asked.listing("Device State Changes will follow", items, "DeviceStateListComplete")


@action("ExtensionState", "Check Extension Status.", "call,reporting")
def extension_state(asked: Asked) -> Answer:
    """The state of a hint. Without one: success all the same, with -1."""
    exten, context = asked.request.get("Exten"), asked.request.get("Context") or "default"
    if not exten:
        return asked.error("Extension not specified")
    if context == "from-internal" and exten in asked.world.phones:
        found = asked.world.devices.extension(exten)
    else:
        found = [("Exten", exten), ("Context", context), ("Hint", ""), ("Status", "-1"), ("StatusText", "Unknown")]
    return asked.success(("Message", "Extension Status"), *found)


@action("ExtensionStateList", "List the current known extension states.", "call,reporting")
def extension_state_list(asked: Asked) -> Answer:
    """The state of every hint."""
    items = [asked.item("ExtensionStatus", asked.world.devices.extension(number)) for number in asked.world.phones]
    return asked.listing("Extension Statuses will follow", items, "ExtensionStateListComplete")
