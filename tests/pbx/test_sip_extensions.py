"""From a file; the database's are in tests/real, on a real MariaDB."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbxapi.pbx.sip_extensions import ConfSipExtensions


def sections(folder: Path, text: str) -> dict[str, dict[str, str] | None]:
    path = folder / "pjsip.conf"
    path.write_text(text)
    return ConfSipExtensions(str(path)).sections()


def test_sections_are_by_name_in_order_and_an_empty_one_is_none(tmp_path: Path) -> None:
    found = sections(tmp_path, "[200]\nsecret=b\n[general]\n[100]\nsecret = a\\;b ; comment\ncontext=x\n")

    assert list(found.items()) == [
        ("200", {"secret": "b"}),
        ("general", None),
        ("100", {"secret": "a;b", "context": "x"}),
    ]


def test_of_an_option_given_twice_the_last_counts(tmp_path: Path) -> None:
    assert sections(tmp_path, "[100]\nallow=alaw\nallow=ulaw\n") == {"100": {"allow": "ulaw"}}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_sections_of_a_pjsip_phone_become_one_object_whatever_their_order(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    parts = (
        "[100]\ntype=endpoint\ncontext=from-internal\nauth=100\naors=100\n",
        "[100]\ntype=auth\npassword=s3\n",
        "[100]\ntype=aor\nmax_contacts=2\n",
    )

    found = sections(tmp_path, "".join(parts[number] for number in order))

    assert found == {
        "100": {
            "type": "endpoint", "context": "from-internal", "auth": "100", "aors": "100", "password": "s3",
            "max_contacts": "2",
        }
    }  # fmt: skip


def test_templates_lend_their_options_and_are_not_listed(tmp_path: Path) -> None:
    assert sections(tmp_path, "[phone](!)\ntype=endpoint\ncontext=a\n[100](phone)\ncontext=b\n") == {
        "100": {"type": "endpoint", "context": "b"}
    }


def test_an_empty_section_beside_another_of_its_name_adds_nothing(tmp_path: Path) -> None:
    assert sections(tmp_path, "[100]\ntype=endpoint\n[100]\n") == {"100": {"type": "endpoint"}}


@pytest.mark.parametrize("text", ["[100]\nx=1\n#include nothing.conf\n", "[100]\nx=1\n[broken\n"])
def test_a_file_that_cannot_be_read_whole_gives_nothing_and_says_so_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    assert sections(tmp_path, text) == {}
    assert "pjsip.conf:3" in caplog.text


def test_an_absent_file_gives_nothing(tmp_path: Path) -> None:
    assert ConfSipExtensions(str(tmp_path / "sip.conf")).sections() == {}
