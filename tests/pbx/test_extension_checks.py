from __future__ import annotations

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxapi.errors import Invalid
from pbxapi.pbx.extension_checks import check, is_weak, name_fault, networks_fault, secret_fault, text_fault


def faults(number: str = "200", /, **values: object) -> dict[str, list[str]]:
    try:
        check(number, values)
    except Invalid as error:
        return error.fields
    return {}


def test_every_fault_is_named_at_once() -> None:
    found = faults("2x", name="a;b", secret="short", voicemail={"password": "1"}, recording={"on_demand": "x"})
    assert list(found) == ["extension", "name", "secret", "voicemail.password", "recording.on_demand"]


def test_none_is_always_fine() -> None:
    names = ["secret", "context", "voicemail", "codecs", "recording", "options", "permit", "ring_time", "webrtc"]
    assert faults(**dict.fromkeys(names)) == {}
    assert faults(voicemail={"password": None, "email": None}, recording={"priority": None}) == {}


@pytest.mark.parametrize("number", ["0", "200", "12345678901234567890"])
def test_numbers_are_digits(number: str) -> None:
    assert faults(number) == {}


@pytest.mark.parametrize("number", ["", "*97", "2 0", "200\n", "²", "٢٠٠", "1" * 21, "-1"])
def test_what_is_no_number_is_refused(number: str) -> None:
    assert list(faults(number)) == ["extension"]


@pytest.mark.parametrize(
    "name", ["Alice", "Zoë Müller-Łukasz", "王小明", "O'Neil & Sons (1)", "👩‍👩‍👧",
             "🏴\U000e0067\U000e0062\U000e007f", "A\u00a0B"]
)  # fmt: skip
def test_names_may_be_of_any_script(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize("character", [*';[],|"<>\r\n\0\t\x7f\x85\u2028\u202e\ue000', "\ud800", "${"])
def test_what_would_change_a_configuration_is_no_name(character: str) -> None:
    assert name_fault(f"a{character}b") is not None


@pytest.mark.parametrize("secret", ["Kq7-wie4zo", "a b\"c'd<e>f", "x][y(z)=#!", "$ecret{}~|`"])
def test_secrets_may_hold_what_a_line_can_carry(secret: str) -> None:
    assert secret_fault(secret) is None
    assert not is_weak(secret, "200")


@pytest.mark.parametrize(
    "secret",
    ["", "Kq7-w", "Kq7;wie4zo", " Kq7wie4", "Kq7wie4 ", "[q7wie4zo", "]q7wie4zo", ">q7wie4zo",
     "Kq7\nwie4", "Kq7wié4", "x" * 81]
)  # fmt: skip
def test_secrets_that_would_be_cut_are_refused(secret: str) -> None:
    assert secret_fault(secret) is not None


@pytest.mark.parametrize(
    "secret",
    ["111111", "aaaaaa", "ababab", "123456", "987654321", "20040000", "ext200", "200abc", "Password1", "password123!",
     "secret123", "changeme", "abcdef", "fedcba", "qwertyuiop", "asterisk2024", "sip-200"],
)  # fmt: skip
def test_secrets_that_are_tried_first_are_weak(secret: str) -> None:
    assert is_weak(secret, "200")
    assert list(faults(secret=secret)) == ["secret"]


def test_what_this_program_makes_is_strong() -> None:
    for number in ("1", "200", "12345"):
        assert not any(is_weak(secrets.token_hex(16), number) for _ in range(200))


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40))
def test_no_text_that_passes_can_end_a_line_or_begin_a_comment(text: str) -> None:
    if text_fault(text) is None:
        assert not set(text) & set("\r\n\0;[]|,")
        text.encode()


@pytest.mark.parametrize("text", ["192.0.2.0/255.255.255.0", "192.0.2.1", "0.0.0.0/0&198.51.100.0/24", "2001:db8::/32"])
def test_networks(text: str) -> None:
    assert networks_fault(text) is None


@pytest.mark.parametrize("text", ["", "all", "192.0.2.0/33", "192.0.2.0/24;", "192.0.2.0/24\n", "300.1.1.1",
                                  "fe80::1%x\n[evil]", "fe80::1%;--", "fe80::1%a/64"])  # fmt: skip
def test_what_is_no_network_is_refused(text: str) -> None:
    assert networks_fault(text) is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("context", "a;b"),
        ("context", "from-internal\n"),
        ("transport", "udp\n"),
        ("caller_id", "Sales <555>\n"),
        ("caller_id", 'Sales" <555>'),
        ("emergency_caller_id", '"Sales'),
        ("account_code", "a b"),
        ("call_group", "1,,2"),
        ("options", {"match;": "x"}),
        ("options", {"match": "1\n[evil]"}),
        ("max_contacts", 101),
        ("ring_time", -1),
        ("call_limit", 1001),
        ("technology", "analogue"),
    ],
)
def test_each_field_is_looked_at(field: str, value: object) -> None:
    assert list(faults(**{field: value})) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [("password", "123"), ("password", "12345\n"), ("email", "a@b,c"), ("email", "a|b@c"), ("pager", "x"),
     ("context", "NOVM"), ("context", "a]"), ("options", {"tz": "a|b=c"}), ("options", {"tz": "a,b"})],
)  # fmt: skip
def test_each_field_of_a_mailbox_is_looked_at(field: str, value: object) -> None:
    assert list(faults(voicemail={field: value})) == [f"voicemail.{field}"]


@pytest.mark.parametrize("text", ["${SHELL(id)}", "x ${FILE(/etc/passwd)}", "${${VM_CIDNAME}}", "$[1+1]", "${VM_NAME"])
def test_no_option_of_a_mailbox_makes_asterisk_run_something(text: str) -> None:
    assert list(faults(voicemail={"options": {"emailsubject": text}})) == ["voicemail.options"]


@pytest.mark.parametrize("text", ["Message for ${VM_NAME}, ${VM_DUR:0:3}".replace(",", ""), "it costs 5$", "{x}"])
def test_an_option_of_a_mailbox_may_name_variables(text: str) -> None:
    assert faults(voicemail={"options": {"emailsubject": text}}) == {}


def test_a_phone_of_chan_sip_may_have_several_transports() -> None:
    assert faults(transport="udp,tcp,tls") == {}


def test_a_mailbox_may_have_several_addresses() -> None:
    assert faults(voicemail={"email": "a@example.com,b+c@example.org", "password": "0000"}) == {}


def test_no_fault_repeats_a_secret() -> None:
    for secret in ("abc;defgh", "password1"):
        assert secret not in str(faults(secret=secret))
    assert "98\n76" not in str(faults(voicemail={"password": "98\n76"}))
