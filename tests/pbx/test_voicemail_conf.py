from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.errors import Conflict, Invalid
from pbxapi.pbx.plan import Secret
from pbxapi.pbx.provisioning import Mailbox
from pbxapi.pbx.voicemail_conf import VoicemailConf

ISSABEL = """\
[general]
#include vm_general.inc
#include vm_email.inc
[zonemessages]
eastern=America/New_York|'vm-received' Q 'digits/at' IMp

[default]
; the boss
200 => 1111,Ann O'Hara,ann@example.com|boss@example.com,,attach=yes|saycid=no|envelope=no|delete=no|tz=eastern ; hers

[sales]
200 => 2222,Shop
"""
FREEPBX = """\
[general]
aliasescontext=pbxaliases

[default]
201=4321,Bob,bob@example.com,,attach=no|saycid=no|envelope=no|delete=no

[pbxaliases]
201@device=201@default

"""
BOX = Mailbox(password="4321", email="bob@example.com")


def unsaid(**fields: Any) -> Mailbox:
    """A box whose line says no option."""
    return Mailbox(attach=True, envelope=True, **fields)


def with_box(text: str, number: str, box: Mailbox, name: str) -> str:
    conf = VoicemailConf(text)
    conf.replace(box.context, conf.box_lines(box.context, number), conf.changed(box.context, number, box, name))
    return text_of(conf)


def without_box(text: str, context: str, number: str) -> str:
    conf = VoicemailConf(text)
    conf.replace(context, conf.box_lines(context, number), ())
    return text_of(conf)


def text_of(conf: VoicemailConf) -> str:
    """The text, which says the same as what is changed further."""
    assert conf.mailboxes() == VoicemailConf(conf.text).mailboxes()
    return conf.text


def test_boxes_are_found_by_context_and_number() -> None:
    boxes = VoicemailConf(ISSABEL).mailboxes()
    assert set(boxes) == {("default", "200"), ("sales", "200")}
    assert boxes["default", "200"] == Mailbox(
        password="1111", email="ann@example.com,boss@example.com", attach=True, options={"tz": "eastern"}
    )
    assert boxes["sales", "200"] == Mailbox(context="sales", password="2222", attach=True, envelope=True)


@pytest.mark.parametrize(
    ("general", "box"),
    [
        ("", Mailbox(password="1", attach=True, envelope=True)),
        ("attach = no\nsaycid => YES\nenvelope=off ; quiet\n", Mailbox(password="1", say_caller_id=True)),
        ("delete=yes\nattach=yes\n", Mailbox(password="1", attach=True, envelope=True)),
    ],
)
def test_what_a_line_does_not_say_is_what_is_said_for_all(general: str, box: Mailbox) -> None:
    text = f"[general]\n{general}[default]\n200 => 1,A\n"
    assert VoicemailConf(text).mailboxes()["default", "200"] == box
    assert with_box(text, "200", box, "A") == text
    other = replace(box, attach=not box.attach)
    assert f"200 => 1,A,,,attach={'yes' if other.attach else 'no'}\n" in with_box(text, "200", other, "A")


def test_a_new_box_is_written_as_the_file_writes_its_others() -> None:
    assert "\n201 => 4321,Bob,bob@example.com,,attach=no|saycid=no|envelope=no|delete=no\n" in with_box(
        ISSABEL, "201", BOX, "Bob"
    )
    without = without_box(FREEPBX, "default", "201")
    assert "201=4321" not in without
    assert with_box(with_box(FREEPBX, "202", BOX, "Eve"), "201", BOX, "Bob").count("=4321,") == 2


def test_a_file_without_boxes_gets_the_section_and_the_older_form() -> None:
    made = with_box("[general]\nformat=wav", "201", BOX, "Bob")
    assert made.startswith("[general]\nformat=wav\n\n[default]\n201 => 4321,Bob,")


def test_a_new_line_stands_behind_the_last_of_its_section() -> None:
    lines = with_box(ISSABEL, "201", BOX, "Bob").split("\n")
    assert lines[8].startswith("200 => ")
    assert lines[9].startswith("201 => ")
    assert lines[10:12] == ["", "[sales]"]


def test_a_changed_box_keeps_what_nobody_here_knows() -> None:
    box = Mailbox(password="9", email="ann@example.com,boss@example.com", delete=True, options={"tz": "eastern"})
    assert with_box(ISSABEL, "200", box, "Ann O'Hara") == ISSABEL.replace("1111", "9").replace(
        "attach=yes", "attach=no"
    ).replace("delete=no", "delete=yes")


def test_options_go_and_come_by_name() -> None:
    options = {"review": "yes", "callback": "a=b"}
    changed = with_box("[default]\n200=1,A,,,tz=x|review=no\n", "200", unsaid(password="1", options=options), "A")
    assert changed == "[default]\n200=1,A,,,review=yes|callback=a=b\n"


def test_an_option_that_is_not_named_stays_unnamed() -> None:
    """What `[general]` says of it counts then."""
    box = unsaid(password="1")
    assert with_box("[default]\n200 => 1,A\n", "200", box, "B") == "[default]\n200 => 1,B\n"
    changed = with_box("[default]\n200 => 1,A\n", "200", replace(box, delete=True), "A")
    assert changed == "[default]\n200 => 1,A,,,delete=yes\n"


def test_a_section_that_ends_in_a_comment_takes_no_line() -> None:
    with pytest.raises(Conflict):
        with_box("[other]\n[default] ;-- never closed\n201=1,B\n", "202", Mailbox(password="3"), "C")
    made = with_box("[default] ;-- closed\n201=1,B --;\n", "202", Mailbox(password="3"), "C")
    assert set(VoicemailConf(made).mailboxes()) == {("default", "202")}


def test_a_mixed_file_is_gone_on_with_as_it_ends() -> None:
    assert "\n202=3," in with_box("[default]\n200 => 1\n201=2\n", "202", Mailbox(password="3"), "C")


def test_what_means_the_same_stays_as_it_was_written() -> None:
    text = "[default]\n200 => 1,A,,,attach=YES| delete=1|saycid=no\n"
    box = unsaid(password="1", delete=True, say_caller_id=True)
    assert with_box(text, "200", box, "A") == text.replace("saycid=no", "saycid=yes")


def test_lines_end_as_the_others_of_the_file() -> None:
    text = "[default]\r\n200=1,A\r\n"
    assert with_box(text, "201", Mailbox(password="2"), "B").startswith(f"{text}201=2,B,")
    assert with_box(text, "201", Mailbox(password="2"), "B").endswith("\r\n")
    assert with_box(text, "200", unsaid(password="2"), "A") == "[default]\r\n200=2,A\r\n"


def test_commas_end_no_field() -> None:
    made = with_box("", "200", Mailbox(password="1", email="a@b.c, d@e.f", pager="x,y"), "Doe, John; \\x")
    assert "200 => 1,Doe John x,a@b.c| d@e.f,x|y,attach=no" in made
    assert VoicemailConf(made).mailboxes()["default", "200"].pager == "x,y"


@pytest.mark.parametrize("bad", ["a;b", "a\nb", "a\rb", "a\\", "a\0", "a\udc80"])
@pytest.mark.parametrize("field", ["email", "pager"])
def test_what_would_end_a_line_is_refused(bad: str, field: str) -> None:
    given: dict[str, Any] = {field: bad}
    with pytest.raises(Invalid) as refused:
        with_box("", "200", Mailbox(password="1", **given), "A")
    assert set(refused.value.fields) == {f"voicemail.{field}"}


@pytest.mark.parametrize(
    "options", [{"a": "b|c"}, {"a=b": "c"}, {"a": "b;c"}, {"attach": "yes"}, {"": "x"}, {"a\n": "b"}]
)
def test_options_that_would_be_others_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        with_box("", "200", Mailbox(password="1", options=options), "A")


@pytest.mark.parametrize("pin", ["", "12a", "1,2", "1\n", "-", "1" * 21])
def test_a_pin_is_digits(pin: str) -> None:
    with pytest.raises(Invalid):
        with_box("", "200", Mailbox(password=pin), "A")
    with pytest.raises(Invalid):
        with_box("", "200", Mailbox(), "A")


def test_a_line_that_is_too_long_is_refused() -> None:
    with pytest.raises(Invalid):
        with_box("", "200", Mailbox(password="1", email="a" * 1000), "A")


@pytest.mark.parametrize("number", ["2 00", "[200", "#200", "200=1", "", "٢"])
def test_a_new_box_is_a_number(number: str) -> None:
    with pytest.raises(Invalid):
        with_box("", number, Mailbox(password="1"), "A")


def test_comments_templates_and_other_sections_hold_no_boxes() -> None:
    text = (
        "[general]\n1=1\n[zonemessages]\n2=2\n[pbxaliases]\n3=3\n[device]\n4=4\n[mine](!)\n5=5\n[default]\n"
        ";6=6\n;-- a\n7=7\n--;\n8=8\n#include x=y\n"
    )
    assert set(VoicemailConf(text).mailboxes()) == {("default", "8")}


def test_the_first_of_two_lines_counts_and_both_go_with_the_box() -> None:
    text = "[default]\n200=1,A\n201=3,C\n[default](+)\n200=2,B\n"
    assert VoicemailConf(text).mailboxes()["default", "200"].password == "1"
    assert with_box(text, "200", unsaid(password="5"), "A") == text.replace("200=1", "200=5")
    assert without_box(text, "default", "200") == "[default]\n201=3,C\n[default](+)\n"


def test_what_is_not_any_more_what_was_read_is_not_replaced() -> None:
    conf = VoicemailConf(FREEPBX)
    for before in ((), ("201=9999,Bob",), (*conf.box_lines("default", "201"), "202=1")):
        with pytest.raises(Conflict):
            conf.replace("default", before, ("201=1,B",))
    assert conf.text == FREEPBX


def test_a_line_that_shares_a_comment_with_others_is_left_alone() -> None:
    text = "[default]\n200=1,A ;-- a\n201=2,B\n--;\n"
    new = "202=3,C,,,attach=no|saycid=no|envelope=no|delete=no\n"
    with pytest.raises(Conflict):
        without_box(text, "default", "200")
    assert with_box(text, "202", Mailbox(password="3"), "C") == text.replace("200=", f"{new}200=")


def test_latin_1_is_read_and_survives() -> None:
    data = "[default]\n200=1,J\xfcrgen,j\xfc@example.com\n201=2,B\xf6\n".encode("latin-1")
    text = data.decode("utf-8", "surrogateescape")
    assert VoicemailConf(text).mailboxes()["default", "200"].email == "j\xfc@example.com"
    changed = with_box(text, "200", unsaid(password="7", email="j\xfc@example.com"), "J\xfcrgen")
    assert changed.encode("utf-8", "surrogateescape") == data.replace(b"200=1", b"200=7")


def test_lines_that_hold_a_pin_do_not_show_it() -> None:
    conf = VoicemailConf(FREEPBX)
    for line in (*conf.box_lines("default", "201"), *conf.changed("default", "202", BOX, "B")):
        assert isinstance(line, Secret)
        assert "4321" not in repr(line)


LINES = (
    "[default]", "[general]", "[default](+)", "[x](!)", "", " ", "; c", "200 => 1,A", "201=2,B,,,a=b|c", "200@device=x",
    "202 = 3 ; --;", "#include vm_email.inc", "\t203=>4,\\;", "=", ";-- x", "--;", "[",
)  # fmt: skip
line = st.one_of(st.sampled_from(LINES), st.text(st.characters(exclude_characters="\n"), max_size=20))
texts = st.builds(
    lambda lines, end, last: end.join(lines) + (end if last else ""),
    st.lists(line), st.sampled_from(["\n", "\r\n"]), st.booleans(),
)  # fmt: skip


@given(texts)
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    assert VoicemailConf(text).text == text


@given(st.binary())
def test_any_bytes_come_out_as_they_went_in(data: bytes) -> None:
    assert VoicemailConf(data.decode("utf-8", "surrogateescape")).text.encode("utf-8", "surrogateescape") == data


@given(texts)
def test_a_box_that_comes_and_goes_leaves_nothing_behind(text: str) -> None:
    there = VoicemailConf(text)
    try:
        made = with_box(text, "299", BOX, "Bob")
    except Conflict:
        assert ";--" in text  # a comment that is never closed
        return
    assert VoicemailConf(made).mailboxes() == there.mailboxes() | {("default", "299"): BOX}
    again = without_box(made, "default", "299")
    assert VoicemailConf(again).mailboxes() == there.mailboxes()
    if "\n[default]" in f"\n{text}" and again.count("[default]") == text.count("[default]"):
        assert again == text


@given(texts, st.sampled_from(["200", "201", "203"]))
def test_a_change_is_of_that_box_alone(text: str, number: str) -> None:
    boxes = VoicemailConf(text).mailboxes()
    new = Mailbox(password="77", pager="p", envelope=True)
    try:
        changed = VoicemailConf(with_box(text, number, new, "N")).mailboxes()
    except Conflict:
        return
    assert changed == boxes | {("default", number): new}
