from __future__ import annotations

import io
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pbxapi import cli, extensions_command
from pbxapi.errors import Unavailable
from pbxapi.extensions_command import import_lines
from pbxapi.extensions_csv import parse
from pbxapi.extensions_import import Import
from pbxapi.pbx.provisioning import Applied, ApplyStatus, Extension, Operation, Outcome, Write
from tests.things_provisioning import MemoryExtensions


class Waiting:
    """Something waits to be applied, until it is."""

    def __init__(self, *, ok: bool) -> None:
        self.ok, self.runs = ok, 0

    def status(self) -> ApplyStatus:
        return ApplyStatus(pending=True, running=False, since=None, last=None, method="fwconsole")

    def run(self) -> Applied:
        self.runs += 1
        return Applied(self.ok, 1.0, None if self.ok else "it failed", datetime.now(UTC))

    def settle(self, change: int) -> Applied:
        raise NotImplementedError

    def leave(self, change: int) -> None:
        raise NotImplementedError


def imported(extensions: MemoryExtensions, text: str, **options: bool) -> tuple[int, str]:
    args = Namespace(**{"dry_run": False, "update": False, "no_apply": False, **options})
    secrets = io.StringIO()
    return import_lines(extensions, parse(text.encode()), args, secrets), secrets.getvalue()


def numbered(count: int, first: int = 1000) -> str:
    return "extension,name\n" + "".join(f"{n},N{n}\n" for n in range(first, first + count))


def test_extensions_are_created_and_their_secrets_told(capsys: pytest.CaptureFixture[str]) -> None:
    memory = MemoryExtensions()
    text = "extension,name,secret,voicemail\n200,Alice,,yes\n201,Bob,Kq7-wie4zo,\n202,Carol,Kq7-wie4za,yes\n"
    status, secrets = imported(memory, text)
    assert status == 0
    box = memory.stored["200"].voicemail
    other = memory.stored["202"].voicemail
    assert box is not None
    assert other is not None
    assert secrets.splitlines() == [
        "extension,secret,voicemail.password",
        f"200,{memory.stored['200'].secret},{box.password}",
        f"202,,{other.password}",
    ]
    assert memory.stored["201"].secret == "Kq7-wie4zo"
    assert capsys.readouterr().err == "wrote 3 of 3\n3 were created, 0 were changed.\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("extension,name\n201,B\n202,C\n", [(["201", "202"], 2, "done")]),
        (f"extension,name\n201,B\n202,{'x' * 60}\n", []),
    ],
)
def test_who_is_told_of_what_was_written(text: str, told: list[tuple[list[str], int, str]]) -> None:
    found = []
    args = Namespace(dry_run=False, update=False, no_apply=False)

    def note(importing: Import, outcome: str) -> None:
        found.append((importing.numbers, importing.written, outcome))

    import_lines(MemoryExtensions(), parse(text.encode()), args, io.StringIO(), note)
    assert found == told
    found.clear()
    broken = MemoryExtensions()
    broken.write = lambda *_: 1 / 0  # type: ignore[method-assign, assignment]
    with pytest.raises(ZeroDivisionError):
        import_lines(broken, parse(text.encode()), args, io.StringIO(), note)
    assert [each[1:] for each in found] == [(0, "failed")]


def test_nothing_is_written_when_a_line_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    memory = MemoryExtensions(Extension(extension="200", name="Alice", technology="pjsip"))
    status, _ = imported(memory, f"extension,name\n200,A\n201,B\n202,{'x' * 60}\n203,{'x' * 61}\n")
    assert (status, sorted(memory.stored)) == (1, ["200"])
    assert "line 2: 200 exists already" in capsys.readouterr().err
    status, _ = imported(memory, f"extension,name\n201,B\n202,{'x' * 60}\n203,{'x' * 61}\n")
    assert (status, sorted(memory.stored)) == (1, ["200"])
    assert capsys.readouterr().err.splitlines() == [
        "line 3: name: Longer than 50 characters.",
        "line 4: name: Longer than 50 characters.",
        "Nothing was written.",
    ]


def test_a_thousand_are_written_at_a_time_and_applied_once(capsys: pytest.CaptureFixture[str]) -> None:
    memory = MemoryExtensions()
    status, secrets = imported(memory, numbered(2500))
    assert (status, len(memory.stored), memory.applied) == (0, 2500, 1)
    assert len(secrets.splitlines()) == 2501
    assert capsys.readouterr().err.splitlines() == [
        "checked 1000 of 2500", "checked 2000 of 2500", "checked 2500 of 2500",
        "wrote 1000 of 2500", "wrote 2000 of 2500", "wrote 2500 of 2500",
        "2500 were created, 0 were changed.",
    ]  # fmt: skip


def test_a_fault_in_the_last_thousand_keeps_the_first_from_being_written(capsys: pytest.CaptureFixture[str]) -> None:
    memory = MemoryExtensions()
    status, _ = imported(memory, numbered(1500) + f"9,{'x' * 60}\n")
    assert (status, memory.stored) == (1, {})
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "line 1502: name: Longer than 50 characters.",
        "Nothing was written.",
    ]


def test_what_goes_wrong_in_the_midst_is_told_with_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    memory = MemoryExtensions()
    text = numbered(1200)
    written = memory.write

    def write(operations: Sequence[Operation], how: Write) -> Outcome:
        outcome = written(operations, how)
        if not how.dry_run:
            memory.stored["2100"] = Extension(extension="2100", name="Other", technology="pjsip")
        return outcome

    memory.write = write  # type: ignore[method-assign]
    status, secrets = imported(memory, text)
    assert (status, len(memory.stored)) == (1, 1001)
    assert len(secrets.splitlines()) == 1001
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "line 1102: 2100 exists already",
        "1000 were written before that, and not applied: see --update.",
    ]


def test_an_outage_in_the_midst_is_told_with_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    memory = MemoryExtensions()
    written = memory.write

    def write(operations: Sequence[Operation], how: Write) -> Outcome:
        if len(memory.stored) == 1000 and not how.dry_run:
            raise Unavailable("The database is gone", part="database")
        return written(operations, how)

    memory.write = write  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        imported(memory, numbered(1200))
    assert capsys.readouterr().err.splitlines()[-1] == "1000 were written before that, and not applied: see --update."


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (False, 1)])
def test_what_an_import_before_left_is_applied_by_the_next(
    capsys: pytest.CaptureFixture[str], *, ok: bool, status: int
) -> None:
    memory = MemoryExtensions()
    imported(memory, "extension,name\n200,A\n", no_apply=True)
    waiting = Waiting(ok=ok)
    args = Namespace(dry_run=False, update=True, no_apply=False)
    lines = parse(b"extension,name\n200,A\n")
    assert import_lines(memory, lines, args, io.StringIO(), applying=waiting) == status
    assert waiting.runs == 1
    said = capsys.readouterr().err
    assert "0 were created, 0 were changed." in said
    assert ("Not in effect yet: it failed." in said) == (not ok)


def test_existing_ones_are_changed_when_it_is_said() -> None:
    memory = MemoryExtensions(Extension(extension="200", name="Alice", technology="pjsip", secret="x", caller_id="5"))
    status, secrets = imported(memory, "extension,name\n200,Alice Smith\n201,Bob\n", update=True)
    assert status == 0
    assert (memory.stored["200"].name, memory.stored["200"].caller_id, memory.stored["200"].secret) == (
        "Alice Smith", "5", "x",
    )  # fmt: skip
    assert [line.split(",")[0] for line in secrets.splitlines()] == ["extension", "201"]


def test_a_dry_run_writes_nothing_and_tells_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    memory = MemoryExtensions()
    assert imported(memory, "extension,name\n200,A\n", dry_run=True) == (0, "")
    assert memory.stored == {}
    assert "1 would be created, 0 would be changed." in capsys.readouterr().err
    assert imported(memory, f"extension,name\n200,{'x' * 60}\n", dry_run=True)[0] == 1


def test_what_is_not_applied_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    memory = MemoryExtensions()
    memory.applies = False
    assert imported(memory, "extension,name\n200,A\n")[0] == 1
    assert "Not in effect yet: The exchange did not load it." in capsys.readouterr().err
    assert imported(memory, "extension,name\n201,A\n", no_apply=True)[0] == 0


def test_secrets_go_to_a_new_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    with extensions_command._secrets_file(path) as file:
        assert file is not None
        file.write("x")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError), extensions_command._secrets_file(path):
        pass
    empty = tmp_path / "none"
    with extensions_command._secrets_file(empty):
        pass
    assert not empty.exists()


def test_a_file_that_cannot_be_used_is_said_before_anything_is_configured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["extensions", "import", "nowhere.csv"]) == 1
    assert capsys.readouterr().err == "nowhere.csv: No such file or directory\n"
    Path("x.csv").write_text("number,name\n200,A\n")
    assert cli.main(["extensions", "import", "x.csv"]) == 1
    assert "no column extension" in capsys.readouterr().err


def test_an_exchange_that_provisions_nothing_says_so_at_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_SECRET_KEY", "a-key-for-tests-of-32-characters")
    Path("x.csv").write_text("extension,name\n200,A\n")
    assert cli.main(["extensions", "import", "x.csv"]) == 1
    assert "has no extensions that could be looked after" in capsys.readouterr().err
