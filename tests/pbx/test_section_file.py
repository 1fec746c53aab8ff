"""A file of ours, changed over a manager that is made of bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pytest

from pbxapi.ami import AmiRefused, Client
from pbxapi.errors import NotSupported, Refused
from pbxapi.pbx.plan import FileChange
from pbxapi.pbx.section_file import SectionFile, groups
from pbxapi.pbx.step import run
from tests.ami.scripted import Action, ScriptedManager, Session

NEW = ("[200](pbxapi-endpoint)", "auth=200", "[200](pbxapi-auth)", "password=s3cret", "[200](pbxapi-aor)")
ADDED = FileChange("pjsip_api.conf", "200", (), NEW)


class Manager(ScriptedManager):
    """Has a file of these sections, and says Success to everything else."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names
        self.on("ListCategories", self._list)

    def _list(self, session: Session, action: Action) -> None:
        session.answer(action, *(f"Category-{place:06d}: {name}" for place, name in enumerate(self.names)))

    def sent(self) -> list[str]:
        return [action.name for action in self.actions]


@pytest.fixture
def manager() -> Iterator[Manager]:
    with Manager("200", "201", "201~0") as made:
        yield made


@pytest.fixture
def client(manager: Manager) -> Iterator[Client]:
    made = manager.client()
    yield made
    made.close()


def nothing(numbers: Collection[str]) -> Mapping[str, str]:
    return {}


def operations(action: Action) -> list[str]:
    found = []
    place = 0
    while kind := action.headers.get(f"Action-{place:06d}"):
        rest = (action.headers.get(f"{name}-{place:06d}") for name in ("Cat", "Var", "Value", "Options"))
        found.append(" ".join([kind, *(each for each in rest if each)]))
        place += 1
    return found


def test_sections_are_built_under_another_name_and_put_in_place_by_the_action_that_removes_the_old(
    manager: Manager, client: Client
) -> None:
    SectionFile(client, "pjsip_api.conf", "res_pjsip.so").step([ADDED]).do()
    [update] = [action for action in manager.actions if action.name == "UpdateConfig"]
    assert operations(update) == [
        'NewCat 200~0 inherit="pbxapi-endpoint"', "Append 200~0 auth 200",
        'NewCat 200~1 inherit="pbxapi-auth"', "Append 200~1 password s3cret",
        'NewCat 200~2 inherit="pbxapi-aor"',
        "DelCat 200", "RenameCat 200~0 200", "RenameCat 200~1 200", "RenameCat 200~2 200",
    ]  # fmt: skip
    assert (update.headers["SrcFilename"], update.headers["DstFilename"]) == ("pjsip_api.conf", "pjsip_api.conf")


def test_one_that_is_too_large_takes_its_place_in_one_action_all_the_same() -> None:
    large = (NEW[0], *(f"set_var=V{place}=x" for place in range(40)), *NEW[2:])
    built, placed = groups({"200": large}, {"200"})
    assert len(built) > 40
    assert [operation[0][1] for operation in placed] == ["DelCat", "RenameCat", "RenameCat", "RenameCat"]


def test_what_another_process_left_half_built_is_removed() -> None:
    [group] = groups({"201": NEW}, {"201", "201~0", "2010"})
    assert [dict(each)["Cat"] for each in group if each[0][1] == "DelCat"] == ["201~0", "201"]


def test_a_reload_is_waited_for_by_a_ping_behind_it_and_the_result_looked_at(manager: Manager, client: Client) -> None:
    asked = []

    def look(numbers: Collection[str]) -> Mapping[str, str]:
        asked.append((list(numbers), manager.sent()[-2:]))
        return {}

    gone = FileChange("pjsip_api.conf", "201", ("[201]",), ())
    SectionFile(client, "pjsip_api.conf", "res_pjsip.so", lacking=look).step([ADDED, gone]).do()
    assert asked == [(["200"], ["Reload", "Ping"])]


def test_what_asterisk_left_out_is_taken_back_and_loaded_again(manager: Manager, client: Client) -> None:
    file = SectionFile(client, "pjsip_api.conf", "res_pjsip.so", lacking=lambda numbers: {"200": "no endpoint"})
    with pytest.raises(Refused, match="no endpoint"):
        run([file.step([ADDED])])
    assert manager.sent() == ["ListCategories", "UpdateConfig", "Reload", "Ping"] * 2
    assert operations(manager.actions[5]) == ["DelCat 200"]


def test_an_action_that_is_refused_is_undone_whatever_became_of_it(manager: Manager, client: Client) -> None:
    def refuse(session: Session, action: Action) -> None:
        manager.on("UpdateConfig", Session.answer)
        session.answer(action, "Message: Save of config failed", response="Error")

    manager.on("UpdateConfig", refuse)
    with pytest.raises(AmiRefused, match="Save of config failed"):
        run([SectionFile(client, "pjsip_api.conf", "res_pjsip.so", lacking=nothing).step([ADDED])])
    assert manager.sent() == ["ListCategories", "UpdateConfig"] * 2 + ["Reload", "Ping"]


def test_a_reload_of_somebody_else_is_waited_for(manager: Manager, client: Client) -> None:
    def busy(session: Session, action: Action) -> None:
        manager.on("Reload", Session.answer)
        session.answer(action, "Message: A reload is in progress", response="Error")

    manager.on("Reload", busy)
    SectionFile(client, "pjsip_api.conf", "res_pjsip.so").reload()
    assert manager.sent() == ["Reload", "Reload", "Ping"]


def test_changes_that_are_not_to_be_loaded_are_only_written(manager: Manager, client: Client) -> None:
    file = SectionFile(client, "pjsip_api.conf", "res_pjsip.so", lacking=lambda numbers: {"200": "no endpoint"})
    unloaded = file.unloaded()
    unloaded.step([ADDED]).do()
    unloaded.load()
    assert manager.sent() == ["ListCategories", "UpdateConfig"]


def test_a_file_that_is_not_included_is_not_written_to(manager: Manager, client: Client) -> None:
    templates = {"pbxapi-endpoint": {"type": "endpoint"}}

    def only_ours(session: Session, action: Action) -> None:
        ours = action.headers["Filename"] == "pjsip_api.conf"
        held = ["Category-000000: pbxapi-endpoint", "IsTemplate-000000: 1", "Line-000000-000000: type=endpoint"]
        session.answer(action, *(held if ours else ["No categories found"]))

    manager.on("GetConfig", only_ours)
    manager.on("ListCommands", lambda session, action: session.answer(action, "UpdateConfig: (Priv: config,all)"))
    file = SectionFile(client, "pjsip_api.conf", "res_pjsip.so", main="pjsip.conf", templates=templates)
    assert "#include pjsip_api.conf" in (file.why_not() or "")
    with pytest.raises(NotSupported):
        file.prepare()
    assert "UpdateConfig" not in manager.sent()


def test_a_file_that_is_there_is_never_made_anew(manager: Manager, client: Client) -> None:
    manager.on("GetConfig", lambda session, action: session.answer(action, "No categories found"))
    file = SectionFile(client, "pjsip_api.conf", "res_pjsip.so", templates={"pbxapi-aor": {"type": "aor"}})
    file.prepare()
    assert "CreateConfig" not in manager.sent()
    assert operations(manager.actions[-1]) == [
        "NewCat pbxapi-aor template", 'Append pbxapi-aor type aor catfilter="TEMPLATES=restrict"'
    ]  # fmt: skip
