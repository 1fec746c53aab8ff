"""A write in one process is known to the others."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.host_mark import HostMark
from pbxapi.pbx.queueing import NewMember
from pbxapi.pbx.queues import AmiQueues
from tests.pbx.queued import queued


def test_it_is_zero_before_anything_was_written(tmp_path: Path) -> None:
    assert HostMark(tmp_path / "mark").last() == 0


def test_each_write_changes_it_for_everybody(tmp_path: Path) -> None:
    one, other = HostMark(tmp_path / "mark"), HostMark(tmp_path / "mark")
    seen = []
    for _ in range(3):
        one.set()
        seen.append(other.last())
    assert 0 < seen[0] < seen[1] < seen[2]


def test_where_it_cannot_be_kept_that_is_logged_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "pbxapi.live"):
        HostMark(tmp_path / "nowhere/mark").set()
    assert "not told" in caplog.text


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mark").symlink_to(tmp_path / "other")
    HostMark(tmp_path / "mark").set()
    assert not (tmp_path / "other").exists()


def test_what_one_worker_wrote_another_does_not_show_as_it_was(tmp_path: Path) -> None:
    with queued() as here:
        astdb, mark = AstDb(here.client), tmp_path / "mark"
        one, other = (AmiQueues(here.client, astdb, here.seats, here.setup, mark=HostMark(mark), ttl=60) for _ in "ab")
        assert other.get("400").members == ()
        one.add("400", NewMember(interface="PJSIP/210"))
        assert [member.interface for member in other.get("400").members] == ["PJSIP/210"]
        kept = other.all()
        assert other.all() is kept
        one.changed()
        assert other.all() is not kept
