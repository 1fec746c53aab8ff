"""What leads from one state of an extension to another."""

from __future__ import annotations

from dataclasses import replace

from pbxapi.pbx.plan import KeyChange, RowChange, StateChange
from pbxapi.pbx.stored import Stored, lead

ALICE = Stored(
    "200",
    user={"name": "Alice", "voicemail": "novm"},
    device={"tech": "pjsip", "dial": "PJSIP/200"},
    settings={"account": "200", "secret": "s3cret-of-alice"},
    flags={"account": 2, "secret": 3},
    rows={("findmefollow", (("grpnum", "200"),)): {"strategy": "hunt"}},
    keys={("AMPUSER", "200/cidname"): "Alice", ("CW", "200"): "ENABLED"},
    states={"Custom:DND200": "BUSY"},
)


def test_nothing_leads_to_the_same() -> None:
    assert lead(ALICE, replace(ALICE)).empty


def test_what_is_new_is_inserted_whole() -> None:
    plan = lead(Stored("200"), ALICE)
    assert [(row.table, row.before) for row in plan.rows] == [
        ("users", None), ("devices", None), ("sip", None), ("sip", None), ("findmefollow", None),
    ]  # fmt: skip
    assert plan.rows[2].key == {"id": "200", "keyword": "account"}
    assert plan.rows[2].after == {"data": "200", "flags": 2}
    assert KeyChange("CW", "200", None, "ENABLED") in plan.keys


def test_what_is_gone_is_deleted_with_its_old_values_told() -> None:
    plan = lead(ALICE, Stored("200"))
    assert all(row.after is None and row.before for row in plan.rows)
    assert KeyChange("AMPUSER", "200/cidname", "Alice", None) in plan.keys
    assert plan.states == (StateChange("Custom:DND200", "BUSY", None),)


def test_a_change_touches_the_columns_that_change_and_nothing_else() -> None:
    after = replace(
        ALICE,
        user={"name": "Alicia", "voicemail": "novm"},
        keys={**ALICE.keys, ("AMPUSER", "200/cidname"): "Alicia"},
    )
    plan = lead(ALICE, after)
    assert plan.rows == (RowChange("users", {"extension": "200"}, {"name": "Alice"}, {"name": "Alicia"}),)
    assert plan.keys == (KeyChange("AMPUSER", "200/cidname", "Alice", "Alicia"),)


def test_a_secret_of_a_plan_shows_in_no_repr() -> None:
    plan = lead(Stored("200"), ALICE)
    assert "s3cret-of-alice" not in repr(plan)
    assert any(row.after and row.after.get("data") == "s3cret-of-alice" for row in plan.rows)
