"""What can be done to a call that is up, and what it does to the other leg."""

from __future__ import annotations

import random
import re
import time
import wave
from pathlib import Path

import pytest

from pbxapi.demo.exchange import DemoExchange
from tests.demo.manager import Manager, eventually


def applications(manager: Manager) -> dict[str, str]:
    """What each live phone runs, by its number."""
    return {
        one.get("Channel").removeprefix("PJSIP/").partition("-")[0]: one.get("Application")
        for one in manager.channels()
    }


def bridged(manager: Manager) -> set[str]:
    """The phones that talk in one bridge; none while there are two, as for a moment of a transfer."""
    channels = [one for one in manager.channels() if one.get("BridgeId")]
    if len({one.get("BridgeId") for one in channels}) > 1:
        return set()
    return {one.get("Channel").removeprefix("PJSIP/").partition("-")[0] for one in channels}


@pytest.mark.parametrize(("asked", "told"), [("", "0"), ("17", "17"), ("x", "0"), ("999", "0")])
def test_a_channel_on_its_own_is_hung_up_with_the_cause_asked_for(listener: Manager, asked: str, told: str) -> None:
    listener.originate("PJSIP/100", "603", ChannelId="a-leg")
    listener.until_event("OriginateResponse")
    listener.ask("Hangup", Channel="a-leg", Cause=asked)
    assert listener.until_event("Hangup", Uniqueid="a-leg")[-1].get("Cause") == told


def test_hanging_up_a_ringing_leg_lets_its_caller_go_on(listener: Manager) -> None:
    listener.originate("PJSIP/100", "103", ChannelId="a-leg")
    called = listener.until_event("DialState", DestCallerIDNum="103")[-1].get("DestChannel")
    listener.ask("Hangup", Channel=called, Cause="17")
    heard = listener.until_event("Hangup", Uniqueid="a-leg")
    assert [one.get("DialStatus") for one in heard if one.event == "DialEnd"] == ["BUSY"]
    assert heard[-1].get("Cause") == "17"


def test_hanging_up_the_caller_stops_the_ringing(listener: Manager) -> None:
    listener.originate("PJSIP/100", "103", ChannelId="a-leg")
    listener.until_event("DialState", DestCallerIDNum="103")
    listener.ask("Hangup", Channel="a-leg")
    heard = listener.until_event("Hangup", Uniqueid="a-leg")
    assert [one.get("DialStatus") for one in heard if one.event == "DialEnd"] == ["CANCEL"]
    assert listener.channels() == []


def test_hangup_takes_a_regular_expression_and_answers_with_a_list(manager: Manager) -> None:
    first, second = manager.talk()
    assert manager.ask("Hangup", Channel="/[/")[0].get("Message") == "Regex compile failed on: /[/"
    _, *hung_up, complete = manager.ask("Hangup", Channel="/^pjsip\\/10[01]-/")
    assert {one.get("Channel") for one in hung_up} == {first, second}
    assert complete.get("ListItems") == "2"
    assert manager.channels() == []


@pytest.mark.parametrize(("leg", "stays"), [(0, "100"), (1, "101")])
def test_a_redirect_of_one_leg_hangs_up_the_other(listener: Manager, leg: int, stays: str) -> None:
    legs = listener.talk()
    place = {"Context": "from-internal", "Exten": "603", "Priority": "1"}
    answer = listener.ask("Redirect", Channel=legs[leg], **place)[0]
    assert answer.get("Message") == "Redirect successful"
    assert listener.until_event("Hangup", Channel=legs[1 - leg])[-1].get("Cause") == "16"
    assert applications(listener) == {stays: "Wait"}


def test_a_redirect_to_nowhere_succeeds_and_ends_the_channel(listener: Manager) -> None:
    first, _ = listener.talk()
    answer = listener.ask("Redirect", Channel=first, Context="from-internal", Exten="nowhere", Priority="1")[0]
    assert answer.get("Message") == "Redirect successful"
    heard = listener.until_event("Hangup", Channel=first)
    assert "Newexten" in [one.event for one in heard]
    assert applications(listener) == {}


def test_a_dual_redirect_keeps_both_legs(manager: Manager) -> None:
    first, second = manager.talk()
    place = {"Context": "from-internal", "Exten": "603", "Priority": "1"}
    extra = {"ExtraContext": "from-internal", "ExtraExten": "600", "ExtraPriority": "1"}
    answer = manager.ask("Redirect", Channel=first, ExtraChannel=second, **place, **extra)[0]
    assert answer.get("Message") == "Dual Redirect successful"
    assert applications(manager) == {"100": "Wait", "101": "Echo"}


def test_without_a_place_of_its_own_the_extra_channel_goes_to_the_same(manager: Manager) -> None:
    first, second = manager.talk()
    place = {"Context": "from-internal", "Exten": "603", "Priority": "1"}
    manager.ask("Redirect", Channel=first, ExtraChannel=second, **place)
    assert applications(manager) == {"100": "Wait", "101": "Wait"}
    bad = manager.ask("Redirect", Channel=first, ExtraChannel="PJSIP/none", **place)[0]
    assert bad.get("Message") == "ExtraChannel does not exist: PJSIP/none"


@pytest.mark.parametrize("leg", [0, 1])
def test_a_blind_transfer_sends_the_other_side_on(listener: Manager, leg: int) -> None:
    legs = listener.talk()
    answer = listener.ask("BlindTransfer", Channel=legs[leg], Context="from-internal", Exten="105")[0]
    assert answer.get("Message") == "Transfer succeeded"
    listener.until_event("Hangup", Channel=legs[leg])
    eventually(lambda: bridged(listener) == {("101", "100")[leg], "105"}, "the other side talks to 105")


def test_a_blind_transfer_of_a_channel_on_its_own_is_invalid(manager: Manager) -> None:
    manager.originate("PJSIP/100", "603", ChannelId="a-leg")
    eventually(lambda: applications(manager) == {"100": "Wait"}, "it is answered")
    answer = manager.ask("BlindTransfer", Channel="a-leg", Context="from-internal", Exten="105")[0]
    assert answer.get("Message") == "Transfer invalid"
    assert manager.ask("Atxfer", Channel="a-leg", Exten="105")[0].get("Message") == "Atxfer successfully queued"
    assert applications(manager) == {"100": "Wait"}


@pytest.mark.parametrize("leg", [0, 1])
@pytest.mark.parametrize(
    ("leaves", "talk"),
    [("transferer", {"held", "105"}), ("held", {"transferer", "105"}), ("105", {"transferer", "held"})],
)
def test_who_leaves_an_attended_transfer_lets_the_other_two_talk(
    listener: Manager, leg: int, leaves: str, talk: set[str]
) -> None:
    legs = listener.talk()
    numbers = {"transferer": ("100", "101")[leg], "held": ("101", "100")[leg], "105": "105"}
    listener.ask("Atxfer", Channel=legs[leg], Context="from-internal", Exten="105")
    listener.until_event("BridgeEnter", CallerIDNum="105")
    listener.ask("Hangup", Channel=f"/PJSIP.{numbers[leaves]}-/")
    eventually(lambda: bridged(listener) == {numbers[one] for one in talk}, f"{talk} talk")
    assert set(applications(listener)) == {numbers[one] for one in talk}
    transferred = [one for one in listener.heard if one.event == "AttendedTransfer"]
    assert len(transferred) == (leaves == "transferer")


@pytest.mark.parametrize("exten", ["102", "104", "nowhere"])
def test_an_attended_transfer_to_nobody_brings_the_two_together_again(listener: Manager, exten: str) -> None:
    first, _ = listener.talk()
    listener.ask("Atxfer", Channel=first, Context="from-internal", Exten=exten)
    listener.until_event("Unhold")
    eventually(lambda: bridged(listener) == {"100", "101"}, "they talk again")


def test_cancelatxfer_brings_the_two_together_again(listener: Manager) -> None:
    first, _ = listener.talk()
    listener.ask("Atxfer", Channel=first, Context="from-internal", Exten="103")
    listener.until_event("DialState", DestCallerIDNum="103")
    listener.ask("CancelAtxfer", Channel=first)
    assert bridged(listener) == {"100", "101"}
    assert set(applications(listener)) == {"100", "101"}


def test_whoever_is_transferred_while_it_rings_waits_for_the_answer(listener: Manager) -> None:
    first, second = listener.talk("105")
    listener.ask("Atxfer", Channel=first, Context="from-internal", Exten="101")
    listener.until_event("DialState", DestCallerIDNum="101")
    listener.ask("Hangup", Channel=first)
    eventually(lambda: bridged(listener) == {"101", "105"}, "the other side talks to 101")
    listener.ask("Hangup", Channel=second)
    eventually(lambda: listener.channels() == [], "nothing is left over")


def test_who_is_parked_during_an_attended_transfer_stays_parked_when_it_ends(listener: Manager) -> None:
    first, second = listener.talk()
    listener.ask("Atxfer", Channel=first, Context="from-internal", Exten="103")
    listener.until_event("DialState", DestCallerIDNum="103")
    listener.ask("Park", Channel=first)
    listener.ask("Hangup", Channel=second)
    eventually(lambda: len(listener.channels()) == 1, "only the parked one is left")
    assert listener.ask("ParkedCalls")[1].get("ParkeeChannel") == first


def test_a_leg_that_is_parked_while_it_is_called_is_not_answered_any_more() -> None:
    with DemoExchange(background_calls=False) as exchange, Manager(exchange.port, events="call") as listener:
        listener.originate("Local/101@from-internal", "603", ChannelId="one")
        listener.ask("Park", Channel="one")
        listener.until_event("BridgeEnter", CallerIDNum="101")
        assert listener.ask("Status", Channel="one")[1].get("Application") == "AppDial2"
        listener.ask("Hangup", Channel="one")
        listener.until_event("ParkedCallGiveUp", ParkeeUniqueid="one")


def test_a_parked_call_waits_in_its_space_until_somebody_dials_it(listener: Manager) -> None:
    first, second = listener.talk()
    assert listener.ask("Park", Channel=second, Parkinglot="default")[0].get("Message") == "Park successful"
    listener.until_event("Hangup", Channel=first)
    _, parked, complete = listener.ask("ParkedCalls")
    assert [parked.get(name) for name in ("ParkeeChannel", "ParkingSpace")] == [second, "701"]
    assert 30 < int(parked.get("ParkingTimeout")) < 45
    assert complete.get("Total") == "1"
    listener.originate("PJSIP/105", "701", ChannelId="retriever")
    listener.until_event("UnParkedCall", ParkeeChannel=second)
    eventually(lambda: bridged(listener) == {"101", "105"}, "they talk")
    assert {one.get("Linkedid") for one in listener.channels()} == {"a-leg"}
    assert len(listener.ask("ParkedCalls")) == 2
    assert listener.originate("PJSIP/100", "701")[0].get("Message") == "Extension does not exist."


def test_a_parked_call_whose_time_is_over_is_hung_up(listener: Manager) -> None:
    first, _ = listener.talk()
    listener.ask("Park", Channel=first, Timeout="1000", TimeoutChannel="PJSIP/105", Parkingspace="705")
    assert listener.until_event("ParkedCall")[-1].get("ParkingSpace") == "705"
    told = listener.until_event("ParkedCallTimeOut")[-1]
    assert told.get("ParkerDialString") == "PJSIP/105"
    listener.until_event("Hangup", Channel=first)
    assert listener.channels() == []


def test_a_parked_call_that_is_hung_up_gives_its_space_back(listener: Manager) -> None:
    first, _ = listener.talk()
    listener.ask("Park", Channel=first)
    listener.ask("Hangup", Channel=first)
    listener.until_event("ParkedCallGiveUp", ParkingSpace="701")
    assert len(listener.ask("ParkedCalls")) == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"Channel": "a-leg", "Parkinglot": "other"}, "Park action failed"),
        ({"Channel": "a-leg", "Parkingspace": "x"}, "Park action failed"),
        ({"Channel": "a-leg", "Parkingspace": "800"}, "Park action failed"),
        ({"Channel": "a-leg", "Timeout": "soon"}, "Invalid Timeout value."),
        ({}, "Channel not specified"),
    ],
)
def test_what_cannot_be_parked_goes_on_talking(manager: Manager, asked: dict[str, str], words: str) -> None:
    manager.talk()
    assert manager.ask("Park", **asked)[0].get("Message") == words
    assert bridged(manager) == {"100", "101"}


def test_a_recording_is_a_wav_of_as_long_as_it_ran_in_a_folder_of_the_exchange(
    exchange: DemoExchange, manager: Manager
) -> None:
    first, second = manager.talk()
    started = manager.ask("MixMonitor", Channel=first, File="/etc/../../day/call.wav", Options="i(MY_ID)")[0]
    path = Path(manager.ask("Getvar", Channel=first, Variable="MIXMONITOR_FILENAME")[0].get("Value"))
    assert path == exchange.recordings / "etc" / "day" / "call.wav"
    assert path.stat().st_size == 44
    number = manager.ask("Getvar", Channel=first, Variable="MY_ID")[0].get("Value")
    assert number == started.get("MixMonitorID")
    eventually(lambda: manager.ask("Status", Channel=first)[1].get("Seconds") != "0", "a second is over")
    assert manager.ask("StopMixMonitor", Channel=second)[0].get("Message") == "Could not stop monitoring channel"
    assert manager.ask("StopMixMonitor", Channel=first, MixMonitorID=number)[0].get("Response") == "Success"
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert 0.3 < file.getnframes() / 8000 < 30
        assert any(file.readframes(100))


def test_hanging_up_completes_a_recording(exchange: DemoExchange, listener: Manager) -> None:
    listener.originate("PJSIP/100", "*101", ChannelId="a-leg")
    listener.until_event("BridgeEnter", BridgeNumChannels="2")
    listener.ask("Hangup", Channel="a-leg")
    assert (exchange.recordings / "a-leg.wav").stat().st_size > 44


@pytest.mark.parametrize("file", ["", "/", "..", "x" * 300])
def test_a_file_name_that_cannot_be_one_is_refused(manager: Manager, file: str) -> None:
    first, _ = manager.talk()
    assert manager.ask("MixMonitor", Channel=first, File=file)[0].get("Message") == "Could not start monitoring channel"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"Channel": "a-leg", "Direction": "in", "State": "on"}, ""),
        ({"Channel": "a-leg", "Direction": "in", "State": "zz"}, ""),
        ({"Channel": "a-leg", "Direction": "sideways", "State": "on"}, "Failed to mute/unmute stream"),
        ({"Channel": "a-leg", "State": "on"}, "Direction not specified"),
        ({"Channel": "none", "Direction": "in", "State": "on"}, "No such channel"),
    ],
)
def test_muting_says_what_asterisk_says(manager: Manager, asked: dict[str, str], words: str) -> None:
    manager.talk()
    assert manager.ask("MuteAudio", **asked)[0].get("Message") == words


def test_a_key_that_was_received_is_sent_on_to_the_other_side(listener: Manager) -> None:
    first, second = listener.talk()
    listener.ask("PlayDTMF", Channel=first, Digit="55", Receive="true", Duration="300")
    listener.until_event("DTMFEnd", Direction="Sent")
    told = [(one.event, one.get("Channel"), one.get("Digit")) for one in listener.heard if "DTMF" in one.event]
    assert told == [("DTMFEnd", first, "5"), ("DTMFBegin", second, "5"), ("DTMFEnd", second, "5")]


def test_status_shows_a_call_and_the_variables_asked_for(manager: Manager) -> None:
    first, _ = manager.talk()
    (_, status, complete) = manager.ask("Status", Channel=first, Variables="NONE,CALLERID(num)")
    assert [value for name, value in status if name == "Variable"] == ["NONE=(null)", "CALLERID(num)=555"]
    assert complete.get("Items") == "1"
    everything = manager.ask("Status", Channel=first, AllVariables="true")[1]
    assert ("Variable", "DIALEDPEERNUMBER=101") in everything
    assert ("Variable", "DIALSTATUS=ANSWER") in everything


def test_the_command_line_table_has_the_columns_of_asterisk_22(manager: Manager) -> None:
    manager.talk()
    lines = [
        value for name, value in manager.ask("Command", Command="core show channels verbose")[0] if name == "Output"
    ]
    header, row = lines[0], lines[2]
    assert row.startswith("PJSIP/100-00000000")
    for name, value in {"Context": "from-internal", "Extension": "101", "State": "Up", "Application": "Dial"}.items():
        assert row[header.index(name) :].startswith(value)
    assert re.fullmatch(r"[0-9a-f-]{20}", row[header.index("BridgeID") :])
    assert lines[3:5] == ["2 active channels", "1 active call"]


def misuse(manager: Manager, chance: random.Random) -> None:
    """Do something to some channel, whether it can be done or not."""
    channels = [one.get("Channel") for one in manager.channels()] or ["none"]
    one, other = chance.choice(channels), chance.choice(channels)
    exten = chance.choice(
        ("100", "101", "102", "103", "104", "106", "600", "603", "700", "701", "800", "801", "*101", "busy")
    )
    place = {"Context": "from-internal", "Exten": exten, "Priority": "1"}
    action, headers = chance.choice(
        [
            ("Hangup", {"Channel": one}),
            ("Redirect", {"Channel": one, **place}),
            ("Redirect", {"Channel": one, "ExtraChannel": other, **place}),
            ("BlindTransfer", {"Channel": one, **place}),
            ("Atxfer", {"Channel": one, **place}),
            ("CancelAtxfer", {"Channel": one}),
            ("Park", {"Channel": one, "Timeout": "1000"}),
            ("MixMonitor", {"Channel": one, "File": f"{one}.wav"}),
            ("StopMixMonitor", {"Channel": one}),
            ("Originate", {"Channel": f"PJSIP/{chance.randint(100, 107)}", "Async": "true", "Timeout": "100", **place}),
            ("Originate", {"Channel": f"Local/{exten}@from-internal", "Async": "true", "Timeout": "100", **place}),
        ]
    )
    manager.ask(action, **headers)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_to_calls_nothing_is_left_when_all_are_hung_up(
    manager: Manager, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(seed)
    for _ in range(150):
        misuse(manager, chance)
        time.sleep(chance.choice((0, 0, 0.01, 0.03)))  # let some of it happen
    for _ in range(3):  # an attended transfer that is on its way may still make a channel
        manager.ask("Hangup", Channel="/.*/")
        time.sleep(0.1)
    assert manager.channels() == []
    assert len(manager.ask("ParkedCalls")) == 2
    assert {one.get("Callers") for one in manager.ask("QueueSummary")[1:-1]} == {"0"}
    assert {one.get("State") for one in manager.ask("DeviceStateList")[1:-1]} == {"NOT_INUSE", "UNAVAILABLE"}
    assert caplog.records == []
