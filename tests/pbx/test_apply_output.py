"""What the commands of the platforms print; the words are theirs."""

from __future__ import annotations

import pytest

from pbxapi.pbx.apply_output import for_the_log, is_busy, why_failed
from pbxapi.pbx.run_program import Ended

OLD = "Reloading FreePBX\nSuccessfully reloaded\n"
NEW = "Reload Started\nReload Complete\n"
LINES = '{"message":"Reload Started"}\n{"message":"Checking user..."}\n{"message":"Reload Complete"}\n'
ISSABEL = "Please wait...\nRecargado exitosamente\n"


@pytest.mark.parametrize("output", [OLD, NEW, LINES, ISSABEL, ""])
def test_nothing_is_held_against_one_that_went_well(output: str) -> None:
    assert why_failed(Ended(output, 0), "fwconsole", 120) is None


@pytest.mark.parametrize(
    "output",
    [
        "Error(s) have occured, the following is the retrieve_conf output:\nexit: 1\n",
        "Successfully reloaded\nPHP Fatal error:  Uncaught Error: Call to undefined function x() in /var/www/a.php:3\n",
        "<br />\n<b>Fatal error</b>:  Out of memory in <b>/var/www/b.php</b> on line <b>7</b><br />\n",
        '{"message":"Reload Started"}\n{"error":"Unable to connect to Asterisk","trace":"#0 /var/lib/x"}\n',
    ],
)
def test_words_of_failure_count_though_the_status_is_0(output: str) -> None:
    reason = why_failed(Ended(output, 0), "fwconsole", 120)
    assert reason is not None
    assert "/var" not in reason


def test_a_conflict_is_told_as_such() -> None:
    output = "Aborting reload: there are conflicting extensions\n"
    assert "conflict" in str(why_failed(Ended(output, 0), "module_admin", 120))


def test_a_message_that_mentions_an_error_is_none() -> None:
    output = '{"message":"0 errors","error":null}\n{"message":"\\"error\\": handled"}\n{not json\n["error"]\n'
    assert why_failed(Ended(output, 0), "fwconsole", 120) is None


def test_a_status_a_timeout_and_a_refusal_have_reasons_of_their_own() -> None:
    assert "status 255" in str(why_failed(Ended(NEW, 255), "fwconsole", 120))
    assert "within 120 seconds" in str(why_failed(Ended(OLD, None), "fwconsole", 120))
    for words in ("sudo: a password is required", "Sorry, user x is not allowed to execute '/usr/sbin/fwconsole'"):
        assert "sudoers" in str(why_failed(Ended(words, 1), "fwconsole", 120))


def test_another_reload_is_seen_and_is_no_success() -> None:
    busy = Ended('{"error":"Process is already running.","trace":"Process ID : 4711"}\n', 255)
    assert is_busy(busy)
    assert not is_busy(Ended(NEW, 0))
    assert "another reload" in str(why_failed(busy, "fwconsole", 120))


@pytest.mark.parametrize(
    "output",
    [
        "password=hunter2 rest",
        "AMPDBPASS => 'hunter2', rest",
        '{"error":"x","secret":"hunter2"}',
        "amiPassword: hunter2",
        "mysql://freepbxuser:hunter2@localhost/asterisk",
        "#3 /var/www/html/a.php(27): PDO->__construct('mysql:host=loca...', 'freepbxuser', 'hunter2')",
    ],
)
def test_the_log_shows_no_secret(output: str) -> None:
    assert "hunter2" not in for_the_log(output)


def test_the_log_shows_the_last_words() -> None:
    shown = for_the_log("x" * 100_000 + "\nTable 'asterisk.sip' doesn't exist\n")
    assert shown.endswith("Table 'asterisk.sip' doesn't exist")
    assert len(shown) < 5000
