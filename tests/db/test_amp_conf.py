from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.db.amp_conf import parse

AS_INSTALLED = """<?php
// This file was automatically generated at install time.
$amp_conf['AMPDBUSER'] = 'freepbxuser';
$amp_conf['AMPDBPASS'] = 'a"b$c//d#e;f';
$amp_conf["AMPDBHOST"]="localhost";
 $amp_conf [ 'AMPDBNAME' ]   =   'asterisk' ;
$amp_conf['AMPDBENGINE'] = 'mysql'; $amp_conf['datasource'] = ''; //for sqlite3
/* $amp_conf['AMPDBUSER'] = 'commented';
*/
# $amp_conf['AMPDBUSER'] = 'commented';
require_once('/var/www/html/admin/bootstrap.php');
?>
"""


def test_reads_the_file_that_an_installation_writes() -> None:
    assert parse(AS_INSTALLED) == {
        "AMPDBUSER": "freepbxuser", "AMPDBPASS": 'a"b$c//d#e;f', "AMPDBHOST": "localhost", "AMPDBNAME": "asterisk",
        "AMPDBENGINE": "mysql", "datasource": "",
    }  # fmt: skip


# What PHP 8.2 makes of these.
@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r"'it\'s'", "it's"),
        (r"'a\\b\n\"'", r"a\b\n\""),
        (r'"a\"b\\c\$d\te"', 'a"b\\c$d\te'),
        (r'"a\qb"', r"a\qb"),
        ("'two\nlines'", "two\nlines"),
        ("'été ş'", "été ş"),
        ("'/* no comment */ // # ?>'", "/* no comment */ // # ?>"),
    ],
)
def test_quotes_and_escapes_are_phps(literal: str, value: str) -> None:
    assert parse(f"<?php $amp_conf['AMPDBPASS'] = {literal};") == {"AMPDBPASS": value}


@pytest.mark.parametrize(
    "text",
    [
        "$amp_conf['A'] = getenv('SECRET');",
        "$amp_conf['A'] = 'x' . 'y';",
        "$amp_conf['A'] = $other;",
        "$amp_conf['A'] = 'x'",
        "$amp_conf['A\"] = 'x';",
        "$amp_conf[A] = 'x';",
        "$other['A'] = 'x';",
        "// $amp_conf['A'] = 'x';",
        "/* $amp_conf['A'] = 'x';",
        '$help = \'set $amp_conf["A"] = "x";\';',
        '$open = \'$amp_conf["A"] = "x";',
    ],
)
def test_what_is_no_plain_assignment_is_passed_over(text: str) -> None:
    assert parse(f"<?php\n{text}\n") == {}


def test_a_comment_ends_with_its_line_or_with_php() -> None:
    assert parse("<?php // it's\n$amp_conf['A'] = 'x'; # ?>'<?php $amp_conf['B'] = 'y';") == {"A": "x"}
    assert parse("<?php # ?> <?php $amp_conf['B'] = 'y';") == {"B": "y"}


def test_the_last_of_two_assignments_counts() -> None:
    assert parse("$amp_conf['A'] = 'x'; $amp_conf['A'] = \"y\";") == {"A": "y"}


KEYS = st.from_regex(r"[A-Za-z_]{1,20}", fullmatch=True)


@given(st.dictionaries(KEYS, st.tuples(st.text(), st.booleans()), max_size=6), st.text(alphabet="/*# \n'x\"$;"))
def test_whatever_php_would_write_is_read_back(written: dict[str, tuple[str, bool]], comment: str) -> None:
    text = f"<?php /* {comment.replace('/', '')} */\n"
    for key, (value, single) in written.items():
        plain = value.replace("\\", "\\\\")
        literal = f"'{plain.replace(chr(39), chr(92) + chr(39))}'"
        if not single:
            literal = '"' + plain.replace('"', '\\"').replace("$", "\\$") + '"'
        text += f"$amp_conf['{key}'] = {literal}; // {key}\n"

    assert parse(text) == {key: value for key, (value, _) in written.items()}


PIECES = st.sampled_from(["$amp_conf", "[", "]", "'", '"', "A", "=", ";", "\\", "/*", "*/", "//", "#", "\n", " ", "?>"])


@given(st.lists(PIECES | st.text(max_size=3), max_size=200).map("".join))
def test_any_text_at_all_is_read(text: str) -> None:
    assert all(isinstance(value, str) for value in parse(text).values())


@pytest.mark.parametrize("piece", ["'\\", "\\'", "$amp_conf['A']='\\", "/*", "$amp_conf ['", "\"'", "//"])
def test_a_hostile_file_takes_no_longer_than_its_size_asks_for(piece: str) -> None:
    parse(piece * (1_000_000 // len(piece)))
