"""What the exchange shows of its phones, its queues and itself."""

from __future__ import annotations

import pytest

from pbxapi.demo.exchange import DemoExchange
from pbxapi.demo.phones import PHONES
from tests.demo.manager import Manager, Message


def by_name(items: list[Message], header: str = "ObjectName") -> dict[str, Message]:
    return {one.get(header): one for one in items[1:-1]}


def test_there_are_twenty_phones_and_a_trunk_and_three_phones_are_offline(manager: Manager) -> None:
    endpoints = by_name(manager.ask("PJSIPShowEndpoints"))
    assert list(endpoints) == [*(str(number) for number in range(100, 120)), "trunk"]
    assert [name for name, one in endpoints.items() if one.get("DeviceState") == "Unavailable"] == ["104", "108", "117"]
    assert endpoints["101"].get("Contacts") == "101/sip:101@192.0.2.101:5060,"
    assert endpoints["104"].get("Contacts") == ""


def test_every_registered_phone_has_a_contact_and_only_those_that_are_asked_a_latency(manager: Manager) -> None:
    contacts = by_name(manager.ask("PJSIPShowContacts"), "Endpoint")
    assert set(contacts) == {phone.number for phone in PHONES if phone.registered} | {"trunk"}
    assert (contacts["105"].get("Status"), contacts["105"].get("RoundtripUsec").isdigit()) == ("Reachable", True)
    assert (contacts["100"].get("Status"), contacts["100"].get("RoundtripUsec")) == ("NonQualified", "N/A")
    assert all(one.get("Uri").startswith(f"sip:{name}@192.0.2.") for name, one in contacts.items())


def test_one_endpoint_shows_all_its_objects_its_password_too(manager: Manager) -> None:
    _, *details, complete = manager.ask("PJSIPShowEndpoint", Endpoint="105")
    assert [one.event for one in details] == [
        "EndpointDetail",
        "AuthDetail",
        "TransportDetail",
        "AorDetail",
        "ContactStatusDetail",
    ]
    assert details[0].get("Callerid") == '"José" <105>'
    assert details[1].get("Password") == "pw105"
    assert all(one.get("EndpointName") == "105" for one in details[1:])
    assert complete.get("ListItems") == "5"
    assert len(manager.ask("PJSIPShowEndpoint", Endpoint="104")) == 6


def test_the_trunk_has_an_outbound_registration_which_counts_as_one(manager: Manager) -> None:
    _, registration, auth, complete = manager.ask("PJSIPShowRegistrationsOutbound")
    assert (registration.get("ObjectName"), registration.get("Status")) == ("trunk-registration", "Registered")
    assert auth.get("ObjectName") == "trunk"
    assert [complete.get(name) for name in ("ListItems", "Registered", "NotRegistered")] == ["1", "1", "0"]


def test_core_actions_say_what_it_is_and_how_much_it_did(manager: Manager) -> None:
    settings = manager.ask("CoreSettings")[0]
    assert (settings.get("AsteriskVersion"), settings.get("AMIversion")) == ("22.10.1", "11.0.0")
    version = manager.ask("Command", Command="core show version")[0]
    assert version.get("Output").startswith("Asterisk 22.10.1 built by ")
    manager.talk()
    status = manager.ask("CoreStatus")[0]
    assert (status.get("CoreCurrentCalls"), status.get("CoreProcessedCalls")) == ("1", "1")


@pytest.mark.parametrize("action", ["SIPpeers", "SIPshowpeer", "IAXpeerlist", "Monitor", "CoreShowChannelMapp"])
def test_what_is_not_there_is_an_unknown_command(manager: Manager, action: str) -> None:
    words = f"Invalid/unknown command: {action}. Use Action: ListCommands to show available commands."
    assert manager.ask(action)[0].get("Message") == words
    assert action not in manager.ask("ListCommands")[0].names()


def test_device_states_and_hints_are_listed(manager: Manager) -> None:
    states = by_name(manager.ask("DeviceStateList"), "Device")
    assert (states["PJSIP/100"].get("State"), states["PJSIP/104"].get("State")) == ("NOT_INUSE", "UNAVAILABLE")
    hints = by_name(manager.ask("ExtensionStateList"), "Exten")
    assert (hints["100"].get("StatusText"), hints["104"].get("Status")) == ("Idle", "4")


def test_database_entries_are_put_read_and_deleted(manager: Manager) -> None:
    manager.ask("DBPut", Family="a/b", Key="k", Val="x: y")
    assert manager.ask("DBGet", Family="a/b", Key="k")[1].get("Val") == "x: y"
    assert [one.get("Key") for one in manager.ask("DBGetTree", Family="a")[1:-1]] == ["/a/b/k"]
    assert manager.ask("DBGetTree", Family="a/")[1:-1] == []
    assert manager.ask("DBDel", Family="a/b", Key="k")[0].get("Message") == "Key deleted successfully"
    assert manager.ask("DBDel", Family="a/b", Key="k")[0].get("Response") == "Error"


def test_a_caller_of_a_queue_talks_to_the_first_member_who_answers(listener: Manager) -> None:
    listener.originate("PJSIP/105", "800", ChannelId="caller")
    connected = listener.until_event("AgentConnect")[-1]
    member = connected.get("DestCallerIDNum")
    listener.until_event("BridgeEnter", BridgeNumChannels="2")
    assert {one.get("CallerIDNum") for one in listener.channels()} == {"105", member}
    called = {one.get("Interface") for one in listener.heard if one.event == "AgentCalled"}
    assert called == {"PJSIP/100", "PJSIP/101"}
    _, params, *members, _ = listener.ask("QueueStatus", Queue="800")
    assert (params.get("Calls"), params.get("Completed")) == ("0", "0")
    found = {one.get("Location"): one for one in members}[f"PJSIP/{member}"]
    assert (found.get("InCall"), found.get("CallsTaken"), found.get("Status")) == ("1", "0", "2")
    listener.ask("Hangup", Channel="caller")
    over = listener.until_event("AgentComplete")[-1]
    assert (over.get("Reason"), over.get("Interface")) == ("caller", f"PJSIP/{member}")
    _, params, *members, _ = listener.ask("QueueStatus", Queue="800")
    # The queue's service level is 0 s: answered in the very second, or not within it.
    percent = "100.0" if over.get("HoldTime") == "0" else "0.0"
    assert (params.get("Completed"), params.get("Abandoned"), params.get("ServicelevelPerf")) == ("1", "0", percent)
    found = {one.get("Location"): one for one in members}[f"PJSIP/{member}"]
    assert (found.get("InCall"), found.get("CallsTaken"), found.get("LastCall") != "0") == ("0", "1", True)


def test_a_caller_who_hangs_up_has_abandoned_the_queue(listener: Manager) -> None:
    for number in ("100", "101"):
        listener.ask("QueuePause", Interface=f"PJSIP/{number}", Paused="true", Reason="lunch")
    listener.originate("PJSIP/105", "800", ChannelId="caller")
    listener.until_event("QueueCallerJoin", Uniqueid="caller")
    *_, entry, _ = listener.ask("QueueStatus", Queue="800")
    assert (entry.event, entry.get("Uniqueid"), entry.get("Position")) == ("QueueEntry", "caller", "1")
    listener.ask("Hangup", Channel="caller")
    listener.until_event("QueueCallerAbandon", Uniqueid="caller")
    listener.until_event("Hangup", Uniqueid="caller")
    assert listener.ask("QueueSummary", Queue="800")[1].get("Callers") == "0"


def test_members_come_pause_and_go(listener: Manager) -> None:
    here = {"Queue": "801", "Interface": "PJSIP/105"}
    assert listener.ask("QueueAdd", **here, MemberName="José", Penalty="1")[0].get("Response") == "Success"
    assert listener.ask("QueueAdd", **here)[0].get("Message") == "Unable to add interface: Already there"
    available = listener.ask("QueueSummary", Queue="801")[1].get("Available")
    listener.ask("QueuePause", **here, Paused="true", Reason="lunch: break")
    told = listener.until_event("QueueMemberPause")[-1]
    assert (told.get("Paused"), told.get("PausedReason"), told.get("MemberName")) == ("1", "lunch: break", "José")
    assert int(listener.ask("QueueSummary", Queue="801")[1].get("Available")) == int(available) - 1
    listener.ask("QueuePenalty", **here, Penalty="7")
    assert listener.until_event("QueueMemberPenalty")[-1].get("Penalty") == "7"
    assert listener.ask("QueueRemove", **here)[0].get("Message") == "Removed interface from queue"
    assert listener.ask("QueueRemove", **here)[0].get("Message") == "Unable to remove interface: Not there"


def test_a_static_member_cannot_be_removed(exchange: DemoExchange, manager: Manager) -> None:
    answer = manager.ask("QueueRemove", Queue="800", Interface="PJSIP/100")[0]
    assert answer.get("Message") == "Member not dynamic"
