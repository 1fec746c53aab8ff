"""What a caller may name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.errors import Invalid
from pbxapi.pbx.text import CHANNEL, CONTEXT, EXTENSION, LOCAL, check_variables, one_line, variable_header


@pytest.mark.parametrize("good", ["101", "*97", "00905551234567", "+49.30", "alice", "#1"])
def test_what_is_dialled_on_phones_is_an_extension(good: str) -> None:
    assert EXTENSION.match(good)


@pytest.mark.parametrize(
    "bad", ["", "1&2", "1/2", "1@ctx", "1,2", "1)", "${X}", "1\n", "1\r\nApplication: System", "1 2", "x" * 65]
)
def test_what_would_name_other_channels_or_arguments_is_no_extension(bad: str) -> None:
    assert not EXTENSION.match(bad)


@pytest.mark.parametrize(
    "bad", ["PJSIP/trunk/sip:1@192.0.2.1", "DAHDI/g0/1", "PJSIP/1&PJSIP/2", "Local/1@x", "SIP/1\n"]
)
def test_only_a_device_is_a_channel_to_call_from(bad: str) -> None:
    assert not CHANNEL.match(bad)
    assert CHANNEL.match("PJSIP/100")


def test_local_channels_name_their_context() -> None:
    found = LOCAL.match("Local/100@from-internal/n")
    assert found
    assert (found["extension"], found["context"]) == ("100", "from-internal")
    assert not LOCAL.match("Local/100@a/b")
    assert not CONTEXT.match("a b")


@given(st.text())
def test_a_line_end_never_passes(text: str) -> None:
    if any(end in text for end in "\r\n\0"):
        with pytest.raises(Invalid):
            one_line(text, "caller_id")
    else:
        assert one_line(text, "caller_id") == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHELL(id)", "x"), ("A B", "x"), ("MONITOR_EXEC", "x"), ("__TOUCH_MIXMONITOR", "x"),
        ("PBXAPI_EXTERNAL_ID", "x"),
        ("A", "${SHELL(id)}"), ("A", "$[1+1]"), ("A", "x\r\nApplication: System"), ("A", "x" * 801), ("", "x"),
    ],
)  # fmt: skip
def test_variables_that_run_something_or_inject_are_refused(name: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_variables({name: value})
    assert caught.value.fields["variables"]


def test_plain_variables_pass() -> None:
    check_variables({"A": "1", "__CUSTOMER": "Müller, Co", "_b2": ""})


def test_what_asterisk_would_cut_or_eat_is_escaped() -> None:
    assert variable_header("A", 'a,b "c" (d) \\') == ("Variable", 'A=a\\,b \\"c\\" \\(d\\) \\\\')
