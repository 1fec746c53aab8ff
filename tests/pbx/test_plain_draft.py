"""An extension's fields as options of a plain Asterisk, and back."""

from __future__ import annotations

from typing import Any

import pytest

from pbxapi.errors import Invalid
from pbxapi.pbx.dialect import PJSIP, SIP, Dialect, Objects
from pbxapi.pbx.plain_draft import Draft, view
from pbxapi.pbx.provisioning import Extension, Mailbox

HERE = PJSIP.with_context("from-internal")


def made(dialect: Any = HERE, old: Any = None, **values: Any) -> Any:
    draft = Draft(dialect, "200", old)
    draft.set(values)
    return draft.objects()


def seen(objects: Objects, dialect: Dialect = HERE) -> Extension:
    return view(dialect, "200", objects, {})


def test_a_new_extension_has_all_that_a_phone_needs_to_register() -> None:
    objects = made(name="Alice")
    assert objects["endpoint"] | {"auth": "200", "aors": "200", "callerid": '"Alice" <200>'} == objects["endpoint"]
    assert objects["endpoint"]["context"] == "from-internal"
    assert objects["auth"]["username"] == "200"
    assert len(objects["auth"]["password"]) == 32
    assert objects["aor"]["remove_existing"] == "yes"


@pytest.mark.parametrize(
    ("caller_id", "shown"),
    [("5551234", '"Alice" <5551234>'), ('"ACME" <5551234>', '"ACME" <5551234>'), ("ACME <5551234>", "ACME <5551234>")],
)
def test_whoever_shows_another_caller_id_keeps_the_name(caller_id: str, shown: str) -> None:
    objects = made(name="Alice", caller_id=caller_id)
    assert objects["endpoint"]["callerid"] == shown
    assert (seen(objects).name, seen(objects).caller_id) == ("Alice", caller_id)
    renamed = made(old=objects, name="Alicia")
    assert (seen(renamed).name, seen(renamed).caller_id) == ("Alicia", caller_id)
    cleared = made(old=renamed, caller_id=None)
    assert cleared["endpoint"]["callerid"] == '"Alicia" <200>'
    assert "set_var" not in cleared["endpoint"]


def test_variables_that_somebody_else_set_are_kept() -> None:
    old = made(name="Alice")
    old = {**old, "endpoint": {**old["endpoint"], "set_var": "A=1;B=x=y"}}
    objects = made(old=old, caller_id="5551234")
    assert objects["endpoint"]["set_var"] == "A=1;B=x=y;PBXAPI_NAME=Alice"
    assert seen(objects).options["set_var"] == "A=1;B=x=y"
    assert made(old=objects, caller_id=None)["endpoint"]["set_var"] == "A=1;B=x=y"


def test_groups_of_numbers_and_of_names_are_different_options() -> None:
    objects = made(call_group="1,63", pickup_group="sales,1")
    assert (objects["endpoint"]["call_group"], objects["endpoint"]["named_pickup_group"]) == ("1,63", "sales,1")
    objects = made(old=objects, call_group="64")
    assert (objects["endpoint"].get("call_group"), objects["endpoint"]["named_call_group"]) == (None, "64")
    assert (seen(objects).call_group, seen(objects).pickup_group) == ("64", "sales,1")


def test_two_contacts_do_not_push_each_other_out_and_one_gives_way_to_the_next() -> None:
    assert made(max_contacts=2)["aor"] == made()["aor"] | {"max_contacts": "2", "remove_existing": "no"}
    assert made(old=made(max_contacts=2), max_contacts=None)["aor"] == made()["aor"]


@pytest.mark.parametrize("field", ["recording", "ring_time", "emergency_caller_id", "call_limit"])
def test_what_a_plain_asterisk_has_not_is_refused_and_not_left_out(field: str) -> None:
    with pytest.raises(Invalid) as caught:
        made(**{field: {"on_demand": "enabled"} if field == "recording" else 7})
    assert list(caught.value.fields) == [field]
    made(**{field: None})


@pytest.mark.parametrize(
    "options",
    [{"acl": "x"}, {"set_var": "SHELL(id)=x"}, {"context": "other"}, {"direct_media": "maybe"}, {"auth": "201"},
     {"rtp_timeout": "1;2"}, {"qualify_frequency": "-1"}, {"dtls_cert_file": "/etc/shadow"}],
)  # fmt: skip
def test_only_known_options_with_values_that_they_have_are_taken(options: dict[str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        made(options=options)
    assert list(caught.value.fields) == ["options"]


def test_options_are_set_where_they_belong_and_taken_back_to_their_default() -> None:
    objects = made(options={"qualify_frequency": "15", "direct_media": "yes", "rtp_timeout": "60"})
    assert (objects["aor"]["qualify_frequency"], objects["endpoint"]["direct_media"]) == ("15", "yes")
    assert made(old=objects, options=dict(seen(objects).options)) == objects
    back = made(old=objects, options={"qualify_frequency": None, "direct_media": None, "rtp_timeout": None})
    assert seen(back).options == seen(made()).options


def test_a_box_is_the_mailbox_of_the_phone() -> None:
    draft = Draft(HERE, "200")
    draft.set_box(Mailbox(context="sales"))
    assert draft.objects()["endpoint"]["mailboxes"] == "200@sales"
    shown = seen(draft.objects()).voicemail
    assert shown is not None
    assert shown.context == "sales"


def test_chan_sip_has_one_section_and_words_of_its_own() -> None:
    objects = made(SIP, name="Alice", dtmf_mode="rfc4733", call_limit=2, codecs=["g722"], pickup_group="1")
    assert objects["peer"] | {
        "dtmfmode": "rfc2833", "call-limit": "2", "allow": "g722", "pickupgroup": "1", "callerid": '"Alice" <200>'
    } == objects["peer"]  # fmt: skip
    for wrong in ({"webrtc": True}, {"max_contacts": 2}):
        with pytest.raises(Invalid):
            made(SIP, **wrong)
