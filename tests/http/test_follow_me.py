from __future__ import annotations

from collections.abc import Iterator

import pytest

from pbxapi.pbx.provisioning import Extension, Features, FollowMe
from tests.http.provisioned import Served, alice, serving

PATH = "/extensions/200/follow-me"
FEATURES = "/extensions/200/features"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(alice(), Extension(extension="1000", name=None, technology="pjsip")) as made:
        yield made


def test_a_follow_me_is_set_and_told_with_every_field(served: Served) -> None:
    served.ask("GET", PATH, 404)
    answer = served.ask("PUT", PATH, 201, {"numbers": ["200", "5551234"], "ring_time": 30})
    assert answer.headers["Location"] == PATH
    body = answer.get_json()
    assert (body["numbers"], body["ring_time"], body["enabled"]) == (["200", "5551234"], 30, True)
    assert (body["applied"], body["apply_reason"], body["warnings"]) == (True, None, [])
    assert set(served.json("GET", PATH)) == set(FollowMe.__slots__)
    assert answer.headers["ETag"] == served.ask("GET", PATH).headers["ETag"]


def test_put_sets_defaults_and_patch_leaves_alone(served: Served) -> None:
    served.ask("PUT", PATH, 201, {"numbers": ["201"], "ring_time": 30})
    assert served.json("PATCH", PATH, body={"enabled": False})["ring_time"] == 30
    body = served.json("PUT", PATH, body={"numbers": ["202"]})
    assert (body["ring_time"], body["enabled"], body["numbers"]) == (20, True, ["202"])
    served.ask("PATCH", "/extensions/1000/follow-me", 404, {"enabled": True})
    served.ask("PUT", "/extensions/999/follow-me", 404, {})


def test_the_collection_is_by_number(served: Served) -> None:
    for number in ("1000", "200"):
        served.ask("PUT", f"/extensions/{number}/follow-me", 201, {})
    assert [each["extension"] for each in served.json("GET", "/follow-me")["items"]] == ["200", "1000"]
    page = served.json("GET", "/follow-me?limit=1")
    assert len(page["items"]) == 1
    assert [e["extension"] for e in served.json("GET", f"/follow-me?limit=1&cursor={page['next']}")["items"]] == [
        "1000"
    ]


def test_a_follow_me_is_deleted(served: Served) -> None:
    served.ask("DELETE", PATH, 404)
    served.ask("PUT", PATH, 201, {})
    assert served.json("DELETE", f"{PATH}?dry_run=true") == {
        "plan": {"rows": [], "keys": [], "files": [], "states": [], "reload": True, "warnings": []},
        "result": None,
    }
    assert served.json("DELETE", PATH) == {"extension": "200", "applied": True, "apply_reason": None, "warnings": []}
    served.ask("GET", PATH, 404)


def test_a_dry_run_of_follow_me_writes_nothing(served: Served) -> None:
    body = served.json("PUT", f"{PATH}?dry_run=true", body={"enabled": False})
    assert body["plan"]["keys"][0]["after"] == "EXTENSION"
    assert body["plan"]["states"] == [{"device": "Custom:FOLLOWME200", "before": None, "after": "BUSY"}]
    assert body["result"]["enabled"] is False
    served.ask("GET", PATH, 404)


@pytest.mark.parametrize(("path", "body"), [(PATH, {"ring_time": 30}), (FEATURES, {"do_not_disturb": True})])
def test_if_match_is_honoured_below_an_extension(served: Served, path: str, body: dict[str, object]) -> None:
    served.ask("PUT", PATH, 201, {})
    tag = served.ask("GET", path).headers["ETag"]
    served.ask("PATCH", path, 412, body, {"If-Match": '"x"'})
    assert served.ask("GET", path).headers["ETag"] == tag
    answer = served.ask("PATCH", path, 200, body, {"If-Match": tag})
    served.ask("PATCH", path, 412, body, {"If-Match": tag})
    assert served.ask("GET", path, 304, headers={"If-None-Match": answer.headers["ETag"]})


def test_if_match_on_a_follow_me_that_is_not_there_is_refused(served: Served) -> None:
    for tag in ('"x"', "*"):
        served.ask("PUT", PATH, 412, {}, {"If-Match": tag})
    served.ask("GET", PATH, 404)


@pytest.mark.parametrize(
    "body",
    [{"ring_time": "20"}, {"ring_time": -1}, {"numbers": "200"}, {"numbers": []}, {"numbers": ["a\nb"]},
     {"caller_name_prefix": "a\n"}, {"nonsense": 1}, {"numbers": None}],
)  # fmt: skip
def test_a_follow_me_that_cannot_be_is_refused_by_name(served: Served, body: dict[str, object]) -> None:
    answer = served.json("PUT", PATH, 422, body)
    assert all(name.startswith(next(iter(body))) for name in answer["errors"])


def test_features_are_told_and_switched(served: Served) -> None:
    before = served.json("GET", FEATURES)
    assert set(before) == set(Features.__slots__)
    assert before["call_forward"] == {"all": None, "busy": None, "unavailable": None}
    body = served.json("PATCH", FEATURES, body={"do_not_disturb": True, "call_forward": {"busy": "5551234"}})
    assert (body["do_not_disturb"], body["call_waiting"], body["applied"]) == (True, True, True)
    body = served.json("PATCH", FEATURES, body={"call_forward": {"all": "*97"}})
    assert body["call_forward"] == {"all": "*97", "busy": "5551234", "unavailable": None}
    assert served.json("PATCH", FEATURES, body={"call_forward": None})["call_forward"]["all"] is None
    served.ask("GET", "/extensions/999/features", 404)


def test_a_dry_run_of_features_switches_nothing(served: Served) -> None:
    body = served.json("PATCH", f"{FEATURES}?dry_run=true", body={"do_not_disturb": True})
    assert body["plan"]["states"][0]["after"] == "BUSY"
    assert body["result"]["do_not_disturb"] is True
    assert served.json("GET", FEATURES)["do_not_disturb"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [({"ring_time": 121}, "ring_time"), ({"do_not_disturb": "maybe"}, "do_not_disturb"), ({"dnd": True}, "dnd"),
     ({"call_forward": {"all": "2 0"}}, "call_forward.all"), ({"call_forward": {"later": "1"}}, "call_forward.later")],
)  # fmt: skip
def test_features_that_cannot_be_are_refused_by_name(served: Served, body: dict[str, object], field: str) -> None:
    assert list(served.json("PATCH", FEATURES, 422, body)["errors"]) == [field]
