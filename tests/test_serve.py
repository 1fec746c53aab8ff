from __future__ import annotations

import socket
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pbxapi.serve import PRELOAD_FROM, Server, check_store, note_start, read_config
from pbxapi.settings import Settings, SettingsError
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from tests.things_serve import KEY, serving, status

SETTINGS = Settings(api_secret_key="k3y-for-tests-of-32-characters")
SHIPPED = Path(__file__).parents[1] / "deploy" / "gunicorn.conf.py"


def test_a_file_of_settings_beats_ours_and_changes_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text("import os\ngraceful_timeout = 7\nno_setting_of_gunicorns = 1\n")
    server = Server(SETTINGS, read_config(tmp_path / "conf.py"))
    assert (server.cfg.graceful_timeout, server.cfg.keepalive, server.cfg.worker_class_str) == (7, 75, "Worker")


def test_the_file_that_is_shipped_says_what_holds_without_it() -> None:
    shipped, plain = Server(SETTINGS, read_config(SHIPPED)), Server(SETTINGS, {})
    assert shipped.cfg.settings.keys() == plain.cfg.settings.keys()
    for name, setting in shipped.cfg.settings.items():
        if not callable(setting.get()):
            assert setting.get() == plain.cfg.settings[name].get(), name


def test_many_workers_share_what_is_loaded_once() -> None:
    assert Server(SETTINGS, {"workers": PRELOAD_FROM}).cfg.preload_app
    assert not Server(SETTINGS, {"workers": PRELOAD_FROM - 1}).cfg.preload_app


@pytest.mark.parametrize("text", ["workers = (", "import no_such_module", None])
def test_a_file_that_cannot_be_read_is_named(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "conf.py").write_text(text)
    with pytest.raises(SettingsError, match=r"--config .*conf\.py: "):
        read_config(tmp_path / "conf.py")


def test_a_worker_that_is_told_to_end_before_it_can_hear_it_ends(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(
        "import os, signal\n"
        "def post_fork(server, worker):\n"
        "    print(worker.age, file=open('ages', 'a'), flush=True)\n"
        "    if worker.age == 1:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    with serving(tmp_path, "--workers", "1", "--config", "conf.py"):
        by_then = time.monotonic() + 20
        while not (tmp_path / "ages").exists() or (tmp_path / "ages").read_text().split() != ["1", "2"]:
            assert time.monotonic() < by_then, "it serves on"
            time.sleep(0.05)


def test_a_worker_whose_threads_all_wait_for_the_exchange_says_that_it_lives(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(4) as clients:
        manager = {"AMI_PORT": str(silent.getsockname()[1]), "AMI_USERNAME": "api", "AMI_SECRET": "s"}
        with serving(tmp_path, "--workers", "1", "--threads", "1", **manager) as (url, _):
            waiting = [clients.submit(status, f"{url}/channels", Authorization=f"Bearer {KEY}") for _ in range(4)]
            silent.settimeout(20)
            with silent.accept()[0]:
                assert [status(f"{url}/health/live") for _ in range(3)] == [200, 200, 200]
                assert not any(each.done() for each in waiting)
        assert {each.result() for each in waiting} <= {503, 504}


def test_half_done_changes_are_named_at_the_start_and_not_at_a_reload(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(SETTINGS, store_url=f"sqlite:///{tmp_path}/store.db")
    store = Store(settings.store_url)
    migrate(store)
    store.changes.begin(["200"])
    store.close()
    note_start(settings)
    assert "a change of 200 may be half done" in caplog.text
    caplog.clear()
    check_store(settings)  # all that a reload looks at: another worker may be writing 200
    assert "half done" not in caplog.text


def test_an_application_that_a_reload_left_is_let_go(tmp_path: Path) -> None:
    server = Server(replace(SETTINGS, store_url=f"sqlite:///{tmp_path}/store.db"), {})
    before = server.load()
    before.extensions["pbxapi"].pbx.close()
    gone = weakref.ref(before)
    del before
    server.load().extensions["pbxapi"].pbx.close()
    assert gone() is None
