from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.http.provisioned import PIN, SECRET, Served, alice, limited, serving
from tests.http.queued import audited


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(alice()) as made:
        yield made


def batch(served: Served, *operations: Any, status: int = 200, query: str = "") -> Any:
    return served.json("POST", f"/extensions/batch{query}", status, {"operations": operations})


def create(number: str, **fields: object) -> dict[str, object]:
    return {"op": "create", "extension": {"extension": number, "name": f"N{number}", **fields}}


def test_operations_of_every_kind_are_done_in_one_go(served: Served) -> None:
    batch(served, create("201"), create("202"))
    body = batch(
        served,
        create("203"),
        {"op": "update", "number": "200", "changes": {"name": "Alice Smith"}},
        {"op": "replace", "number": "201", "extension": {"extension": "201", "name": "Bob"}},
        {"op": "delete", "number": "202"},
    )
    assert [(each["op"], each["number"]) for each in body["items"]] == [
        ("create", "203"), ("update", "200"), ("replace", "201"), ("delete", "202"),
    ]  # fmt: skip
    assert body["items"][3]["extension"] is None
    assert body["items"][1]["extension"]["name"] == "Alice Smith"
    assert (body["applied"], body["apply_reason"]) == (True, None)
    assert sorted(served.extensions.stored) == ["200", "201", "203"]
    assert served.extensions.applied == 2


def test_one_that_fails_leaves_all_undone(served: Served) -> None:
    answer = batch(served, create("201"), create("200"), status=409)
    assert "200 exists already" in answer["detail"]
    assert sorted(served.extensions.stored) == ["200"]


@pytest.mark.parametrize("others", [0, 1])
def test_every_fault_names_its_operation(served: Served, others: int) -> None:
    first = [create(f"30{n}") for n in range(others)]
    place = others
    answer = batch(served, *first, create("201", nonsense=1), status=422)
    assert list(answer["errors"]) == [f"operations.{place}.extension.nonsense"]
    answer = batch(served, *first, create("201", secret="111111"), create("202", name="a;b"), status=422)
    assert list(answer["errors"]) == [
        f"operations.{place}.extension.secret",
        f"operations.{place + 1}.extension.name",
    ]
    answer = batch(served, *first, {"op": "update", "number": "200", "changes": {"name": "x" * 60}}, status=422)
    assert list(answer["errors"]) == [f"operations.{place}.changes.name"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "rename", "number": "200"},
        {"op": ["create"]},
        {"number": "200"},
        "create",
        None,
        {"op": "delete"},
        {"op": "delete", "number": "2 0"},
        {"op": "delete", "number": "200", "extension": {}},
        {"op": "update", "number": "200"},
        {"op": "update", "number": "200", "changes": {"extension": "201"}},
        {"op": "create", "number": "200"},
    ],
)
def test_what_is_no_operation_is_refused(served: Served, operation: object) -> None:
    answer = batch(served, operation, status=422)
    assert all(name.startswith("operations.0") for name in answer["errors"])


def test_at_most_a_thousand_at_a_time(served: Served) -> None:
    operations = [create(str(1000 + n)) for n in range(1001)]
    assert "operations" in batch(served, *operations, status=422)["errors"]
    assert "operations" in batch(served, status=422)["errors"]
    assert len(batch(served, *operations[:1000])["items"]) == 1000


def test_only_secrets_that_were_made_are_shown(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    batch(served, create("201"))
    limited(monkeypatch, "provision")
    box: dict[str, object] = {"voicemail": {"attach": True}}
    items = batch(
        served,
        create("202", voicemail={"password": "8642"}),
        create("203", secret=SECRET, voicemail={}),
        {"op": "update", "number": "200", "changes": box},
        {"op": "update", "number": "201", "changes": box},
    )["items"]
    stored = served.extensions.stored
    assert items[0]["extension"]["secret"] == stored["202"].secret
    assert items[0]["extension"]["voicemail"]["password"] is None
    assert items[1]["extension"]["secret"] is None
    assert items[1]["extension"]["voicemail"]["password"].startswith("77")
    assert (items[2]["extension"]["secret"], items[2]["extension"]["voicemail"]["password"]) == (None, None)
    assert items[3]["extension"]["voicemail"]["password"].startswith("77")


def test_a_dry_run_of_a_batch_tells_the_plan_and_the_results(served: Served) -> None:
    body = batch(served, create("201"), {"op": "delete", "number": "200"}, query="?dry_run=true")
    assert [row["key"] for row in body["plan"]["rows"] if row["table"] == "users"] == [
        {"extension": "201"}, {"extension": "200"},
    ]  # fmt: skip
    assert [each["op"] for each in body["results"]] == ["create", "delete"]
    assert SECRET not in str(body)
    assert PIN not in str(body)
    assert sorted(served.extensions.stored) == ["200"]


def test_force_voicemail_and_apply_count_for_all(served: Served) -> None:
    served.extensions.mentions["200"] = "the queue 400"
    gone = {"op": "delete", "number": "200"}
    batch(served, gone, status=409)
    body = batch(served, gone, create("201"), query="?force=true&voicemail=true&apply=false")
    assert body["applied"] is False
    assert body["items"][0]["warnings"] == []
    assert served.extensions.erased == ["200"]


def test_each_operation_is_audited(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "pbxapi.audit"):
        batch(served, create("201"), {"op": "delete", "number": "200"})
    assert audited(caplog) == [
        "extension.create extension 201: applied; its secrets were shown",
        "extension.delete extension 200: applied",
    ]
