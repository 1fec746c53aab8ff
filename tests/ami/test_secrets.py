"""What is logged, and what never is."""

from __future__ import annotations

import hashlib
import logging
import traceback

import pytest

from pbxapi.ami import AmiError, Client
from tests.ami.scripted import SECRET, ScriptedManager

CARRIED = "value-that-an-action-carries"


def test_each_action_is_logged_by_name_lane_time_and_outcome(
    manager: ScriptedManager, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pbxapi.ami")
    manager.on("Bad", lambda session, action: session.answer(action, "Message: No", response="Error"))
    client.request("Ping")
    with pytest.raises(AmiError):
        client.request("Bad", slow=True)
    lines = {(record.levelname, record.getMessage().partition(" in ")[0]) for record in caplog.records}
    assert {("DEBUG", "Login on quick: ok"), ("DEBUG", "Ping on quick: ok")} <= lines
    assert ("INFO", "Bad on lists: AmiRefused") in lines
    assert all(record.getMessage().endswith("ms") for record in caplog.records if " in " in record.getMessage())


@pytest.mark.parametrize("challenge", [True, False])
@pytest.mark.parametrize("right", [True, False])
def test_no_secret_is_in_log_errors_or_reprs(
    manager: ScriptedManager, caplog: pytest.LogCaptureFixture, challenge: bool, right: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    if not challenge:
        manager.on("Challenge", lambda session, action: session.answer(action, response="Error"))
    if not right:
        manager.secret = "another"
    client = manager.client(timeout=0.2)
    manager.on("Silent", lambda session, action: None)
    manager.on("Gone", lambda session, action: session.hang_up())
    manager.on("Bad", lambda session, action: session.answer(action, "Message: No", response="Error"))
    texts = [repr(client), repr(manager.config())]
    for action in ("Ping", "Silent", "Bad", "Gone", "Long", "Cut"):
        value = {"Long": CARRIED * 100, "Cut": CARRIED + "\n"}.get(action, CARRIED)
        try:
            texts += [repr(client.request(action, [("Variable", value)]))]
        except AmiError as error:
            texts += [repr(error), str(error), *traceback.format_exception(error)]
    client.close()
    texts += [record.getMessage() + (record.exc_text or "") for record in caplog.records]
    key = hashlib.md5(f"102569458{SECRET}".encode(), usedforsecurity=False).hexdigest()
    assert len(texts) > 10
    for text in texts:
        assert SECRET not in text
        assert key not in text
        assert CARRIED not in text
