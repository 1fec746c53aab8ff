from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pbxapi.errors import (
    Invalid,
    NotFound,
    RecordingEmpty,
    RecordingGone,
    RecordingInProgress,
    RecordingNotPermitted,
    Unavailable,
)
from pbxapi.pbx.history import Filters
from pbxapi.pbx.recording_ids import Seal
from pbxapi.pbx.recordings import FileRecordings
from tests.things_recordings import EMPTY, NAME, PATH, SOUND, put, unclosed, wav

BERLIN = ZoneInfo("Europe/Berlin")
KEY = b"k" * 32
SECRET = b"not for anybody" * 10
DATE = "2026-11-23 00:01:02"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "monitor"
    folder.mkdir()
    (tmp_path / "secret.wav").write_bytes(SECRET)
    put(tmp_path / "monitor2", "x.wav", SECRET)
    return folder


@pytest.fixture
def recordings(root: Path) -> FileRecordings:
    return FileRecordings(str(root), lambda: KEY, BERLIN)


def id_of(recordings: FileRecordings, name: str, userfield: str = "", calldate: str = DATE) -> str:
    found = recordings.id_of(name, userfield, calldate)
    assert found is not None
    return found


def sealed(path: str) -> str:
    """An id of ours for any path, as nobody can make one who has not the key."""
    return Seal(lambda: KEY).seal(path)


def read(recordings: FileRecordings, recording_id: str) -> bytes:
    with recordings.open(recording_id).file as file:
        return file.read()


# What a record says


@pytest.mark.parametrize(
    ("recordingfile", "userfield", "calldate", "path"),
    [
        (NAME, "", DATE, PATH),
        ("exten-201-200-20261122-193547-1795.24.WAV", "", "", "2026/11/22/exten-201-200-20261122-193547-1795.24.WAV"),
        # What was dialled looks like a date: the last one is the date.
        ("out-20250101-1-20261122-193547-1.wav", "", DATE, "2026/11/22/out-20250101-1-20261122-193547-1.wav"),
        ("out-29999999-200-x.wav", "", DATE, "2026/11/23/out-29999999-200-x.wav"),
        ("call.wav", "", DATE, "2026/11/23/call.wav"),
        ("call.wav", "", "", "call.wav"),
        ("2026/11/22/call.wav", "", DATE, "2026/11/22/call.wav"),
        ("{root}/a/b.wav", "", DATE, "a/b.wav"),
        ("", "audio:{root}/b.wav", DATE, "b.wav"),
        ("", "audio:20100513-153014-1273774214.31.wav", DATE, "2010/05/13/20100513-153014-1273774214.31.wav"),
        ("audio:{root}/b.wav", "audio:{root}/b.wav", DATE, "b.wav"),
        ("Gespräch.wav", "", "", "Gespräch.wav"),
        ("...wav", "", "", "...wav"),
    ],
)  # fmt: skip
def test_a_record_names_a_path_below_the_folder(
    recordings: FileRecordings, root: Path, recordingfile: str, userfield: str, calldate: str, path: str
) -> None:
    found = recordings.id_of(recordingfile.format(root=root), userfield.format(root=root), calldate)
    assert found == sealed(path)


@pytest.mark.parametrize(
    ("recordingfile", "userfield"),
    [
        ("", ""), ("deleted", ""), ("", "audio:deleted"), ("", "just a note"), ("", "audio:"), ("", "Audio:x.wav"),
        ("..", ""), (".", ""), ("../secret.wav", ""), ("a/../../secret.wav", ""), ("/etc/passwd", ""),
        ("{root}2/x.wav", ""), ("{root}/../secret.wav", ""), ("{root}", ""), ("{root}/", ""), ("{root}//x.wav", ""),
        ("a\0b.wav", ""), ("a\nb.wav", ""), ("x" * 1001, ""), ("a//b.wav", ""), ("a/", ""), ("./a.wav", ""),
        ("\ud800.wav", ""),
    ],
)  # fmt: skip
def test_what_names_nothing_below_the_folder_has_no_id(
    recordings: FileRecordings, root: Path, recordingfile: str, userfield: str
) -> None:
    assert recordings.id_of(recordingfile.format(root=root), userfield.format(root=root), "") is None


def test_a_full_path_is_taken_by_the_folders_real_name_as_well(tmp_path: Path, root: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    recordings = FileRecordings(str(link), lambda: KEY, BERLIN)
    put(root)
    assert recordings.id_of(f"{root}/{PATH}", "", "") == recordings.id_of(f"{link}/{PATH}", "", "") == sealed(PATH)
    assert read(recordings, sealed(PATH)) == SOUND


# Where its file is


def test_a_recording_is_found_by_the_date_in_its_name_and_not_by_that_of_the_call(
    recordings: FileRecordings, root: Path
) -> None:
    put(root)
    assert read(recordings, id_of(recordings, NAME)) == SOUND


def test_one_that_is_not_in_the_folder_of_its_date_is_looked_for_in_the_root(
    recordings: FileRecordings, root: Path
) -> None:
    put(root, NAME)
    opened = recordings.open(id_of(recordings, NAME))
    opened.file.close()
    assert (opened.path, opened.name) == (NAME, NAME)


@pytest.mark.parametrize("place", ["2026/11/22/", ""])
def test_a_name_without_its_ending_is_completed(recordings: FileRecordings, root: Path, place: str) -> None:
    name = NAME.removesuffix(".wav")
    put(root, place + name, SECRET)
    put(root, f"{place}{name}.gsm")
    opened = recordings.open(id_of(recordings, name))
    opened.file.close()
    assert (opened.name, opened.format, opened.media_type) == (f"{name}.gsm", "gsm", "audio/x-gsm")


def test_what_is_no_sound_is_not_given(recordings: FileRecordings, root: Path) -> None:
    for name in ("notes.txt", "passwd", "x.wav.gpg"):
        put(root, name)
        with pytest.raises(RecordingGone):
            recordings.open(sealed(name))


def test_an_open_recording_tells_what_it_is(recordings: FileRecordings, root: Path) -> None:
    file = put(root)
    opened = recordings.open(id_of(recordings, NAME))
    assert not os.get_inheritable(opened.file.fileno())
    opened.file.close()
    known = file.stat()
    assert (opened.path, opened.name, opened.size, opened.media_type) == (PATH, NAME, len(SOUND), "audio/wav")
    assert opened.modified_at == datetime.fromtimestamp(int(known.st_mtime), UTC)
    assert opened.etag == f'"{int(known.st_mtime):x}-{known.st_size:x}"'


# Hostile folders


def hostile(root: Path, kind: str) -> str:
    """Put something there that must not be read; its path."""
    secret = root.parent / "secret.wav"
    if kind == "link to a file":
        (root / "x.wav").symlink_to(secret)
    elif kind == "link to a folder":
        (root / "a").symlink_to(root.parent)
        return "a/secret.wav"
    elif kind == "link inside of the folder":
        put(root, "real.wav")
        (root / "x.wav").symlink_to("real.wav")
    elif kind == "FIFO":
        os.mkfifo(root / "x.wav")
    elif kind == "folder":
        (root / "x.wav").mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(root / "x.wav"))
    elif kind == "file in the place of a folder":
        put(root, "a")
        return "a/x.wav"
    elif kind == "huge name":
        return "x" * 900 + ".wav"
    return "x.wav"


KINDS = [
    "link to a file", "link to a folder", "link inside of the folder", "FIFO", "folder", "socket",
    "file in the place of a folder", "huge name", "nothing",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_a_regular_file_below_the_folder_is_read_or_deleted(
    recordings: FileRecordings, root: Path, kind: str
) -> None:
    path = hostile(root, kind)
    with pytest.raises(RecordingGone):
        recordings.open(sealed(path))
    with pytest.raises(RecordingGone):
        recordings.open_named(path)
    with pytest.raises(RecordingGone):
        recordings.delete(sealed(path), lambda etag: None)
    assert recordings.look(sealed(path)).state == "gone"
    assert (root.parent / "secret.wav").exists()


@pytest.mark.parametrize(
    "path",
    ["../secret.wav", "a/../../secret.wav", "/etc/passwd", "..", ".", "", "x.wav\0", "a//x.wav", "x.wav/", "a/./x.wav"],
)
def test_a_hostile_path_is_refused_even_with_a_genuine_seal(recordings: FileRecordings, root: Path, path: str) -> None:
    put(root, "x.wav")
    put(root, "a/x.wav")
    for use in (recordings.open, recordings.look, lambda found: recordings.delete(found, lambda etag: None)):
        with pytest.raises(NotFound):
            use(sealed(path))
    assert (root / "x.wav").exists()


@pytest.mark.parametrize(
    "name",
    ["../secret.wav", "/../secret.wav", "..", "", "/", "x.wav\0", "%2e%2e/secret.wav", "..%2fsecret.wav",
     "%252e%252e/secret.wav", "../monitor2/x.wav", "2/x.wav", "a/../x.wav", "\ud800"],
)  # fmt: skip
def test_a_hostile_name_finds_nothing(recordings: FileRecordings, root: Path, name: str) -> None:
    put(root, "x.wav")
    with pytest.raises(NotFound):
        recordings.open_named(name)
    with pytest.raises(NotFound):
        recordings.open_named(str(root.parent / "secret.wav"))


def test_any_file_is_given_by_its_name_with_or_without_a_slash(recordings: FileRecordings, root: Path) -> None:
    put(root, "a/notes.txt", b"x")
    for name in ("a/notes.txt", "/a/notes.txt", "//a/notes.txt"):
        with recordings.open_named(name).file as file:
            assert file.read() == b"x"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_swapped_for_a_link_while_it_is_opened_never_leads_outside(
    recordings: FileRecordings, root: Path, what: str
) -> None:
    put(root, "a/x.wav")
    put(root.parent / "outside", "x.wav", SECRET)
    place = root / "a" / "x.wav" if what == "file" else root / "a"
    target = root.parent / "outside" / "x.wav" if what == "file" else root.parent / "outside"
    kept, link = root.parent / "kept", root.parent / "link"
    link.symlink_to(target)
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            place.rename(kept)
            link.rename(place)
            place.rename(link)
            kept.rename(place)

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = {"opened": 0, "gone": 0}
    deadline = time.monotonic() + 10
    try:
        while (seen["opened"] < 200 or seen["gone"] < 200) and time.monotonic() < deadline:
            try:
                assert read(recordings, sealed("a/x.wav")) == SOUND
                seen["opened"] += 1
            except RecordingGone:
                seen["gone"] += 1
    finally:
        done.set()
        swapping.join(5)
    assert min(seen.values()) > 0


def test_no_descriptor_is_left_open(recordings: FileRecordings, root: Path) -> None:
    paths = [hostile(root, "link to a folder"), "nothing/there.wav", PATH]
    put(root, data=EMPTY)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in paths:
        for use in (recordings.open, recordings.look):
            try:
                use(sealed(path))
            except NotFound:
                continue
    recordings.scan(Filters(), limit=10, cursor=None)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# In which state it is


@pytest.mark.parametrize(
    ("name", "data", "age", "state"),
    [
        ("a.wav", SOUND, 3600, "available"),
        ("a.wav", SOUND, 0, "available"),  # the sizes are filled in: Asterisk has closed it
        ("a.wav", unclosed(), 0, "recording"),
        ("a.wav", unclosed(), 50, "recording"),
        ("a.wav", unclosed(), 70, "available"),  # Asterisk was killed
        ("a.wav", unclosed(), -2, "recording"),  # the file server's clock is ahead
        ("a.wav", EMPTY, 0, "empty"),
        ("a.wav", unclosed(EMPTY), 1, "recording"),
        ("a.wav", unclosed(EMPTY), 70, "empty"),
        ("a.wav", b"", 70, "empty"),
        ("a.wav", b"", 1, "recording"),
        ("a.WAV", unclosed(EMPTY) + bytes(16), 20, "recording"),  # wav49 grows every 20 seconds
        ("a.WAV", unclosed(EMPTY) + bytes(16), 70, "empty"),
        ("a.gsm", b"x" * 500, 10, "recording"),
        ("a.gsm", b"x" * 500, 25, "available"),
        ("a.gsm", b"", 70, "empty"),
        ("a.ulaw", b"x" * 500, 4, "recording"),
        ("a.ulaw", b"x" * 500, 6, "available"),
        ("a.mp3", b"x" * 44, 70, "empty"),
        ("a.mp3", b"x" * 45, 70, "available"),
    ],
)
def test_the_state_is_told_by_the_header_and_the_age(
    recordings: FileRecordings, root: Path, name: str, data: bytes, age: float, state: str
) -> None:
    put(root, name, data, age)
    known = recordings.look(sealed(name))
    assert (known.state, known.size, known.name) == (state, len(data), name)
    if state == "available":
        assert read(recordings, sealed(name)) == data
    else:
        with pytest.raises(RecordingInProgress if state == "recording" else RecordingEmpty):
            recordings.open(sealed(name))


def test_a_file_that_is_gone_has_a_name_and_nothing_more(recordings: FileRecordings) -> None:
    known = recordings.look(id_of(recordings, NAME))
    assert (known.name, known.format, known.state, known.size, known.modified_at) == (NAME, "wav", "gone", None, None)


def test_a_folder_that_is_not_there_does_not_make_its_recordings_gone(tmp_path: Path) -> None:
    recordings = FileRecordings(str(tmp_path / "not mounted"), lambda: KEY, BERLIN)
    for use in (recordings.open, recordings.look):
        with pytest.raises(Unavailable) as caught:
            use(sealed(PATH))
        assert caught.value.part == "recordings"
        assert str(tmp_path) not in str(caught.value)
    with pytest.raises(Unavailable):
        recordings.scan(Filters(), limit=1, cursor=None)


AS_NOBODY = """
import os, sys
from datetime import UTC
from pbxapi.pbx.recordings import FileRecordings
recordings = FileRecordings(sys.argv[1], lambda: b"k" * 32, UTC)
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for what in sys.argv[2:]:
    use, _, name = what.partition(":")
    found = recordings.id_of(name, "", "")
    try:
        result = getattr(recordings, use)(found, *([lambda etag: None] if use == "delete" else []))
        print(getattr(result, "state", "done"))
    except Exception as error:
        print(type(error).__name__, error)
"""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A folder that another user can reach, of whom nothing in it is."""
    opened = [folder for folder in (tmp_path, *tmp_path.parents) if folder.owner() == tmp_path.owner()]
    modes = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in opened}
    for folder, mode in modes.items():
        folder.chmod(mode | 0o011)
    yield tmp_path
    for folder, mode in modes.items():
        folder.chmod(mode)


def test_what_our_user_may_not_read_or_delete_says_so_and_names_no_path(shared: Path) -> None:
    put(shared, "readable.wav").chmod(0o444)
    put(shared, "locked.wav").chmod(0o000)
    put(shared, "inner/x.wav")
    (shared / "inner").chmod(0o000)
    (shared / "readable.wav").chmod(0o444)
    mode = stat.S_IMODE(shared.stat().st_mode)
    shared.chmod(0o511)
    uses = ["look:readable.wav", "look:locked.wav", "open:locked.wav", "open:inner/x.wav", "delete:readable.wav"]
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(shared), *uses], capture_output=True, text=True, timeout=30, check=True
    )
    shared.chmod(mode)
    (shared / "inner").chmod(0o755)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["available", "unreadable"]
    assert [line.split()[0] for line in lines[2:]] == [RecordingNotPermitted.__name__] * 3
    assert str(shared) not in done.stdout
    assert (shared / "readable.wav").exists()


# Deleting


def test_deleting_removes_the_file_and_nothing_else(recordings: FileRecordings, root: Path) -> None:
    file, other = put(root), put(root, "2026/11/22/other.wav")
    seen: list[str] = []
    recordings.delete(id_of(recordings, NAME), seen.append)
    assert not file.exists()
    assert other.exists()
    with pytest.raises(RecordingGone):
        recordings.delete(id_of(recordings, NAME), seen.append)
    assert len(seen) == 1


def test_a_recording_without_sound_can_be_deleted_and_one_that_is_written_cannot(
    recordings: FileRecordings, root: Path
) -> None:
    empty, written = put(root, "empty.wav", EMPTY), put(root, "written.wav", unclosed(), age=1)
    recordings.delete(sealed("empty.wav"), lambda etag: None)
    with pytest.raises(RecordingInProgress):
        recordings.delete(sealed("written.wav"), lambda etag: None)
    assert not empty.exists()
    assert written.exists()


def test_nothing_is_deleted_that_the_check_refuses(recordings: FileRecordings, root: Path) -> None:
    file = put(root)
    opened = recordings.open(sealed(PATH))
    opened.file.close()

    def check(etag: str) -> None:
        assert etag == opened.etag
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        recordings.delete(sealed(PATH), check)
    assert file.exists()


# Scanning


def scan(recordings: FileRecordings, limit: int = 100, **filters: object) -> list[str]:
    """Names over all pages."""
    names: list[str] = []
    cursor = None
    for _ in range(200):
        page, cursor = recordings.scan(Filters(**filters), limit=limit, cursor=cursor)  # type: ignore[arg-type]
        assert len(page) <= limit
        names += [each.name for each in page]
        if cursor is None:
            return names
    raise AssertionError("the pages have no end")


def call(day: int, number: int, dst: str = "201", src: str = "200") -> str:
    return f"2026/11/{day:02d}/internal-{dst}-{src}-202611{day:02d}-10{number:02d}00-17953759{number:02d}.{day}.wav"


@pytest.fixture
def scanned(root: Path) -> list[str]:
    """Paths from the newest to the oldest."""
    paths = [call(day, number) for day in (22, 21, 3) for number in (3, 2, 1)]
    older = ["2025/12/31/q-400-200-20251231-235959-1.1.wav", "2025/12/31/unnamed.gsm", "z.wav", "a.mp3"]
    for path in paths + older:
        put(root, path)
    put(root, "2026/11/22/notes.txt")
    put(root, "archive/22/x.wav")
    put(root, "2026/13/01/x.wav")
    put(root, "2026/11/22/.hidden")
    (root / "2026/11/22/link.wav").symlink_to(root / "z.wav")
    (root / "2024").symlink_to(root.parent)
    return [Path(path).name for path in paths + older]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 13, 100])
def test_a_scan_gives_every_sound_once_the_newest_first(
    recordings: FileRecordings, scanned: list[str], limit: int
) -> None:
    assert scan(recordings, limit) == scanned


def test_a_scan_tells_what_the_name_tells(recordings: FileRecordings, root: Path) -> None:
    put(root)
    [found], _ = recordings.scan(Filters(), limit=1, cursor=None)
    assert found.id == id_of(recordings, NAME)
    assert (found.src, found.dst, found.uniqueid) == ("200", "201", "1795375904.0")
    assert found.calldate == datetime(2026, 11, 22, 19, 31, 44, tzinfo=BERLIN)
    assert (found.state, found.size, found.format) == ("available", len(SOUND), "wav")


def test_a_scan_is_narrowed_by_time_number_and_channel(
    recordings: FileRecordings, root: Path, scanned: list[str]
) -> None:
    put(root, call(21, 9, src="0301234"))

    def at(day: int, minute: int) -> datetime:
        return datetime(2026, 11, day, 10, minute, tzinfo=BERLIN)

    assert scan(recordings, start=at(21, 2), end=at(22, 2), either="200") == [scanned[2], scanned[3], scanned[4]]
    assert scan(recordings, either="0301234") == [Path(call(21, 9)).name.replace("-200-", "-0301234-")]
    assert scan(recordings, uniqueid="1795375902.21") == [scanned[4]]
    for name, moment in (("z.wav", at(23, 30)), ("a.mp3", at(1, 0))):
        os.utime(root / name, (moment.timestamp(), moment.timestamp()))
    assert scan(recordings, start=at(23, 0)) == ["z.wav"]


def test_a_scan_refuses_what_it_cannot_tell(recordings: FileRecordings) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for filters in (Filters(linkedid="1.1"), Filters(start=moment, end=moment)):
        with pytest.raises(Invalid):
            recordings.scan(filters, limit=1, cursor=None)
    with pytest.raises(Invalid):
        recordings.scan(Filters(), limit=1, cursor="made-up")


def test_names_that_are_no_utf8_are_found_and_can_be_read(recordings: FileRecordings, root: Path) -> None:
    with open(os.fsencode(root) + b"/Gespr\xe4ch.wav", "wb") as file:  # noqa: PTH123
        file.write(wav(0.1))
    os.utime(os.fsencode(root) + b"/Gespr\xe4ch.wav", (1, 1))
    [found], _ = recordings.scan(Filters(), limit=10, cursor=None)
    assert found.name == "Gespr�ch.wav"
    assert read(recordings, found.id) == wav(0.1)


def test_names_with_control_characters_are_left_alone(recordings: FileRecordings, root: Path) -> None:
    put(root, "a\nb.wav")
    assert scan(recordings) == []


def test_pages_of_a_scan_go_on_where_they_were_while_files_come_and_go(
    recordings: FileRecordings, root: Path, scanned: list[str]
) -> None:
    first, cursor = recordings.scan(Filters(), limit=4, cursor=None)
    (root / call(21, 3)).unlink()
    put(root, call(22, 9))
    second, _ = recordings.scan(Filters(), limit=4, cursor=cursor)
    assert [each.name for each in (*first, *second)] == scanned[:8]
