"""What may stand in the fields of a queue: it ends up in queues.conf and in a dialplan."""

from __future__ import annotations

from typing import Any

import pytest

from pbxapi.errors import Invalid
from pbxapi.pbx.queue_checks import OPTIONS, check, check_options, interface_fault
from pbxapi.pbx.queue_checks import RINGING as RINGING_WORDS
from pbxapi.pbx.queue_keywords import LAYOUTS, RINGING, free

GOOD: dict[str, list[Any]] = {
    "description": ["Support", "Tür, 1 & 2", "", None, "x" * 35],
    "strategy": ["ringall", "wrandom"],
    "ring_time": [0, 86_400],
    "join_empty": ["yes", "loose", "penalty", "paused,invalid,unavailable,inuse,ringing,unknown,wrapup"],
    "leave_when_empty": ["no", "strict"],
    "auto_pause": ["all"],
    "announce_position": ["limit", "more"],
    "announce_hold_time": ["once"],
    "ringing": ["ring", "ring_when_agent_rings"],
    "music_class": ["default", None],
    "caller_id_prefix": ["Q: ", ""],
    "alert_info": ["<http://192.0.2.1/Bellcore-dr3>"],
    "password": ["1", "", None, "1" * 20],
    "recording": ["dontcare", "force"],
    "destination_if_no_answer": ["ext-local,vmu200,1", "app-blackhole,hangup,1", None],
    "dynamic_agents": [{"200": 0}, {}],
}
BAD: dict[str, list[Any]] = {
    "description": ["a;b", "a\nb", "x" * 36, "<b>", "\u202e"],
    "strategy": ["roundrobin", "RINGALL"],
    "ring_time": [-1, 86_401],
    "max_wait": [10**9],
    "weight": [-1],
    "join_empty": ["maybe", "paused,paused", "paused,", "yes,no", "paused, invalid"],
    "auto_pause": ["some"],
    "announce_position": ["once"],
    "announce_hold_time": ["limit"],
    "ringing": ["Ring"],
    "music_class": ["inherit", "a b", "x\n[y]"],
    "caller_id_prefix": ["a,b", "${SHELL(x)}", "a;b", 'a"b', "a\r\nb"],
    "alert_info": ["x;info=1", "$[1]"],
    "password": ["12a", "1" * 21, "1\n"],
    "recording": ["maybe"],
    "destination_if_no_answer": ["x", "a,b,1\n", "a,${x},1", "app-announcement-1," + "1" * 40 + ",1"],
    "dynamic_agents": [{"x": 0}, {"200": -1}, {"2" * 21: 0}],
}


@pytest.mark.parametrize(("field", "value"), [(field, each) for field, some in GOOD.items() for each in some])
def test_what_a_field_may_hold(field: str, value: Any) -> None:
    check("400", {field: value})


@pytest.mark.parametrize(("field", "value"), [(field, each) for field, some in BAD.items() for each in some])
def test_what_a_field_may_not_hold(field: str, value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        check("400", {field: value})
    assert caught.value.fields.keys() == {field}


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        check("4x", {field: some[0] for field, some in BAD.items()})
    assert caught.value.fields.keys() == BAD.keys() | {"queue"}


def test_the_words_of_recording_are_the_exchange_s() -> None:
    check("400", {"recording": "yes"}, ("no", "yes"))
    with pytest.raises(Invalid):
        check("400", {"recording": "force"}, ("no", "yes"))


def test_no_option_is_a_field_and_none_runs_a_dialplan() -> None:
    assert all(free(keyword, layout) for keyword in OPTIONS for layout in LAYOUTS.values())
    assert not OPTIONS & {"context", "membermacro", "membergosub", "member", "monitor-format", "cron_minute"}
    assert set(RINGING) == set(RINGING_WORDS)


@pytest.mark.parametrize(
    "options",
    [
        {"context": "from-internal"}, {"timeoutpriority": "a;b"}, {"queue-thankyou": "/etc/passwd"},
        {"queue-thankyou": "../x"}, {"rvolume": "${x}"}, {"setqueuevar": ">x"}, {"setqueuevar": "a\nmember=x"},
    ],
)  # fmt: skip
def test_an_option_that_may_not_be_set(options: dict[str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        check_options(options, {})
    assert caught.value.fields.keys() == {"options"}


def test_an_option_that_is_so_already_may_stay_so() -> None:
    check_options({"context": "x", "timeoutpriority": "conf", "queue-thankyou": "custom/thanks", "rvolume": ""},
                  {"context": "x"})  # fmt: skip
    check_options({"context": None}, {"context": "x"})


@pytest.mark.parametrize("interface", ["PJSIP/200", "SIP/200", "IAX2/x", "Local/200@from-queue/n", "Local/2#@a"])
def test_an_interface_is_a_device_or_a_local_channel(interface: str) -> None:
    assert interface_fault(interface, {"from-queue", "a"}) is None


@pytest.mark.parametrize(
    "interface", ["Local/200@from-trunk/n", "DAHDI/1", "PJSIP/a/sip:b@c", "200", "PJSIP/2,0", "Local/2@a/n\n", ""]
)
def test_another_is_none(interface: str) -> None:
    assert interface_fault(interface, {"from-queue", "a"}) is not None
