"""Calls from Originate to Hangup: what each number does, in the events and causes of Asterisk 22."""

from __future__ import annotations

import pytest

from tests.demo.manager import Manager, Message

# Events whose place among the others is not told on a real exchange either.
BESIDES = frozenset({"DeviceStateChange", "ExtensionStatus", "QueueMemberStatus", "VarSet"})


def story(messages: list[Message]) -> list[str]:
    """The events about channels, each with whose it is."""
    return [f"{one.event} {who(one)}".strip() for one in messages if one.event and one.event not in BESIDES]


def who(message: Message) -> str:
    names = (message.get(name) for name in ("Channel", "DestChannel"))
    return "+".join(name.removeprefix("PJSIP/").partition("-")[0] for name in names if name)


def outcome(heard: list[Message]) -> Message:
    return next(one for one in heard if one.event == "OriginateResponse")


def test_a_call_is_told_in_the_order_of_asterisk_22(listener: Manager) -> None:
    listener.originate("PJSIP/100", "101", ChannelId="a-leg", CallerID="Desk <555>")
    heard = listener.until_event("BridgeEnter", BridgeNumChannels="2")
    assert story(listener.heard[-len(heard) :]) == [
        "Newchannel 100",
        "Newexten 100",
        "NewCallerid 100",
        "NewConnectedLine 100",
        "DialBegin 100",
        "Newstate 100",
        "DialState 100",
        "Newstate 100",
        "DialEnd 100",
        "OriginateResponse 100",
        "Newexten 100",
        "Newchannel 101",
        "Newexten 101",
        "NewConnectedLine 101",
        "DialBegin 100+101",
        "NewConnectedLine 100",
        "Newstate 101",
        "DialState 100+101",
        "Newstate 101",
        "DialEnd 100+101",
        "Newexten 101",
        "BridgeCreate",
        "BridgeEnter 101",
        "BridgeEnter 100",
    ]
    assert {one.get("Linkedid") for one in heard if one.get("Linkedid")} == {"a-leg"}
    response = outcome(heard)
    assert [response.get(name) for name in ("Response", "Reason", "Uniqueid")] == ["Success", "4", "a-leg"]
    assert [response.get(name) for name in ("CallerIDNum", "CallerIDName")] == ["555", "Desk"]


def test_hanging_up_one_leg_hangs_up_the_other(listener: Manager) -> None:
    first, second = listener.talk()
    listener.ask("Hangup", Channel=first)
    heard = listener.until_event("Hangup", Channel=second)
    assert story(heard) == [
        "BridgeLeave 100",
        "BridgeLeave 101",
        "BridgeDestroy",
        "SoftHangupRequest 100",
        "Hangup 100",
        "Hangup 101",
    ]
    assert [one.get("Cause") for one in heard if one.event == "Hangup"] == ["16", "16"]
    assert listener.channels() == []


@pytest.mark.parametrize(
    ("to", "dial_status", "called_cause", "caller_cause"),
    [("102", "BUSY", ("17", "486"), ("17", "486")), ("106", "CHANUNAVAIL", ("21", "603"), ("21", "403"))],
)
def test_a_phone_that_refuses_gives_its_cause_to_the_caller(
    listener: Manager, to: str, dial_status: str, called_cause: tuple[str, str], caller_cause: tuple[str, str]
) -> None:
    listener.originate("PJSIP/100", to, ChannelId="a-leg")
    heard = listener.until_event("Hangup", Uniqueid="a-leg")
    statuses = [one.get("Value") for one in heard if one.get("Variable") == "DIALSTATUS"]
    assert statuses == ["", dial_status]
    hangups = [(one.get("Cause"), one.get("TechCause")) for one in heard if one.event == "Hangup"]
    assert hangups == [called_cause, caller_cause]


def test_a_phone_that_is_not_registered_never_gets_a_channel(listener: Manager) -> None:
    listener.originate("PJSIP/100", "104", ChannelId="a-leg")
    heard = listener.until_event("Hangup", Uniqueid="a-leg")
    assert [one.get("Channel") for one in heard if one.event == "Newchannel"] == ["PJSIP/100-00000000"]
    assert "CHANUNAVAIL" in [one.get("Value") for one in heard if one.get("Variable") == "DIALSTATUS"]
    assert heard[-1].get("Cause-txt") == "No route to destination"


def test_nobody_answers_within_ringtime(listener: Manager) -> None:
    listener.originate("PJSIP/100", "103", ChannelId="a-leg", Variable="__RINGTIME=1")
    heard = listener.until_event("Hangup", Uniqueid="a-leg")
    ends = [one.get("DialStatus") for one in heard if one.event == "DialEnd"]
    assert ends == ["ANSWER", "NOANSWER"]
    assert [one.get("Cause") for one in heard if one.event == "Hangup"] == ["0", "16"]


@pytest.mark.parametrize(("origin", "reason", "cause"), [("102", "0", "17"), ("106", "0", "21"), ("103", "3", "19")])
def test_when_the_first_leg_fails_only_its_hangup_tells_busy_from_declined(
    listener: Manager, origin: str, reason: str, cause: str
) -> None:
    listener.originate(f"PJSIP/{origin}", "101", ChannelId="a-leg", Timeout="100")
    heard = listener.until_event("Hangup", Uniqueid="a-leg")
    response = outcome(heard)
    assert [response.get(name) for name in ("Response", "Reason", "Channel", "Uniqueid")] == [
        "Failure",
        reason,
        f"PJSIP/{origin}",
        "a-leg",
    ]
    assert heard[-1].get("Cause") == cause


@pytest.mark.parametrize("channel", ["PJSIP/104", "PJSIP/none", "SIP/100", "PJSIP/"])
def test_a_call_to_no_phone_is_one_response_and_nothing_else(listener: Manager, channel: str) -> None:
    listener.originate(channel, "101")
    heard = listener.until_event("OriginateResponse")
    assert [one.event for one in heard] == ["OriginateResponse"]
    assert [heard[0].get(name) for name in ("Reason", "Uniqueid")] == ["0", "<unknown>"]
    listener.ask("Ping")
    assert listener.heard[-1].get("Ping") == "Pong"


def test_a_channel_id_that_is_taken_or_too_long_is_refused(listener: Manager) -> None:
    listener.originate("PJSIP/100", "603", ChannelId="mine")
    listener.until_event("OriginateResponse", Response="Success")
    listener.originate("PJSIP/101", "603", ChannelId="mine")
    listener.until_event("OriginateResponse", Response="Failure", Uniqueid="mine")
    answer = listener.originate("PJSIP/101", "603", ChannelId="i" * 150)[0]
    assert answer.get("Message") == "Uniqueid length exceeds maximum of 149"


@pytest.mark.parametrize(
    ("context", "exten", "exists"),
    [
        ("from-internal", "101", True),
        ("from-internal", "*101", True),
        ("from-internal", "busy", True),
        ("from-internal", "701", False),
        ("from-internal", "1011", False),
        ("forbidden", "600", True),
        ("forbidden", "101", False),
        ("no-such-context", "101", False),
    ],
)
def test_an_extension_that_is_not_there_is_refused_before_anybody_is_called(
    manager: Manager, context: str, exten: str, exists: bool
) -> None:
    answer = manager.originate("PJSIP/104", exten, Context=context)[0]
    expected = "Originate successfully queued" if exists else "Extension does not exist."
    assert answer.get("Message") == expected
    asked = manager.ask("Getvar", Variable=f"DIALPLAN_EXISTS({context},{exten},1)")[0]
    assert asked.get("Value") == str(int(exists))


@pytest.mark.parametrize(
    ("exten", "application", "data"),
    [
        ("600", "Echo", ""),
        ("601", "Milliwatt", ""),
        ("603", "Wait", "3600"),
        ("*97", "VoiceMailMain", "555@default"),
        ("busy", "Busy", "1"),
    ],
)
def test_a_number_that_is_no_phone_runs_its_application(
    listener: Manager, exten: str, application: str, data: str
) -> None:
    listener.originate("PJSIP/100", exten, CallerID="555")
    told = listener.until_event("Newexten", Application=application)[-1]
    assert (told.get("AppData"), told.get("Exten")) == (data, exten)
    (channel,) = listener.channels()
    assert channel.get("Application") == application


def test_originate_with_an_application_ends_with_it(listener: Manager) -> None:
    listener.ask("Originate", Channel="PJSIP/100", Application="Wait", Data="0.05", Async="true", ChannelId="a-leg")
    response = listener.until_event("OriginateResponse")[-1]
    assert [response.get(name) for name in ("Application", "Data", "Exten")] == ["Wait", "0.05", ""]
    assert listener.until_event("Hangup", Uniqueid="a-leg")[-1].get("Cause") == "16"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("A=1,B=2", {"A": "1", "B": "2"}),
        ("A=one, two", {"A": "one", "B": ""}),
        (r"A=one\, two", {"A": "one, two"}),
        ('A="one, two",B=3', {"A": "one, two", "B": "3"}),
        ("A=(1,2),B=[3,4]", {"A": "(1,2)", "B": "[3,4]"}),
        (r"A=\"x\\", {"A": '"x\\'}),
    ],
)
def test_a_variable_header_is_split_at_commas_as_asterisk_splits_it(
    listener: Manager, given: str, kept: dict[str, str]
) -> None:
    listener.originate("PJSIP/100", "603", ChannelId="a-leg", Variable=given)
    listener.until_event("OriginateResponse")
    for name, value in kept.items():
        assert listener.ask("Getvar", Channel="a-leg", Variable=name)[0].get("Value") == value


def test_variables_with_underscores_are_handed_down(listener: Manager) -> None:
    variables = [("Variable", "__EVER=1"), ("Variable", "_ONCE=2"), ("Variable", "OWN=3")]
    listener.originate("PJSIP/100", "101", variables)
    called = listener.until_event("DialBegin", DialString="101")[-1].get("DestChannel")
    values = [listener.ask("Getvar", Channel=called, Variable=name)[0].get("Value") for name in ("EVER", "ONCE", "OWN")]
    assert values == ["1", "2", ""]


def test_names_keep_their_accents_and_varset_escapes_line_ends(listener: Manager) -> None:
    listener.originate("PJSIP/100", "603", ChannelId="a-leg", CallerID='"Jürgen Ä" <555>')
    assert listener.until_event("OriginateResponse")[-1].get("CallerIDName") == "Jürgen Ä"
    listener.ask("Setvar", Channel="a-leg", Variable="V", Value="a\rb")
    assert listener.until_event("VarSet", Variable="V")[-1].get("Value") == r"a\rb"


def test_a_local_channel_is_two_halves_that_live_and_die_together(listener: Manager) -> None:
    listener.originate("Local/101@from-internal/n", "603", ChannelId="one", OtherChannelId="two")
    response = listener.until_event("OriginateResponse")[-1]
    assert response.get("Channel") == "Local/101@from-internal-00000000;1"
    listener.until_event("BridgeEnter", BridgeNumChannels="2")
    assert sorted(one.get("Uniqueid") for one in listener.channels())[1:] == ["one", "two"]
    listener.ask("Hangup", Channel="two")
    listener.until_event("Hangup", Uniqueid="one")
    assert listener.channels() == []


def test_a_local_channel_rings_when_what_it_leads_to_rings(listener: Manager) -> None:
    listener.originate("Local/103@from-internal", "603", ChannelId="one", Timeout="200")
    assert listener.until_event("Newstate", Uniqueid="one")[-1].get("ChannelStateDesc") == "Ringing"
    assert listener.until_event("OriginateResponse")[-1].get("Reason") == "3"
    listener.until_event("Hangup", Uniqueid="one")
    assert listener.until_event("Hangup", CallerIDNum="103")[-1].get("Cause") == "16"


def test_a_local_channel_fails_as_what_it_leads_to(listener: Manager) -> None:
    listener.originate("Local/102@from-internal", "603", ChannelId="one")
    heard = listener.until_event("Hangup", Uniqueid="one")
    assert outcome(heard).get("Reason") == "0"
    assert heard[-1].get("Cause") == "17"
    assert "TechCause" not in heard[-1].names()


def test_a_phone_that_rings_says_so_everywhere(listener: Manager) -> None:
    listener.originate("PJSIP/103", "101")
    listener.until_event("DeviceStateChange", Device="PJSIP/103", State="RINGING")
    endpoints = {one.get("ObjectName"): one for one in listener.ask("PJSIPShowEndpoints")[1:-1]}
    assert endpoints["103"].get("DeviceState") == "Ringing"
    assert listener.ask("ExtensionState", Exten="103", Context="from-internal")[0].get("Status") == "8"


def test_the_phone_of_a_call_is_in_use_everywhere(listener: Manager) -> None:
    listener.talk()
    endpoints = {one.get("ObjectName"): one for one in listener.ask("PJSIPShowEndpoints")[1:-1]}
    shown = [endpoints[number].get("DeviceState") for number in ("100", "101", "102", "104")]
    assert shown == ["In use", "In use", "Not in use", "Unavailable"]
    assert endpoints["100"].get("ActiveChannels") == "1"
    assert listener.ask("ExtensionState", Exten="100", Context="from-internal")[0].get("StatusText") == "InUse"
    assert listener.ask("Getvar", Variable="DEVICE_STATE(PJSIP/101)")[0].get("Value") == "INUSE"
    listener.ask("Hangup", Channel="a-leg")
    listener.until_event("DeviceStateChange", Device="PJSIP/101", State="NOT_INUSE")
