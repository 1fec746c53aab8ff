"""What is sent to change a configuration file, and what is made of the answers."""

from __future__ import annotations

import pytest

from pbxapi.ami import Message
from pbxapi.errors import Invalid
from pbxapi.pbx import config_file as conf
from tests.ami.scripted import Action, ScriptedManager, Session

SAME_NAMED = b"""Response: Success\r
ActionID: 1\r
Category-000000: pbxapi-auth\r
IsTemplate-000000: 1\r
Line-000000-000000: type=auth\r
Category-000001: 200\r
Templates-000001: pbxapi-endpoint\r
Line-000001-000000: type=endpoint\r
Line-000001-000001: callerid="Ann, of \xc3\xa9" <200>\r
Category-000002: 200\r
Line-000002-000000: type=auth\r
Line-000002-000001: password=a=b'c"""


def headers(groups: list[conf.Group]) -> list[int]:
    return [len(fields) for fields in conf.actions(groups)]


def lines(count: int) -> list[conf.Operation]:
    return [conf.append("200", "context", f"c{place}") for place in range(count)]


def test_sections_of_one_name_are_told_apart() -> None:
    template, endpoint, auth = conf.parse(Message(SAME_NAMED))
    assert (template.name, template.template, endpoint.template) == ("pbxapi-auth", True, False)
    assert (endpoint.name, endpoint.get("callerid")) == ("200", '"Ann, of é" <200>')
    assert (auth.name, auth.get("password")) == ("200", "a=b'c")


def test_no_action_has_more_headers_than_asterisk_reads() -> None:
    assert headers([lines(100)]) == [124, 124, 124, 28]
    assert headers([lines(20), lines(20)]) == [80, 80]
    assert headers([lines(10), lines(10), lines(11), lines(1)]) == [124, 4]


def test_a_group_that_fits_is_never_torn_apart() -> None:
    first, second = conf.actions([lines(16), lines(16)])
    assert [value for name, value in second if name.startswith("Value")] == [f"c{place}" for place in range(16)]
    assert [name for name, _ in first][:8] == [
        "Action-000000", "Cat-000000", "Var-000000", "Value-000000",
        "Action-000001", "Cat-000001", "Var-000001", "Value-000001",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value", ["a;b", "a\r\nAction-000009: DelCat", "a\nb", "a\0b", " a", "a ", ">a", "x" * 901, "é" * 451, "a\tb"]
)
def test_a_value_that_would_not_come_back_is_refused_before_it_is_sent(value: str) -> None:
    with pytest.raises(Invalid) as caught:
        conf.append("200", "callerid", value)
    assert list(caught.value.fields) == ["callerid"]


@pytest.mark.parametrize("value", ["", "a=b", "[a]", "é🎉", 'it\'s "so"', "a > b", "#exec x", "x" * 900])
def test_any_other_value_is_sent_as_it_is(value: str) -> None:
    assert ("Value", value) in conf.append("200", "callerid", value)


@pytest.mark.parametrize("name", ["", "a]b", "#exec", "a b", "a;b", "a\nb", "200(+)", "/etc/passwd", "x" * 80])
def test_a_section_cannot_be_called_anything(name: str) -> None:
    for make in (
        conf.new_section,
        conf.delete,
        lambda each: conf.append(each, "a", "b"),
        lambda each: conf.rename("a", each),
    ):
        with pytest.raises(Invalid):
            make(name)
    with pytest.raises(Invalid):
        conf.new_section("200", [name])


@pytest.mark.parametrize("name", ["", "#include", "#exec", "a b", "a=b", "a\nb"])
def test_an_option_cannot_be_called_anything(name: str) -> None:
    with pytest.raises(Invalid):
        conf.append("200", name, "b")


def test_a_file_that_is_not_there_is_no_error() -> None:
    def missing(session: Session, action: Action) -> None:
        session.answer(action, "Message: Config file not found", response="Error")

    with ScriptedManager() as manager:
        manager.on("GetConfig", missing)
        client = manager.client()
        try:
            assert conf.ConfigFile(client, "pjsip_api.conf").sections() is None
        finally:
            client.close()
