"""Extensions of an Asterisk with no platform, in its tables and in a file of ours, as telephones find them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pbxapi.drivers.provisioned import Provisioned
from pbxapi.errors import Conflict, Invalid, NotFound, NotSupported, Refused
from pbxapi.pbx.provisioning import Extension, Operation, Outcome, Write
from tests.real.deadline import eventually
from tests.real.mariadb import MariaDB
from tests.real.plain_exchange import PlainExchange, plain_exchange

Make = Callable[..., Provisioned]


@pytest.fixture(scope="module", params=["22", "16"])
def _plain(
    request: pytest.FixtureRequest, mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlainExchange]:
    with plain_exchange(request.param, mariadb, tmp_path_factory.mktemp("plain")) as exchange:
        yield exchange


@pytest.fixture
def plain(_plain: PlainExchange) -> Iterator[PlainExchange]:
    yield _plain
    _plain.clear()


@pytest.fixture(params=["realtime", "file"])
def made(plain: PlainExchange, request: pytest.FixtureRequest, tmp_path: Path) -> Provisioned:
    return plain.provisioned(tmp_path / "store.db", request.param)


def write(made: Provisioned, op: str, number: str, how: Write | None = None, **values: Any) -> Outcome:
    assert made.extensions is not None
    return made.extensions.write([Operation(op, number, values)], how or Write())


def create(made: Provisioned, number: str, name: str, **values: Any) -> Extension:
    outcome = write(made, "create", number, name=name, **values)
    assert (outcome.applied, outcome.reason) == (True, None)
    [result] = outcome.results
    assert result.extension is not None
    return result.extension


def secret_of(extension: Extension) -> str:
    assert extension.secret
    return extension.secret


def test_a_phone_registers_with_the_secret_that_was_made_and_rings_with_the_name(
    plain: PlainExchange, made: Provisioned
) -> None:
    alice, bob = create(made, "500", "Alice Été"), create(made, "501", "Bob")
    phones = plain.phone("500", secret_of(alice)), plain.phone("501", secret_of(bob))
    assert [phone.register() for phone in phones] == [200, 200]
    assert plain.phone("500", secret_of(alice)[:-1]).register() in {401, 403}
    call = phones[0].call("501").wait_answered()
    invite = phones[1].wait_incoming().invite
    assert invite is not None
    assert invite.first("from").startswith('"Alice Été" <sip:500@')
    call.hang_up()


def test_after_a_delete_the_phone_is_refused_and_the_next_owner_has_not_its_contact(
    plain: PlainExchange, made: Provisioned
) -> None:
    phone = plain.phone("500", secret_of(create(made, "500", "Alice")))
    assert phone.register() == 200
    write(made, "delete", "500")
    assert phone.register() in {401, 403, 404}
    with pytest.raises(NotFound):
        made.extensions.get("500")  # type: ignore[union-attr]
    create(made, "500", "Carla")
    create(made, "501", "Bob")
    with plain.manager() as manager:
        detail = manager.ask("PJSIPShowEndpoint", Endpoint="500")
    assert [each["Contacts"] for each in detail if each.get("Event") == "AorDetail"] == [""]


def test_every_field_comes_back_and_asterisk_runs_with_it(plain: PlainExchange, made: Provisioned) -> None:
    fields = {
        "secret": "it's a \"long' one, isn't=it?", "codecs": ["g722", "alaw"], "transport": "transport-udp",
        "dtmf_mode": "info", "call_group": "1,3", "pickup_group": "sales", "permit": "127.0.0.0/8&10.0.0.0/8",
        "deny": "0.0.0.0/0", "max_contacts": 3, "account_code": "acc-1", "caller_id": "5551234",
    }  # fmt: skip
    shown = create(made, "500", "Alice", **fields)
    assert made.extensions is not None
    assert made.extensions.get("500") == shown
    for name, value in fields.items():
        assert getattr(shown, name) == (tuple(value) if isinstance(value, list) else value), name
    with plain.manager() as manager:
        events = {each.get("Event"): each for each in manager.ask("PJSIPShowEndpoint", Endpoint="500")}
    endpoint, auth, aor = (events[f"{kind}Detail"] for kind in ("Endpoint", "Auth", "Aor"))
    assert endpoint["Allow"] == "(g722|alaw)"
    assert endpoint["Callerid"] == '"Alice" <5551234>'
    assert (endpoint["CallGroup"], endpoint["NamedPickupGroup"]) == ("1, 3", "sales")
    assert (endpoint["Acl"], endpoint["DtmfMode"], endpoint["Accountcode"]) == ("deny/permit", "info", "acc-1")
    assert (auth["Password"], aor["MaxContacts"], aor["RemoveExisting"]) == (fields["secret"], "3", "false")
    phone = plain.phone("500", str(fields["secret"]))
    assert phone.register() == 200
    changed = write(made, "update", "500", name="Alicia", max_contacts=1).results[0].extension
    assert changed is not None
    assert (changed.name, changed.caller_id, changed.secret) == ("Alicia", "5551234", fields["secret"])
    replaced = write(made, "replace", "500").results[0].extension
    assert replaced is not None
    assert (replaced.name, replaced.caller_id, replaced.secret) == ("Alicia", None, fields["secret"])
    assert (replaced.codecs, replaced.permit, replaced.call_group) == (("ulaw", "alaw"), None, None)
    assert made.extensions.get("500") == replaced
    assert made.extensions.drift("500") == ()
    with plain.manager() as manager:
        [endpoint] = [e for e in manager.ask("PJSIPShowEndpoint", Endpoint="500") if e.get("Event") == "EndpointDetail"]
    assert (endpoint["Allow"], endpoint["Acl"], endpoint["SetVar"]) == ("(ulaw|alaw)", "", "")


def test_webrtc_is_one_switch(plain: PlainExchange, made: Provisioned) -> None:
    assert create(made, "500", "Alice", webrtc=True).webrtc
    with plain.manager() as manager:
        [endpoint] = [e for e in manager.ask("PJSIPShowEndpoint", Endpoint="500") if e.get("Event") == "EndpointDetail"]
    assert (endpoint["UseAvpf"], endpoint["IceSupport"], endpoint["DtlsAutoGenerateCert"]) == ("true", "true", "Yes")


def test_a_voicemail_box_comes_with_it_and_goes_with_it(plain: PlainExchange, made: Provisioned) -> None:
    shown = create(made, "500", "Alice", voicemail={"password": "4711", "email": "alice@example.org"})
    assert shown.voicemail is not None
    assert "500 => 4711,Alice,alice@example.org" in (plain.etc / "voicemail.conf").read_text()
    with plain.manager() as manager:
        assert "alice@example.org" in {each.get("Email") for each in manager.ask("VoicemailUsersList")}
    write(made, "delete", "500")
    assert "Alice" not in (plain.etc / "voicemail.conf").read_text()


def test_a_line_by_hand_means_what_asterisk_takes_it_for_and_keeps_what_is_not_changed(
    plain: PlainExchange, made: Provisioned
) -> None:
    create(made, "500", "Alice", voicemail={"password": "4711"})
    conf = plain.etc / "voicemail.conf"
    [line] = [each for each in conf.read_text().splitlines() if each.startswith("500 ")]
    conf.write_text(conf.read_text().replace(line, "500 => 4711,Alice Liddell,a@example.org"))
    with plain.manager() as manager:
        manager.ask("Reload", Module="app_voicemail.so")
        [box] = [each for each in manager.ask("VoicemailUsersList") if each.get("VoiceMailbox") == "500"]
    assert made.extensions is not None
    seen = made.extensions.get("500").voicemail
    assert seen is not None
    told = (seen.attach, seen.say_caller_id, seen.envelope, seen.delete)
    names = ("AttachMessage", "SayCID", "SayEnvelope", "DeleteMessage")
    assert told == tuple(box[name] == "Yes" for name in names) == (True, False, True, False)
    write(made, "update", "500", codecs=["alaw"])
    assert "\n500 => 4711,Alice Liddell,a@example.org\n" in conf.read_text()
    write(made, "update", "500", voicemail={"attach": False})
    assert "\n500 => 4711,Alice Liddell,a@example.org,,attach=no\n" in conf.read_text()
    write(made, "update", "500", name="Alicia")
    assert "\n500 => 4711,Alicia,a@example.org,,attach=no\n" in conf.read_text()
    write(made, "delete", "500")


def test_a_batch_is_all_or_none(plain: PlainExchange, made: Provisioned) -> None:
    assert made.extensions is not None
    some = [Operation("create", str(number), {"name": f"Nr {number}"}) for number in range(510, 540)]
    with pytest.raises(Invalid) as caught:
        made.extensions.write([*some, Operation("create", "540", {"transport": "none-such"})], Write())
    assert list(caught.value.fields) == ["operations.30.transport"]
    assert [each.extension for each in made.extensions.all() if each.managed] == []
    outcome = made.extensions.write(some, Write())
    assert outcome.applied
    assert [each.extension for each in made.extensions.all() if each.managed] == [each.number for each in some]
    phone = plain.phone("539", secret_of(made.extensions.get("539")))
    assert phone.register() == 200
    made.extensions.write([Operation("delete", each.number) for each in some], Write())
    assert [each.extension for each in made.extensions.all() if each.managed] == []


def test_extensions_of_other_files_are_shown_and_left_alone(made: Provisioned) -> None:
    assert made.extensions is not None
    [ana] = [each for each in made.extensions.all() if each.extension == "100"]
    assert (ana.managed, ana.name, ana.secret) == (False, "Ana", None)
    for operation in (
        Operation("create", "100", {"name": "Eve"}),
        Operation("update", "100"),
        Operation("delete", "100"),
    ):
        with pytest.raises(Conflict):
            made.extensions.write([operation], Write())


def test_a_dry_run_writes_nothing(plain: PlainExchange, made: Provisioned) -> None:
    plan = write(made, "create", "500", Write(dry_run=True), name="Alice", secret="s3cret-of-alice").plan
    assert plan.rows or plan.files
    assert "s3cret-of-alice" not in repr(plan)
    assert (plain.etc / "pjsip_api.conf").read_text() == ""
    assert plain.run("SELECT id FROM ps_endpoints") == []


def test_drift_names_what_is_lacking_and_repair_puts_it_there(plain: PlainExchange, made: Provisioned) -> None:
    assert made.extensions is not None
    alice = create(made, "500", "Alice")
    plain.run("DELETE FROM ps_aors WHERE id = '500'")
    text = (plain.etc / "pjsip_api.conf").read_text()
    (plain.etc / "pjsip_api.conf").write_text(text.replace("[500](pbxapi-aor)", ""))
    assert "stored aor" in {each.place for each in made.extensions.drift("500")}
    made.extensions.repair("500", Write())
    assert made.extensions.drift("500") == ()
    assert plain.phone("500", secret_of(alice)).register() == 200


def test_what_is_not_applied_waits_until_somebody_applies(plain: PlainExchange, tmp_path: Path) -> None:
    made = plain.provisioned(tmp_path / "store.db", "file")
    assert made.extensions is not None
    assert made.applying is not None
    outcome = write(made, "create", "500", Write(apply=False), name="Alice")
    assert not outcome.applied
    assert made.applying.status().pending
    phone = plain.phone("500", secret_of(made.extensions.get("500")))
    assert phone.register() == 401
    assert made.applying.run().ok
    assert not made.applying.status().pending
    assert phone.register() == 200


def test_what_asterisk_does_not_take_is_taken_back(plain: PlainExchange, tmp_path: Path) -> None:
    made = plain.provisioned(tmp_path / "store.db", "file")
    create(made, "501", "Bob")
    before = (plain.etc / "pjsip_api.conf").read_text()
    path = plain.etc / "pjsip_api.conf"
    # Somebody has edited our template: no endpoint can be made of it any more.
    broken = before.replace("dtmf_mode = rfc4733", "dtmf_mode = semaphore")
    path.write_text(broken)
    with pytest.raises(Refused):
        write(made, "create", "500", name="Alice")
    assert "[500]" not in path.read_text()


def test_a_file_that_nobody_includes_is_said_to_be_so(plain: PlainExchange, tmp_path: Path) -> None:
    made = plain.provisioned(tmp_path / "store.db", "file", PJSIP_API_FILE="lonely_api.conf")
    why_not = made.others["extensions.store"]
    assert "#include lonely_api.conf" in (why_not() or "")
    with pytest.raises(NotSupported):
        write(made, "create", "500", name="Alice")
    assert plain.provisioned(tmp_path / "other.db", "file").others["extensions.store"]() is None


def test_tables_that_asterisk_does_not_read_are_found_out(plain: PlainExchange, tmp_path: Path) -> None:
    database = plain.mariadb.create_database(
        f"unread{plain.asterisk.version}", "CREATE TABLE ps_aors (id VARCHAR(40) PRIMARY KEY, max_contacts INT)"
    )
    url = f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"
    made = plain.provisioned(tmp_path / "store.db", "realtime", REALTIME_DATABASE_URL=url)
    assert "ps_endpoints" in (made.others["extensions.store"]() or "")
    for name in ("ps_endpoints", "ps_auths"):
        plain.mariadb.run(f"CREATE TABLE {name} LIKE {plain.database.name}.{name}", database=database.name)
    made = plain.provisioned(tmp_path / "other.db", "realtime", REALTIME_DATABASE_URL=url)
    with pytest.raises(Refused, match=r"sorcery\.conf"):
        write(made, "create", "500", name="Alice")
    assert plain.mariadb.run("SELECT id FROM ps_endpoints", database=database.name) == []


def test_tables_need_no_right_to_configuration_files(plain: PlainExchange, tmp_path: Path) -> None:
    least = {"AMI_USERNAME": "least", "AMI_SECRET": "least-secret"}
    made = plain.provisioned(tmp_path / "store.db", "realtime", **least)
    assert made.extensions is not None
    alice = create(made, "500", "Alice", transport="transport-udp")
    assert [each for each in made.extensions.all() if each.managed] == [alice]
    write(made, "delete", "500")
    made = plain.provisioned(tmp_path / "other.db", "file", **least)
    assert made.others["extensions.store"]() == "the manager user needs the class config"


def test_chan_sip_phones_are_kept_in_a_file_of_their_own(plain: PlainExchange, tmp_path: Path) -> None:
    if plain.asterisk.version != "16":
        return
    made = plain.provisioned(tmp_path / "store.db", "file", CHAN_DRIVER="sip")
    alice = create(made, "300", "Alice", codecs=["alaw"], call_limit=2)
    assert (alice.technology, alice.codecs, alice.call_limit) == ("sip", ("alaw",), 2)
    with plain.manager() as manager:
        peer = manager.ask("SIPshowpeer", Peer="300")[0]
        assert (peer["Codecs"], peer["Callerid"], peer["Call-limit"]) == ("(alaw)", '"Alice" <300>', "2")
        write(made, "delete", "300")
        # chan_sip says that it has read its file, and reads it a little later in a thread of its own.
        eventually(lambda: manager.ask("SIPshowpeer", Peer="300")[0]["Response"] == "Error", "the peer is gone")


def test_follow_me_rings_the_others(plain: PlainExchange, tmp_path: Path) -> None:
    made = plain.provisioned(tmp_path / "store.db", "realtime")
    assert made.follow_me is not None
    alice, bob = create(made, "500", "Alice"), create(made, "501", "Bob")
    caller, follower = plain.phone("500", secret_of(alice)), plain.phone("501", secret_of(bob))
    assert (caller.register(), follower.register()) == (200, 200)
    create(made, "502", "Carla")  # has no phone
    made.follow_me.put("502", {"numbers": ["501"], "ring_time": 10}, Write())
    assert made.follow_me.rows("502")[0]["grplist"] == "501"
    call = caller.call("502")
    follower.wait_incoming()
    call.hang_up()
    off, _ = made.follow_me.put("502", {"enabled": False}, Write(), merge=True)
    assert made.follow_me.get("502") == off
    assert "[off-502]" in (plain.etc / "followme.conf").read_text()
    assert [each.extension for each in made.follow_me.all()] == ["502"]
    made.follow_me.delete("502", Write())
    with pytest.raises(NotFound):
        made.follow_me.get("502")
    made.follow_me.put("501", {"numbers": ["502", "+5491155"], "strategy": "hunt"}, Write())
    assert made.follow_me.rows("501")[0]["grplist"] == "502-+5491155#"
    with pytest.raises(Conflict, match="follow-me of 501"):
        write(made, "delete", "502")
    write(made, "delete", "501")
    assert made.follow_me.all() == ()
    assert "[reception]" in (plain.etc / "followme.conf").read_text()
