"""Actions, lists, commands and logins, against a server made of bytes."""

from __future__ import annotations

import itertools
import threading

import pytest

from pbxapi.ami import (
    AmiDenied,
    AmiInvalid,
    AmiLoginRefused,
    AmiProtocolError,
    AmiRefused,
    AmiTimeout,
    AmiUnavailable,
    AmiUnknownAction,
    Client,
    ClientConfig,
)
from tests.ami.scripted import SECRET, Action, ScriptedManager, Session


def test_nothing_is_opened_before_it_is_needed(manager: ScriptedManager, client: Client) -> None:
    assert client.status() == {"quick": "idle", "lists": "idle", "events": "idle"}
    client.request("Ping")
    assert client.status() == {"quick": "up", "lists": "idle", "events": "idle"}
    assert len(manager.sessions) == 1


def test_the_banner_is_known_after_the_first_session(manager: ScriptedManager, client: Client) -> None:
    seen = [client.banner]
    client.request("Ping")
    assert [*seen, client.banner] == [None, "Asterisk Call Manager/11.0.0"]


def test_an_answer_is_a_reply(manager: ScriptedManager, client: Client) -> None:
    manager.on("Ping", lambda session, action: session.answer(action, "Ping: Pong"))
    reply = client.request("Ping")
    assert reply.response["Ping"] == "Pong"
    assert reply.events == ()
    assert reply.closing is None


def test_fields_go_out_in_order_and_repeated(manager: ScriptedManager, client: Client) -> None:
    client.request("Originate", [("Variable", "A=1"), ("Channel", "PJSIP/101"), ("Variable", "B=two, three: 3")])
    [action] = manager.actions
    assert action.raw.decode().split("\r\n") == [
        "Action: Originate",
        f"ActionID: {action.id}",
        "Variable: A=1",
        "Channel: PJSIP/101",
        "Variable: B=two, three: 3",
    ]


def send_list(session: Session, action: Action) -> None:
    session.answer(action, "EventList: start", "Message: Channels will follow")
    session.event("CoreShowChannel", "Channel: PJSIP/100-1", action=action)
    session.event("FullyBooted")
    session.event("CoreShowChannel", "Channel: PJSIP/101-2", action=action)
    session.event("CoreShowChannelsComplete", "EventList: Complete", "ListItems: 2", action=action)


def test_a_list_is_what_lies_between_response_and_closing_event(manager: ScriptedManager, client: Client) -> None:
    manager.on("CoreShowChannels", send_list)
    reply = client.request("CoreShowChannels", until="CoreShowChannelsComplete")
    assert [event["Channel"] for event in reply.events] == ["PJSIP/100-1", "PJSIP/101-2"]
    assert reply.closing is not None
    assert reply.closing["ListItems"] == "2"


def test_a_response_that_opens_no_list_is_the_whole_answer(manager: ScriptedManager, client: Client) -> None:
    # so answers VoicemailUsersList where no mailbox is configured
    manager.on("VoicemailUsersList", lambda session, action: session.answer(action, "Message: There are no users"))
    assert client.request("VoicemailUsersList", until="VoicemailUserEntryComplete").events == ()


def test_an_event_with_our_id_is_no_response(manager: ScriptedManager, client: Client) -> None:
    def echo(session: Session, action: Action) -> None:
        session.event("UserEvent", "Response: Failure", action=action)
        session.answer(action, "Message: Event Sent")

    manager.on("UserEvent", echo)
    reply = client.request("UserEvent")
    assert reply.response["Message"] == "Event Sent"
    assert reply.events == ()


def test_an_error_ends_a_list_at_once(manager: ScriptedManager, client: Client) -> None:
    manager.on(
        "PJSIPShowEndpoint",
        lambda session, action: session.answer(action, "Message: Unable to retrieve endpoint 9\n", response="Error"),
    )
    with pytest.raises(AmiRefused) as refused:
        client.request("PJSIPShowEndpoint", [("Endpoint", "9")], until="EndpointDetailComplete")
    assert refused.value.action == "PJSIPShowEndpoint"
    assert refused.value.words == "Unable to retrieve endpoint 9"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Invalid/unknown command: X. Use Action: ListCommands to show available commands.", AmiUnknownAction),
        ("Permission denied", AmiDenied),
        ("No such channel", AmiRefused),
    ],
)
def test_a_refusal_says_which_kind(
    manager: ScriptedManager, client: Client, words: str, kind: type[AmiRefused]
) -> None:
    manager.on("X", lambda session, action: session.answer(action, f"Message: {words}", response="Error"))
    with pytest.raises(AmiRefused) as refused:
        client.request("X")
    assert type(refused.value) is kind
    assert refused.value.words == words


def test_a_server_that_is_shutting_down_is_unavailable_and_has_not_run_it(
    manager: ScriptedManager, client: Client
) -> None:
    words = "Message: Asterisk is shutting down"
    manager.on("X", lambda session, action: session.answer(action, words, response="Error"))
    with pytest.raises(AmiUnavailable, match="shutting down") as unavailable:
        client.request("X")
    assert not unavailable.value.may_have_run


def test_a_command_gives_its_output_lines(manager: ScriptedManager, client: Client) -> None:
    lines = ["Message: Command output follows", "Output: Name", "Output:   indented", "Output: ", "Output: a: b"]
    manager.on("Command", lambda session, action: session.answer(action, *lines))
    assert client.command("core show x") == ["Name", "  indented", "", "a: b"]
    assert manager.actions[0].headers["Command"] == "core show x"


def test_a_command_that_is_not_there_is_refused_in_its_own_words(manager: ScriptedManager, client: Client) -> None:
    lines = ["Message: Command output follows", "Output: No such command 'x'"]
    manager.on("Command", lambda session, action: session.answer(action, *lines, response="Error"))
    with pytest.raises(AmiRefused, match="No such command 'x'"):
        client.command("x")


def test_several_lists_can_be_under_way_at_once(manager: ScriptedManager, client: Client) -> None:
    held: list[Action] = []

    def answer_both(session: Session, action: Action) -> None:
        held.append(action)
        if len(held) == 2:
            for each in reversed(held):
                send_list(session, each)

    manager.on("CoreShowChannels", answer_both)
    first = client.start("CoreShowChannels", until="CoreShowChannelsComplete")
    second = client.start("CoreShowChannels", until="CoreShowChannelsComplete")
    assert len(first.result().events) == len(second.result().events) == 2
    assert first.result() == first.result()


def test_an_action_that_is_invalid_is_not_sent(manager: ScriptedManager, client: Client) -> None:
    with pytest.raises(AmiInvalid) as invalid:
        client.request("Originate", [("CallerID", "Eve\r\nApplication: System")])
    assert invalid.value.header == "CallerID"
    client.request("Ping")
    assert [action.name for action in manager.actions] == ["Ping"]


def test_action_ids_begin_with_a_clean_prefix(manager: ScriptedManager) -> None:
    prefixes = itertools.cycle(["req-1.a_b c\r\n", "é" * 3, "x" * 100])
    client = Client(manager.config(), action_id_prefix=lambda: next(prefixes))
    for _ in range(3):
        client.request("Ping")
    client.close()
    ids = [action.id for action in manager.actions]
    assert [each.rpartition("-")[0] for each in ids] == ["req-1.a_b-c--", "---", "x" * 64]
    assert len(set(ids)) == 3


def test_action_ids_of_two_clients_differ(manager: ScriptedManager) -> None:
    for _ in range(2):
        client = manager.client()
        client.request("Ping")
        client.close()
    first, second = (action.id for action in manager.actions)
    assert first != second


def test_a_slow_action_does_not_hold_up_a_quick_one(manager: ScriptedManager, client: Client) -> None:
    released = threading.Event()

    def answer_late(session: Session, action: Action) -> None:
        released.wait(5)  # as Asterisk: nothing else on this session until it is done
        session.answer(action)

    manager.on("Originate", answer_late)
    slow = client.start("Originate", slow=True)
    client.request("Ping", timeout=2)
    released.set()
    slow.result()


def test_a_long_list_does_not_hold_up_a_quick_action(manager: ScriptedManager, client: Client) -> None:
    released = threading.Event()

    def answer_slowly(session: Session, action: Action) -> None:
        session.answer(action, "EventList: start")
        for number in range(2000):
            session.event("EndpointList", f"ObjectName: {number}", action=action)
        released.wait(5)
        session.event("EndpointListComplete", "EventList: Complete", action=action)

    manager.on("PJSIPShowEndpoints", answer_slowly)
    slow = client.start("PJSIPShowEndpoints", until="EndpointListComplete")
    client.request("Ping", timeout=2)
    released.set()
    assert len(slow.result().events) == 2000


def test_actions_go_without_events_and_subscriptions_with_their_mask(manager: ScriptedManager) -> None:
    client = manager.client(events="call,user")
    client.request("Ping")
    client.request("CoreShowChannels", until="CoreShowChannelsComplete")
    client.subscribe().close()
    client.close()
    logins = [action for session in manager.sessions for action in session.actions if action.name == "Login"]
    assert [login.headers["Events"] for login in logins] == ["off", "off", "call,user"]


def test_the_secret_itself_is_not_sent_where_there_is_a_challenge(manager: ScriptedManager, client: Client) -> None:
    client.request("Ping")
    assert SECRET.encode() not in b"".join(action.raw for action in manager.sessions[0].actions)


@pytest.mark.parametrize("answer", [{"response": "Error"}, {"response": "Success"}])
def test_login_without_a_challenge_sends_the_secret(
    manager: ScriptedManager, client: Client, answer: dict[str, str]
) -> None:
    manager.on("Challenge", lambda session, action: session.answer(action, "Message: Must specify AuthType", **answer))
    client.request("Ping")
    assert manager.sessions[0].actions[1].headers["Secret"] == SECRET


def test_a_refused_login_is_told_and_waits_before_the_next(manager: ScriptedManager) -> None:
    client = manager.client(secret="wrong", backoff_first=60.0, backoff_max=60.0)
    with pytest.raises(AmiLoginRefused, match="Authentication failed") as refused:
        client.request("Ping")
    assert not refused.value.may_have_run
    with pytest.raises(AmiUnavailable) as waiting:
        client.request("Ping")
    assert 20 < waiting.value.retry_after <= 60
    assert len(manager.sessions) == 1
    assert client.status()["quick"] == "down"
    client.close()


def test_what_is_no_manager_is_a_protocol_error(manager: ScriptedManager, client: Client) -> None:
    manager.banner = b"SSH-2.0-OpenSSH_9.2\r\n"
    with pytest.raises(AmiProtocolError, match="does not greet"):
        client.request("Ping")


def test_a_server_that_does_not_greet_is_given_up_in_time(manager: ScriptedManager) -> None:
    manager.banner = b""
    client = manager.client(connect_timeout=0.1)
    with pytest.raises(AmiUnavailable, match="did not greet"):
        client.request("Ping")
    client.close()


def test_a_client_that_is_closed_stays_closed(manager: ScriptedManager, client: Client) -> None:
    client.request("Ping")
    client.close()
    with pytest.raises(AmiUnavailable, match="closed"):
        client.request("Ping")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pbxapi.ami")]


def test_the_repr_of_the_configuration_hides_the_secret() -> None:
    assert SECRET not in repr(ClientConfig(username="api", secret=SECRET))


def test_a_timeout_says_that_the_action_may_have_run(manager: ScriptedManager, client: Client) -> None:
    manager.on("Hangup", lambda session, action: None)
    pending = client.start("Hangup", timeout=0.05)
    for _ in range(2):
        with pytest.raises(AmiTimeout, match="may have run"):
            pending.result()
