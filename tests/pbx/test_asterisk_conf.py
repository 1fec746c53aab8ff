from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.pbx import asterisk_conf
from pbxapi.pbx.asterisk_conf import ConfError, manager_credentials, read

Sections = list[tuple[str, list[str]]]

# Files, and the sections that Asterisk 16 and 22 make of main.conf; tests/real asks them again.
AS_ASTERISK: Mapping[str, tuple[Mapping[str, str], Sections]] = {
    "options": (
        {
            "main.conf": "[a]\nx=1\ny => 2\nz = > 3\nw==4\nv=\n=6\nno equal sign\nu=a=b\n\\[t]=8\n\\#s=9\n"
            "  q  =  in the  middle \t\n\x01p=\x011\x02\nx = 5\nd=\"quoted\"\ne='too'\n"
        },
        [
            (
                "a",
                [
                    "x=1", "y=2", "z=> 3", "w==4", "v=", "u=a=b", "[t]=8", "#s=9", "q=in the  middle", "p=1", "x=5",
                    'd="quoted"', "e='too'",
                ],
            )
        ],
    ),
    "comments": (
        {
            "main.conf": "; first\n[a] ; named\nx=1 ; gone\ny=one\\;two ; gone\nz=1 ;-- in\nq=no\n--; w=2\nv=5\n"
            ";--- one line only\nu=6\n;-- a ;-- b --; c\nn=no\n--;\nt=7;-- in --; and on\nk=a;b\nl = \"q ; x\" ; y\n"
            "j=\\\\;3\nm=1 \\\n;-- \\;-- --;\ni=9\n;-- never ended\nh=no\n"
        },
        [
            (
                "a",
                [
                    "x=1", "y=one;two", "z=1", "w=2", "v=5", "u=6", "t=7 and on", "k=a", 'l="q', "j=\\;3", "m=1 \\",
                    "i=9",
                ],
            )
        ],
    ),
    "line ends": ({"main.conf": "\ufeff[a]\r\nx=1\r\n\r\n\ty=2\r"}, [("a", ["x=1", "y=2"])]),
    "names of sections": (
        {"main.conf": "[e]\n[a b ]\nx=1\n[ c]\nx=1\n[g] (base)\nx=1\n[h]x(base)\nx=1\n"},
        [("e", []), ("a b", ["x=1"]), ("c", ["x=1"]), ("g", ["x=1"]), ("h", ["x=1"])],
    ),
    "templates": (
        {
            "main.conf": "[base](!)\nx=1\ny=2\n[a](base)\nx=3\n[b](base,a)\n[c](a,!)\nz=1\n[d](C)\n[a](+)\nw=9\n"
            "[A](+)\nv=8\n[e](!,base)\n[f](e)\n"
        },
        [
            ("a", ["x=1", "y=2", "x=3", "w=9", "v=8"]),
            ("b", ["x=1", "y=2", "x=1", "y=2", "x=3"]),
            ("d", ["x=1", "y=2", "x=3", "z=1"]),
            ("f", ["x=1", "y=2"]),
        ],
    ),
    "sections of one name": (
        {
            "main.conf": "[100]\ntype=endpoint\n[100]\ntype=auth\n[100](+)\nk=1\n[100](+type=auth)\nk=2\n[z](100)\n"
        },
        [("100", ["type=endpoint", "k=1"]), ("100", ["type=auth", "k=2"]), ("z", ["type=endpoint", "k=1"])],
    ),
    "includes": (
        {
            "main.conf": "[a]\nx=1\n#include a.inc\ny=2\n#include \"b c.inc\" ; why not\n#include <sub/d.inc>\n"
            "#tryinclude nothing.inc\n#exec /bin/echo z=4\n#unknown word\n#include\n#INCLUDE a.inc\nz=3\n"
            "[b]\n#include\ta.inc\nw=1\n",
            "a.inc": "from_a=1\n[in_a]\nk=1\n",
            "b c.inc": "from_b=1\n",
            "sub/d.inc": "from_d=1\n#include e.inc\n#tryinclude sub/e.inc\n",
            "sub/e.inc": "from_sub_e=1\n",
            "e.inc": "from_e=1\n",
        },
        [
            ("a", ["x=1", "from_a=1", "y=2", "z=3"]),
            ("in_a", ["k=1", "from_b=1", "from_d=1", "from_e=1", "from_sub_e=1", "from_a=1"]),
            ("in_a", ["k=1"]),
            ("b", ["from_a=1", "w=1"]),
            ("in_a", ["k=1"]),
        ],
    ),
    "includes by pattern": (
        {
            "main.conf": "[a]\n#include many/*.inc\n#tryinclude none/*.inc\nx=1\n",
            "many/2.inc": "two=1\n",
            "many/1.inc": "one=1\n",
            "many/.3.inc": "hidden=1\n",
            "many/folder.inc/x": "",
        },
        [("a", ["one=1", "two=1", "x=1"])],
    ),
}  # fmt: skip


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder / "main.conf"


def sections(path: Path) -> Sections:
    return [(section.name, [f"{name}={value}" for name, value in section.options]) for section in read(path)]


@pytest.mark.parametrize("case", AS_ASTERISK)
def test_reads_what_asterisk_reads(tmp_path: Path, case: str) -> None:
    files, expected = AS_ASTERISK[case]

    assert sections(write(tmp_path, files)) == expected


def test_an_absolute_include_and_a_folder_with_a_pattern_in_its_name(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.inc"
    elsewhere.write_text("y=2\n")
    folder = tmp_path / "[a]*"

    path = write(folder, {"main.conf": f"[s]\n#include {elsewhere}\n#include near.inc\n", "near.inc": "z=3\n"})

    assert sections(path) == [("s", ["y=2", "z=3"])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=1\n[a]\ny=1\n", [("a", ["y=1"])]),
        ("[a](nothere)\ny=1\n", [("a", ["y=1"])]),
        ("[a](+)\ny=1\n", [("a", ["y=1"])]),
        ("[a](later)\ny=1\n[later]\nx=1\n", [("a", ["y=1"]), ("later", ["x=1"])]),
    ],
)
def test_a_part_of_a_configuration_can_be_read_by_itself(tmp_path: Path, text: str, expected: Sections) -> None:
    assert sections(write(tmp_path, {"main.conf": text})) == expected


def test_a_file_that_is_not_utf_8_is_read_as_latin_1(tmp_path: Path) -> None:
    path = write(tmp_path, {"main.conf": b"[a]\nx=Jos\xe9\n#include u.inc\n", "u.inc": "y=José\n"})

    assert sections(path) == [("a", ["x=José", "y=José"])]


def test_of_an_option_given_twice_the_last_counts_in_any_case(tmp_path: Path) -> None:
    [section] = read(write(tmp_path, {"main.conf": "[a]\nSecret=1\nsecret=2\n"}))

    assert (section.get("SECRET"), section.get("other")) == ("2", None)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"main.conf/file": ""},
        {"main.conf": "[a]\n#include nothing.inc\n"},
        {"main.conf": "[a]\n#include none/*.inc\n"},
        {"main.conf": "[a]\n#include folder\n", "folder/file": ""},
        {"main.conf": '[a]\n#include "\n'},
        {"main.conf": "[a]\n#include a\0b\n"},
        {"main.conf": "[a]\n#include " + "x" * 5000 + "\n"},
        {"main.conf": "[a\nx=1\n"},
        {"main.conf": "[a](b\nx=1\n"},
        {"main.conf": "[a]\n#include main.conf\n"},
        {"main.conf": "[a]\n#tryinclude main.conf\n"},
        {"main.conf": "[a]\n#include b.inc\n", "b.inc": "#include sub/../main.conf\n", "sub/x": ""},
    ],
)
def test_what_cannot_be_read_whole_is_an_error(tmp_path: Path, files: Mapping[str, str]) -> None:
    with pytest.raises((OSError, ConfError)):
        read(write(tmp_path, files))


def test_includes_go_as_deep_as_asterisk_goes(tmp_path: Path) -> None:
    def chain(depth: int) -> dict[str, str]:
        return {"main.conf": "[a]\n#include 1.inc\n", f"{depth}.inc": "x=1\n"} | {
            f"{n}.inc": f"#include {n + 1}.inc\n" for n in range(1, depth)
        }

    assert sections(write(tmp_path, chain(10))) == [("a", ["x=1"])]
    with pytest.raises(ConfError, match="10 deep"):
        read(write(tmp_path, chain(11)))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "main.conf")

    with pytest.raises(ConfError, match="not a file"):
        read(tmp_path / "main.conf")


def test_nothing_is_executed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="pbxapi")
    path = write(tmp_path, {"main.conf": f"[a]\n#exec touch {tmp_path}/done\nx=1\n"})

    assert sections(path) == [("a", ["x=1"])]
    assert not (tmp_path / "done").exists()
    assert f"{path}:2: #exec is not executed" in caplog.text


@pytest.mark.parametrize(
    ("limit", "value", "files"),
    [
        ("MAX_BYTES", 10, {"main.conf": "[a]\nx=12345\n"}),
        ("MAX_BYTES", 20, {"main.conf": "[a]\n#include b\n", "b": "x=12345\n"}),
        ("MAX_FILES", 2, {"main.conf": "[a]\n#include b\n#include b\n", "b": "x=1\n"}),
        ("MAX_OPTIONS", 3, {"main.conf": "[a]\nx=1\ny=2\nz=3\n"}),
    ],
)
def test_what_a_file_can_make_of_itself_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, files: Mapping[str, str]
) -> None:
    path = write(tmp_path, files)
    read(path)
    monkeypatch.setattr(asterisk_conf, limit, value)

    with pytest.raises(ConfError, match=f"more than {value} "):
        read(path)


def test_templates_that_double_each_other_are_bounded(tmp_path: Path) -> None:
    doubling = "".join(f"[t{n + 1}](t{n},t{n})\n" for n in range(64))

    with pytest.raises(ConfError, match="options"):
        read(write(tmp_path, {"main.conf": "[t0]\nx=1\n" + doubling}))


def test_no_secret_is_in_an_error_or_a_repr(tmp_path: Path) -> None:
    [section] = read(write(tmp_path, {"main.conf": "[a]\nsecret=hush\n"}))
    assert "hush" not in repr(section)

    with pytest.raises(ConfError) as raised:
        read(write(tmp_path, {"main.conf": "[a]\nsecret=hush\n[hush\n"}))
    assert "hush" not in str(raised.value)


PIECES = st.one_of(
    st.sampled_from(
        [
            "[", "]", "(", ")", "!", "+", ",", "=", "=>", ";", "\\;", ";--", "--;", "-", "#include ", "#tryinclude ",
            "#exec ", "main.conf", "b.inc", "*", "?", "[a-", '"', "<", ">", "\\", "\n", "\r\n", "\0", "\t", " ", "a",
            "type", "endpoint", "&", "é", "\ufeff", "../", "/",
        ]
    ),
    st.text(max_size=3),
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=60).map("".join)


@given(main=TEXTS, other=TEXTS | st.binary(max_size=60))
def test_whatever_stands_in_a_file_it_is_read_or_refused(main: str, other: str | bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), {"main.conf": main.encode("utf-8", "replace"), "b.inc": other})
        try:
            found = read(path)
        except (OSError, ConfError):
            return
        for section in found:
            assert not section.template
            for text in (section.name, *(part for option in section.options for part in option)):
                assert "\n" not in text
                assert text == text.strip(asterisk_conf.BLANKS)


PRINTABLE = st.text(
    st.characters(min_codepoint=33, exclude_characters="\\;=[]#()>+", exclude_categories=["Cs"]), min_size=1
)
VALUES = st.text(st.characters(min_codepoint=32, exclude_characters="\\", exclude_categories=["Cs"])).map(
    lambda text: text.strip(asterisk_conf.BLANKS).removeprefix(">").strip(asterisk_conf.BLANKS)
)


@given(st.lists(st.tuples(PRINTABLE, st.lists(st.tuples(PRINTABLE, VALUES), max_size=5)), max_size=5))
def test_what_was_written_is_read_back(written: list[tuple[str, list[tuple[str, str]]]]) -> None:
    text = ""
    for name, options in written:
        text += f"[{name}] ; a section\n"
        text += "".join(f"{option} = {value.replace(';', chr(92) + ';')}\n" for option, value in options)
    with tempfile.TemporaryDirectory() as folder:
        found = read(write(Path(folder), {"main.conf": text}))

    assert [(section.name, section.options) for section in found] == written


class TestManagerCredentials:
    def test_are_of_the_first_section_with_a_secret_that_is_not_general(self, tmp_path: Path) -> None:
        path = write(
            tmp_path,
            {
                "main.conf": "[General]\nsecret=no\n[empty]\nsecret=\n[tpl](!)\nsecret=lent\n#include users.inc\n"
                "[z]\nsecret=no\n",
                "users.inc": "[crm](tpl)\nread=all\nsecret = a\\;b=c ; comment\n",
            },
        )

        assert manager_credentials(path) == ("crm", "a;b=c")

    @pytest.mark.parametrize("text", ["", "[general]\nsecret=x\n", "[a]\nread=all\n", "[a\n"])
    def test_are_an_error_when_there_are_none(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(ConfError):
            manager_credentials(write(tmp_path, {"main.conf": text}))

    def test_are_an_error_when_the_file_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            manager_credentials(tmp_path / "manager.conf")
