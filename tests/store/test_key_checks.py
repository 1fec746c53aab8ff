from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.errors import Invalid
from pbxapi.scopes import SCOPES
from pbxapi.store.key_checks import (
    MOST_NETWORKS,
    check_expiry,
    check_name,
    checked_networks,
    checked_scopes,
    lies_in,
)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", fullmatch=True))
def test_a_name_is_letters_digits_and_a_few_marks(name: str) -> None:
    if name.casefold() == "api_secret_key":
        return
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-x", "_x", "a b", "a/b", "é", "a\n", "a\0", "x" * 65, "API_SECRET_KEY", "api_Secret_key"]
)
def test_what_no_path_or_command_line_takes_and_the_name_of_the_first_key_are_no_names(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_name(name)
    assert list(caught.value.fields) == ["name"]


@given(st.text())
def test_any_text_is_a_name_or_refused_as_one(name: str) -> None:
    try:
        check_name(name)
    except Invalid:
        return
    assert re.fullmatch(r"[A-Za-z0-9._@-]{1,64}", name)


def test_scopes_are_put_in_order_and_each_counts_once() -> None:
    assert checked_scopes(["calls", "read", "calls"]) == ("read", "calls")
    assert checked_scopes(SCOPES) == tuple(SCOPES)
    for wrong in ([], ["everything"], ["read", "Read"]):
        with pytest.raises(Invalid) as caught:
            checked_scopes(wrong)
        assert list(caught.value.fields) == ["scopes"]


@given(st.lists(st.ip_addresses(v=4).map(lambda found: f"{found}/32") | st.ip_addresses().map(str), max_size=5))
def test_an_address_lies_in_a_network_of_its_own(texts: list[str]) -> None:
    networks = checked_networks(texts)
    assert checked_networks(networks) == networks
    for text in texts:
        assert lies_in(text.partition("/")[0], networks)


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_ipv4_in_the_clothes_of_ipv6_is_ipv4(address: IPv4Address, length: int) -> None:
    network = str(ip_network(f"{address}/{length}", strict=False))
    dressed = f"::ffff:{address}"
    assert lies_in(dressed, (network,))
    assert checked_networks([f"::ffff:{network.split('/', maxsplit=1)[0]}/{96 + length}"]) == (network,)


@given(st.ip_addresses(), st.ip_addresses())
def test_other_addresses_do_not(one: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address) -> None:
    networks = checked_networks([str(one)])
    assert lies_in(str(other), networks) == (other == one or getattr(other, "ipv4_mapped", None) == one)


@pytest.mark.parametrize("address", ["", "unknown", "10.0.0.1:80", "10.0.0.1, 10.0.0.2", "[::1]", "0x7f000001"])
def test_what_is_no_address_lies_in_no_network(address: str) -> None:
    assert not lies_in(address, ("0.0.0.0/0", "::/0"))


def test_a_zone_does_not_keep_an_address_out() -> None:
    assert lies_in("fe80::1%eth0", ("fe80::/10",))


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "10.0.0.0/33", "example.com", "fe80::1%eth0", "10.0.0.0/8\n10/8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_networks([text])
    assert list(caught.value.fields) == ["networks"]


@given(st.text())
def test_any_text_is_a_network_or_refused_as_one(text: str) -> None:
    try:
        [network] = checked_networks([text])
    except Invalid:
        return
    assert str(ip_network(network)) == network


def test_networks_are_bounded() -> None:
    with pytest.raises(Invalid):
        checked_networks(f"10.0.0.{number}" for number in range(MOST_NETWORKS + 1))


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_a_time_is_in_the_future_and_can_be_written_down_or_is_refused(when: datetime) -> None:
    try:
        check_expiry(when)
    except Invalid as error:
        assert list(error.fields) == ["expires_at"]
        return
    assert datetime.now(UTC) < when.astimezone(UTC) + timedelta(seconds=1)
