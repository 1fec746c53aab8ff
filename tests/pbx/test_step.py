"""Steps that are done all or not at all."""

from __future__ import annotations

import pytest

from pbxapi.errors import Inconsistent, Refused
from pbxapi.pbx.step import Step, run


class Ledger:
    """Writes down what is done and undone, and fails where it is told to."""

    def __init__(self, *failing: str) -> None:
        self.lines: list[str] = []
        self._failing = failing

    def step(self, name: str) -> Step:
        return Step(name, lambda: self._write(f"do {name}"), lambda: self._write(f"undo {name}"))

    def _write(self, line: str) -> None:
        self.lines.append(line)
        if line in self._failing:
            raise Refused(line)


def test_steps_are_done_in_their_order() -> None:
    ledger = Ledger()
    run([ledger.step("a"), ledger.step("b")])
    assert ledger.lines == ["do a", "do b"]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_step_that_fails_and_those_before_it_are_undone_the_last_first(failing: int) -> None:
    names = "abc"
    ledger = Ledger(f"do {names[failing]}")
    with pytest.raises(Refused, match=f"do {names[failing]}"):
        run([ledger.step(name) for name in names])
    begun = names[: failing + 1]
    assert ledger.lines == [*(f"do {name}" for name in begun), *(f"undo {name}" for name in reversed(begun))]


def test_an_undo_that_fails_is_told_and_the_others_are_done_all_the_same() -> None:
    ledger = Ledger("do c", "undo b")
    with pytest.raises(Inconsistent) as caught:
        run([ledger.step(name) for name in "abc"])
    assert caught.value.steps == ["b"]
    assert ledger.lines[-1] == "undo a"
    assert isinstance(caught.value.__cause__, Refused)
