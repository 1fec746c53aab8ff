"""Each command as LEGACY's table has it, in strict mode, down to what the exchange is sent."""

from __future__ import annotations

import base64
import contextlib
import http.server
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.legacy.conftest import KEY, NO_CONTACTS, PHONES, WITH_KEY, Start
from tests.legacy.scripted import ScriptedManager


def ask(client: FlaskClient, cmd: str, status: int = 200, **options: Any) -> Any:
    answer = client.open("/api.php", query_string={"cmd": cmd}, headers=WITH_KEY, **options)
    assert answer.status_code == status, answer.text
    return answer.get_json() if answer.mimetype == "application/json" else answer.text


def lordword(answer: Any) -> str:
    assert list(answer) == ["lordword"]
    return base64.b64decode(answer["lordword"]).decode()


class TestAuth:
    def test_gives_the_configured_manager_user(self, client: FlaskClient) -> None:
        assert lordword(ask(client, "auth")) == "admin:123456"

    def test_gives_the_first_user_of_manager_conf_where_none_is_configured(self, start: Start, tmp_path: Path) -> None:
        (tmp_path / "manager.conf").write_text("[general]\nsecret = no\n#include users.conf\n[last]\nsecret = no\n")
        (tmp_path / "users.conf").write_text("[nobody]\nread = all\n[crm]\nsecret = pä:ss ; comment\n")
        client = start(AMI_USERNAME="", AMI_SECRET="", AMI_CONF_PATH=str(tmp_path / "manager.conf"))

        assert lordword(ask(client, "auth")) == "crm:pä:ss"

    def test_says_so_when_there_is_no_manager_user(self, start: Start, tmp_path: Path) -> None:
        client = start(AMI_USERNAME="", AMI_SECRET="", AMI_CONF_PATH=str(tmp_path / "absent.conf"))

        assert "AMI_USERNAME" in ask(client, "auth", 503)["error"]

    def test_can_be_switched_off(self, start: Start) -> None:
        answer = ask(start(LEGACY_AUTH_ENABLED="false"), "auth", 403)

        assert answer["code"] == 403
        assert "LEGACY_AUTH_ENABLED" in answer["error"]

    @pytest.mark.parametrize(("enabled", "outcome"), [("true", "given"), ("false", "refused")])
    def test_every_use_is_logged_without_the_secret(
        self, start: Start, caplog: pytest.LogCaptureFixture, enabled: str, outcome: str
    ) -> None:
        client = start(LEGACY_AUTH_ENABLED=enabled, LOG_LEVEL="error")

        client.get("/api.php?cmd=auth", headers=WITH_KEY)

        assert f"auth: {outcome} to the key API_SECRET_KEY at 127.0.0.1" in caplog.messages
        assert "123456" not in caplog.text


class TestSipPeers:
    def test_gives_one_object_an_endpoint_with_asterisks_own_headers(
        self, client: FlaskClient, manager: ScriptedManager
    ) -> None:
        manager.answers["PJSIPShowEndpoints"] = PHONES

        assert ask(client, "sippeers") == [
            {
                "Event": "EndpointList", "ObjectType": "endpoint", "ObjectName": "100", "Transport": "transport-udp",
                "Aor": "100", "Auths": "100", "OutboundAuths": "", "Contacts": "100/sip:100@127.0.0.1:43332,",
                "DeviceState": "Not in use", "ActiveChannels": "0",
            }
        ]  # fmt: skip

    def test_a_line_that_is_no_header_is_left_out(self, client: FlaskClient, manager: ScriptedManager) -> None:
        manager.answers["PJSIPShowEndpoints"] = PHONES.replace("ObjectType: endpoint", "not a header")

        [row] = ask(client, "sippeers")

        assert "" not in row
        assert row["ObjectName"] == "100"

    def test_is_an_empty_list_when_the_stack_is_not_loaded(self, client: FlaskClient) -> None:
        assert ask(client, "sippeers") == []


class TestSipExtensions:
    def test_gives_the_sections_of_pjsip_conf_and_of_what_it_includes(
        self, client: FlaskClient, tmp_path: Path
    ) -> None:
        (tmp_path / "pjsip.conf").write_text("[phone](!)\ntype=endpoint\n#include phones.conf\n")
        (tmp_path / "phones.conf").write_text("[100](phone)\ncontext = from-internal\nauth => 100-auth\n")

        assert ask(client, "sipextensions") == {
            "100": {"type": "endpoint", "context": "from-internal", "auth": "100-auth"}
        }

    def test_is_empty_when_the_file_is_not_there(self, client: FlaskClient) -> None:
        assert ask(client, "sipextensions") == {}


class TestActiveCall:
    def test_is_an_empty_list_when_nobody_talks(self, client: FlaskClient, manager: ScriptedManager) -> None:
        manager.answers["Status"] = channels()

        assert ask(client, "activecall") == []

    def test_columns_are_in_the_order_of_the_table_and_whole(
        self, client: FlaskClient, manager: ScriptedManager
    ) -> None:
        manager.answers["Status"] = channels(
            dict(
                ALONE, Channel="PJSIP/a-trunk-with-a-long-name-00000017", Seconds="3661", BridgeID="b", AccountCode="x"
            ),
            dict(ALONE, Channel="PJSIP/200-00000018", Uniqueid="2", BridgeID="b", AccountCode="y"),
        )

        first, second = ask(client, "activecall")

        assert list(first.items()) == [
            ("Channel", "PJSIP/a-trunk-with-a-long-name-00000017"), ("Context", "from-internal"), ("Extension", "603"),
            ("Prio", "2"), ("State", "Ringing"), ("Application", "Wait"), ("Data", "3600"), ("CallerID", "603"),
            ("Duration", "01:01:01"), ("Accountcode", "x"), ("PeerAccount", "y"), ("BridgedTo", "PJSIP/200-00000018"),
            ("BridgeID", "b"),
        ]  # fmt: skip
        assert (second["BridgedTo"], second["PeerAccount"]) == (first["Channel"], "x")

    def test_a_channel_that_is_alone_is_bridged_to_none(self, client: FlaskClient, manager: ScriptedManager) -> None:
        alone = dict(ALONE, ChannelState="4", Application="", Data="", Exten="", Priority="", CallerIDNum="<unknown>")
        manager.answers["Status"] = channels(alone, dict(ALONE, Uniqueid="2", BridgeID="its own"))

        [first, second] = ask(client, "activecall")

        assert (first["BridgedTo"], first["BridgeID"], first["Application"]) == ("(None)", "", "(None)")
        assert (first["State"], first["Extension"], first["Prio"], first["CallerID"]) == ("Ring", "", "", "")
        assert (second["BridgedTo"], second["BridgeID"]) == ("(None)", "its own")

    def test_classic_counts_one_of_a_thing_in_the_singular(self, start: Start, manager: ScriptedManager) -> None:
        manager.answers["Status"] = channels(ALONE)
        manager.answers["CoreStatus"] = "Response: Success\nCoreCurrentCalls: 0\nCoreProcessedCalls: 1"

        *_, total, calls, processed = ask(start(LEGACY_MODE="classic"), "activecall")

        assert (total, calls, processed) == ("1 active channel", "0 active calls", "1 call processed")

    def test_classic_has_three_texts_where_asterisk_does_not_count_calls(
        self, start: Start, manager: ScriptedManager
    ) -> None:
        manager.answers["Status"] = channels()
        manager.answers["CoreStatus"] = "Response: Success\nCoreCurrentCalls: 0"

        answer = ask(start(LEGACY_MODE="classic"), "activecall")

        assert answer == ["0 active channels", "0 active calls", "unknown calls processed"]


class TestChannelStatus:
    def test_gives_the_managers_own_answer(self, client: FlaskClient, manager: ScriptedManager) -> None:
        manager.answers["Status"] = channels(ALONE)

        first, event, last = ask(client, "channelstatus").split("\n\n")

        assert first == "Response: Success\nEventList: start\nMessage: Channel status will follow"
        assert event == "Event: Status\n" + "\n".join(f"{name}: {value}" for name, value in ALONE.items())
        assert last == "Event: StatusComplete\nEventList: Complete\nItems: 1\n"

    def test_is_text_that_no_browser_takes_for_a_page(self, client: FlaskClient, manager: ScriptedManager) -> None:
        manager.answers["Status"] = channels(dict(ALONE, CallerIDName="<script>"))

        answer = client.get("/api.php?cmd=channelstatus", headers=WITH_KEY)

        assert answer.mimetype == "text/plain"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    def test_asks_for_the_channel_of_the_query_string(self, client: FlaskClient, manager: ScriptedManager) -> None:
        manager.answers["Status"] = "Response: Error\nMessage: No such channel"

        answer = client.get("/api.php?cmd=channelstatus&channel=SIP/100-1", headers=WITH_KEY)

        assert (answer.status_code, answer.text) == (200, "Response: Error\nMessage: No such channel\n")
        assert [action.get("Channel") for action in manager.actions("Status")] == ["SIP/100-1"]


class TestParkedCalls:
    def test_gives_the_managers_own_answer(self, client: FlaskClient, manager: ScriptedManager) -> None:
        start, end = "Response: Success\nEventList: start", "Event: ParkedCallsComplete\nEventList: Complete"
        event = "Event: ParkedCall\nParkeeChannel: PJSIP/100-00000002\nParkingSpace: 701"
        manager.answers["ParkedCalls"] = f"{start}\n\n{event}\n\n{end}"

        assert ask(client, "parkedcalls") == f"{start}\n\n{event}\n\n{end}\n"

    def test_an_exchange_without_parking_does_not_support_it(self, client: FlaskClient) -> None:
        answer = ask(client, "parkedcalls", 501)

        assert answer["code"] == 501
        assert answer["error"].startswith("parkedcalls requires")
        assert "res_parking" in answer["error"]


class TestOriginateCall:
    @pytest.fixture(autouse=True)
    def _phones(self, manager: ScriptedManager) -> None:
        manager.answers["PJSIPShowEndpoints"] = PHONES
        manager.answers["PJSIPShowContacts"] = NO_CONTACTS
        manager.answers["Originate"] = "Response: Success\nMessage: Originate successfully queued"

    def test_places_a_call_with_the_documented_defaults(self, client: FlaskClient, manager: ScriptedManager) -> None:
        answer = ask(client, "originatecall", method="POST", data={"channel": "PJSIP/100", "extension": "200"})

        assert answer == {"status": "CALL INITIATED", "code": 200}
        [sent] = manager.actions("Originate")
        assert (sent["Channel"], sent["Exten"], sent["Context"]) == ("PJSIP/100", "200", "from-internal")
        assert (sent["Timeout"], sent["Priority"], sent["Async"]) == ("30000", "1", "true")
        assert "CallerID" not in sent

    def test_passes_on_what_was_sent(self, start: Start, manager: ScriptedManager) -> None:
        client = start(CALL_CONTEXTS="from-internal,sales")
        sent = {
            "channel": "PJSIP/100",
            "extension": "200",
            "context": "sales",
            "callerid": "Ana <100>",
            "timeout": 5000,
        }

        ask(client, "originatecall", method="POST", json=sent)

        [action] = manager.actions("Originate")
        assert (action["Context"], action["CallerID"], action["Timeout"]) == ("sales", "Ana <100>", "5000")

    def test_a_refusal_of_the_exchange_is_failed(self, client: FlaskClient, manager: ScriptedManager) -> None:
        manager.answers["Originate"] = "Response: Error\nMessage: Extension does not exist."

        answer = ask(client, "originatecall", data={"channel": "PJSIP/100", "extension": "200"})

        assert answer == {"status": "FAILED", "code": 200}

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            ({"extension": "200"}, "channel parameter is required"),
            ({"channel": "PJSIP/100"}, "extension parameter is required"),
            ({"channel": "PJSIP/100", "extension": ""}, "extension parameter is required"),
            ({"channel": "PJSIP/100", "extension": "200", "context": "from-trunk"}, "CALL_CONTEXTS"),
            ({"channel": "Local/200@from-trunk/n", "extension": "200"}, "CALL_CONTEXTS"),
            ({"channel": "PJSIP/999", "extension": "200"}, "channel: Not a device"),
            ({"channel": "PJSIP/100", "extension": "200&300"}, "extension: Digits"),
            ({"channel": "PJSIP/100", "extension": "200", "timeout": "soon"}, "timeout must be a whole number"),
            ({"channel": "PJSIP/100", "extension": "200", "timeout": "0"}, "timeout must be a whole number"),
            ({"channel": "PJSIP/100", "extension": "200", "timeout": "-1"}, "timeout must be a whole number"),
            ({"channel": "PJSIP/100", "extension": "200", "timeout": "9" * 5000}, "timeout must be a whole number"),
            ({"channel": "PJSIP/100", "extension": "200", "callerid": "x" * 2000}, "too long"),
        ],
    )
    def test_what_cannot_be_dialled_is_named_and_never_sent(
        self, client: FlaskClient, manager: ScriptedManager, sent: dict[str, str], words: str
    ) -> None:
        answer = ask(client, "originatecall", 400, method="POST", data=sent)

        assert answer["code"] == 400
        assert words in answer["error"]
        assert manager.actions("Originate") == []


class TestAriChannels:
    def test_names_the_switch_when_ari_is_off(self, client: FlaskClient) -> None:
        assert "ARI_ENABLED" in ask(client, "arichannels", 503)["error"]

    def test_gives_aris_list_as_it_is(self, start: Start) -> None:
        with ari('[{"id": "1.2", "name": "PJSIP/100-1", "caller": {"number": "100"}}]') as port:
            client = start(ARI_ENABLED="true", ARI_PORT=str(port), ARI_USERNAME="u", ARI_SECRET="s")

            answer = ask(client, "arichannels")

        assert answer == [{"id": "1.2", "name": "PJSIP/100-1", "caller": {"number": "100"}}]

    def test_an_ari_that_says_no_is_unavailable(self, start: Start) -> None:
        with ari("oops", status=500) as port:
            client = start(ARI_ENABLED="true", ARI_PORT=str(port), ARI_USERNAME="u", ARI_SECRET="s")

            assert ask(client, "arichannels", 503)["code"] == 503


def test_nothing_is_logged_of_the_key(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = start(LOG_LEVEL="debug", ACCESS_LOG="true")

    ask(client, "auth")
    client.get("/api.php?cmd=auth", headers={"Authorization": KEY[:-1]})

    assert KEY[:-1] not in caplog.text


ALONE = {
    "Channel": "Local/wait@lab-0000000b;1", "ChannelState": "5", "CallerIDNum": "603", "CallerIDName": "<unknown>",
    "AccountCode": "", "Context": "from-internal", "Exten": "603", "Priority": "2", "Uniqueid": "1", "Linkedid": "1",
    "BridgeID": "", "Application": "Wait", "Data": "3600", "Seconds": "2",
}  # fmt: skip


def channels(*rows: dict[str, str]) -> str:
    events = ["Event: Status\n" + "\n".join(f"{name}: {value}" for name, value in row.items()) for row in rows]
    start = "Response: Success\nEventList: start\nMessage: Channel status will follow"
    return "\n\n".join([start, *events, f"Event: StatusComplete\nEventList: Complete\nItems: {len(rows)}"])


@contextlib.contextmanager
def ari(body: str, status: int = 200) -> Iterator[int]:
    """An HTTP server that answers like ARI on /ari/channels; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert (self.path, self.headers["Authorization"]) == ("/ari/channels", "Basic dTpz")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(5)
