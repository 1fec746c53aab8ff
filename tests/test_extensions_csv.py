from __future__ import annotations

import pytest

from pbxapi.extensions_csv import operations, parse
from pbxapi.pbx.extension_checks import CODECS


def faults(data: str | bytes, *existing: str, update: bool = False) -> list[str]:
    parsed = parse(data if isinstance(data, bytes) else data.encode())
    operations(parsed, existing, update=update)
    return [str(fault) for fault in parsed.faults]


def values(data: str | bytes, *existing: str) -> list[tuple[str, str, dict[str, object]]]:
    parsed = parse(data if isinstance(data, bytes) else data.encode())
    found = operations(parsed, existing, update=True)
    assert parsed.faults == []
    return [(each.operation.op, each.operation.number, dict(each.operation.values)) for each in found]


def test_columns_are_fields_with_inner_ones_by_dots() -> None:
    data = (
        "Extension, NAME ,codecs,webrtc,ring_time,voicemail.password,voicemail.options.tz,"
        "recording.priority,options.rtp_symmetric,voicemail.attach\n"
        '200,"Alice",ulaw alaw,yes,20,4321,european,5,yes,no\n'
    )
    assert values(data) == [
        (
            "create",
            "200",
            {
                "name": "Alice",
                "codecs": ["ulaw", "alaw"],
                "webrtc": True,
                "ring_time": 20,
                "voicemail": {"password": "4321", "options": {"tz": "european"}, "attach": False},
                "recording": {"priority": 5},
                "options": {"rtp_symmetric": "yes"},
            },
        )
    ]


def test_an_empty_cell_says_nothing() -> None:
    assert values("extension,name,secret,voicemail.email\n200,Alice,,\n") == [("create", "200", {"name": "Alice"})]
    assert values("extension,name,caller_id\n200,,555", "200") == [("update", "200", {"caller_id": "555"})]


def test_voicemail_is_yes_or_no() -> None:
    data = "extension,name,voicemail\n200,A,yes\n201,B,no\n"
    assert [each[2].get("voicemail", "none") for each in values(data)] == [{}, None]
    assert faults("extension,name,voicemail\n200,A,perhaps\n") == [
        "line 2: voicemail: Must be yes or no; PIN, e-mail, ... have columns of their own."
    ]
    for names in ("voicemail,voicemail.password", "voicemail.password,voicemail"):
        cells = "no,4321" if names.startswith("voicemail,") else "4321,no"
        assert faults(f"extension,name,{names}\n200,A,{cells}\n") == [
            "line 2: voicemail: Is no, and other columns say what it holds."
        ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "Zoë 🐙"), ("utf-8-sig", "Zoë 🐙"), ("cp1252", "Zoë"), ("utf-16", "Zoë 🐙")],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_of_every_spreadsheet_are_read(delimiter: str, encoding: str, name: str, end: str) -> None:
    text = end.join([f"extension{delimiter}name", f"200{delimiter}{name}", ""])
    assert values(text.encode(encoding)) == [("create", "200", {"name": name})]


def test_what_is_no_text_is_said_so() -> None:
    for data in (b"PK\x03\x04\0\0\0", b"extension\x81\x8d\n", b"\xff\xfee\0x"[:5]):
        assert faults(data) == ["The file is no text in UTF-8 or Latin-1: save it as CSV in UTF-8"]
    assert faults("") == ["The file is empty"]


def test_the_first_line_must_name_columns_that_there_are() -> None:
    assert faults("200,Alice\n")[0] == "line 1: no column extension: the first line must name the columns"
    assert faults("extension,name,name,nonsense,voicemail.pin,recording,managed,options.\n") == [
        "line 1: the column 'name' is there twice",
        "line 1: there is no column 'nonsense'",
        "line 1: there is no column 'voicemail.pin'",
        "line 1: there is no column 'recording'",
        "line 1: there is no column 'managed'",
        "line 1: there is no column 'options.'",
    ]


def test_every_fault_has_the_number_of_its_line() -> None:
    data = (
        'extension,name,secret,codecs\n200,Alice,,\n\n201,"Two\nlines",,\n2o2,Bob,,\n203,,,\n'
        "205,E,,,surplus\n,F,,\n200,G,,\n206,H\n"
    )
    assert faults(data) == [
        "line 8: 5 cells, and only 4 columns",
        "line 9: extension: is empty",
        "line 10: 200 stands in line 2 already",
        "line 4: name: Must be without U+000A.",
        "line 6: extension: Must be 1 to 20 digits.",
        "line 7: name: Missing data for required field.",
    ]
    assert faults("extension,name\n200,A\n201,B\n", "201") == ["line 3: 201 exists already (--update changes it)"]
    assert faults("extension,name,secret,codecs\n204,D,204204,\n205,E,,mp3\n") == [
        "line 2: secret: Is too easy to guess: leave it out, and a good one is made.",
        "line 3: codecs.0: Must be one of: " + ", ".join(CODECS) + ".",
    ]


def test_a_line_that_is_no_csv_is_named() -> None:
    quoted = 'A cell with quotes in it is written """Bob"" <201>"'
    [fault] = faults('extension,name,caller_id\n200,A,\n\n201,Bob,"Bob" <201>\n')
    assert fault == f"line 4: not CSV: ',' expected after '\"'. {quoted}"
    lines = [f"{number},N{number}" for number in range(200, 300)]
    lines[5] = '205,"N205'
    [fault] = faults("\n".join(["extension,name", *lines]))
    assert fault == f"line 7: not CSV: a quote that begins here is not closed. {quoted}"


def test_two_encodings_in_one_file_are_not_guessed_at() -> None:
    mixed = "extension,name\n200,Zoë\n".encode() + "201,René\n".encode("cp1252")
    assert faults(mixed) == ["The file is UTF-8 but for line 3: save it as CSV in UTF-8 as a whole"]
    marked = "extension,name\n".encode("utf-8-sig") + "201,René\n".encode("cp1252")
    assert faults(marked) == ["The file is UTF-8 but for line 2: save it as CSV in UTF-8 as a whole"]


@pytest.mark.parametrize(
    "text", ["extension;codecs\r200;ulaw,alaw,g722\r", " \nextension;codecs\n200;ulaw,alaw,g722\n"]
)
def test_the_delimiter_is_that_of_the_first_line_with_something_in_it(text: str) -> None:
    assert values(text, "200") == [("update", "200", {"codecs": ["ulaw", "alaw", "g722"]})]


def test_no_secret_stands_in_a_fault() -> None:
    found = faults("extension,name,secret\n200,Alice,Kq7;secret\n201,Bob,12345678\n")
    assert len(found) == 2
    assert not any("Kq7" in each or "12345678" in each for each in found)
