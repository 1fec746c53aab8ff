"""Where an extension may lead calls: contexts that callers may name, and those it led to before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pbxapi.errors import Invalid
from pbxapi.pbx.operations import check_reach
from pbxapi.pbx.provisioning import Mailbox

CONTEXTS = ("from-internal", "from-branch")
ELSEWHERE = [
    ({"context": "from-trunk"}, "context"),
    ({"options": {"message_context": "from-trunk"}}, "options"),
    ({"options": {"subscribecontext": "from-trunk"}}, "options"),
    ({"options": {"Subscribe_Context": "from-trunk"}}, "options"),
    ({"options": {"setvar": "A=${SHELL(id)}"}}, "options"),
    ({"options": {"set_var": "FILE(/tmp/x)=y"}}, "options"),
    ({"voicemail": {"options": {"dialout": "from-trunk"}}}, "voicemail.options"),
    ({"voicemail": {"options": {"callback": "from-trunk"}}}, "voicemail.options"),
    ({"voicemail": {"options": {"exitcontext": "from-trunk"}}}, "voicemail.options"),
]


@pytest.mark.parametrize(("values", "field"), ELSEWHERE)
def test_a_context_beyond_those_or_a_function_is_refused(values: Mapping[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_reach(values, CONTEXTS, {"context": "from-internal"}, None)
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(("values", "field"), ELSEWHERE)
def test_what_is_so_already_may_be_sent_back(values: Mapping[str, Any], field: str) -> None:
    box = Mailbox(options=(values.get("voicemail") or {}).get("options") or {})
    settings = {"context": values.get("context", ""), **(values.get("options") or {})}
    check_reach(values, CONTEXTS, settings, box)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"context": None, "options": None, "voicemail": None},
        {"context": "from-branch", "options": {"message_context": "from-internal", "setvar": "A=b"}},
        {"options": {"message_context": None, "subscribe_context": "", "dtls_setup": "actpass"}},
        {"voicemail": {"options": {"dialout": "from-branch", "tz": "central", "exitcontext": None}}},
    ],
)
def test_contexts_that_callers_may_name_and_everything_else_pass(values: Mapping[str, Any]) -> None:
    check_reach(values, CONTEXTS, {}, None)
