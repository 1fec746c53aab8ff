"""The command: read, write the files, let Asterisk load them, take `need_reload` back; say so as that version does."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.real.raw_manager import RawManager
from tests.real.stand_in import chan_sip, dialplan, pjsip_freepbx, pjsip_issabel, queues, voicemail
from tests.real.stand_in.astdb import AstDb
from tests.real.stand_in.tables import Login, Tables

SECONDS = 30.0
HAS_LOCK, SAYS_MORE = 15, 15
"""The versions of FreePBX since which two reloads exclude each other, and since which it says what it does."""


class Busy(Exception):
    """Another reload is under way."""


def main(login: Path, arguments: Sequence[str]) -> int:
    """Run `reload`; returns the exit status, which says nothing before FreePBX 15 and on Issabel."""
    if list(arguments[:1]) not in (["reload"], ["r"]):
        print("usage: reload [--json]", file=sys.stderr)
        return 2
    access = Login.read(login)
    tables = Tables.read(access)
    modern = access.platform == "freepbx" and tables.major >= SAYS_MORE
    say = _json_line if modern and ("--json" in arguments or "SHELL" not in os.environ) else print
    try:
        if not modern:
            _reload(access)
            say("Successfully reloaded")
            return 0
        with _only_one(Path(tables.settings["ASTRUNDIR"]) / "reload.lock"):
            say("Reload Started")
            _reload(access)
            say("Reload Complete")
    except Busy as busy:
        print(json.dumps({"error": "Process is already running.", "trace": f"Process ID : {busy}"}))
        return 255
    except Exception as error:  # as the real ones do: say it, whatever it is
        if not modern:
            print(f"Error(s) have occured, the following is the retrieve_conf output:\n{error}")
            return 0
        print(json.dumps({"error": str(error)}))
        return 255
    return 0


def _json_line(text: str) -> None:
    print(json.dumps({"message": text}))


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        raise Busy(lock.read_text()) from None
    os.write(descriptor, str(os.getpid()).encode())
    os.close(descriptor)
    try:
        yield
    finally:
        lock.unlink()


def _reload(login: Login) -> None:
    _set_need_reload(login, "true")
    tables = Tables.read(login)
    settings = tables.settings
    with RawManager(
        int(settings["ASTMANAGERPORT"]),
        username=settings["AMPMGRUSER"],
        secret=settings["AMPMGRPASS"],
        events="on",
        timeout=SECONDS,
    ) as manager:
        astdb = AstDb(manager)
        etc = Path(settings["ASTETCDIR"])
        voicemail.rewrite(tables, astdb, etc)
        hints = dialplan.hints(tables, astdb)
        dialplan.store(tables, astdb, hints)
        queues.store(tables, astdb)
        phones = pjsip_freepbx if tables.platform == "freepbx" else pjsip_issabel
        members = queues.files(tables, queues.without_hint(astdb))
        for made in (phones.files(tables), chan_sip.files(tables), dialplan.files(tables, hints), members):
            for name, text in made.items():
                (etc / name).write_text(text)
        [answer] = manager.ask("Reload")
        if answer["Response"] != "Success":
            raise RuntimeError(answer["Message"])
        manager.ask("Ping")
    _set_need_reload(login, "false")


def _set_need_reload(login: Login, value: str) -> None:
    with login.connect() as connection, connection.cursor() as cursor:
        cursor.execute("REPLACE INTO admin (variable, value) VALUES ('need_reload', %s)", [value])


def write_program(folder: Path, login: Login) -> Path:
    """Write the program, under the name that it has on the platform, with its way to the database; returns its path."""
    access = folder / "platform.json"
    access.write_text(json.dumps(vars(login)))
    program = folder / ("fwconsole" if login.platform == "freepbx" else "module_admin")
    repository = Path(__file__).parents[3]
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(repository)!r})\n"
        "from tests.real.stand_in.reload import main\n"
        f"sys.exit(main(Path({str(access)!r}), sys.argv[1:]))\n"
    )
    program.chmod(0o755)
    return program
