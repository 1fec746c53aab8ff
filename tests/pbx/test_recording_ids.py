from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.errors import NotFound
from pbxapi.pbx.recording_ids import MOST, Seal

PATH = "2026/11/22/internal-201-200-20261122-193144-1795375904.0.wav"
paths = st.binary(max_size=300).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


def seal(key: bytes = b"k" * 32) -> Seal:
    return Seal(lambda: key)


@given(paths)
def test_any_path_comes_back_from_its_id(path: str) -> None:
    sealed = seal().seal(path)
    assert seal().open(sealed) == path
    assert sealed.isascii()
    assert sealed.replace("-", "a").replace("_", "a").isalnum()


@given(st.binary(min_size=20, max_size=100), st.data())
def test_any_altered_id_is_refused(raw: bytes, data: st.DataObject) -> None:
    sealed = seal().seal(raw.decode("utf-8", "surrogateescape"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.sampled_from("ABCabc019-_=+/ .\x00ä").filter(lambda c: c != sealed[place]))
    for altered in (sealed[:place] + other + sealed[place + 1 :], sealed[:place], sealed + other, other + sealed):
        with pytest.raises(NotFound):
            seal().open(altered)


@given(st.text(max_size=200))
def test_what_was_never_an_id_is_refused(text: str) -> None:
    with pytest.raises(NotFound):
        seal().open(text)


def test_an_id_of_another_key_is_refused() -> None:
    with pytest.raises(NotFound):
        seal(b"x" * 32).open(seal().seal(PATH))


def test_the_last_character_spelled_in_another_way_is_refused() -> None:
    # 17 bytes are 22 characters and 4 bits: base64 reads four characters as the same last one.
    sealed = seal().seal("a")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    good = []
    for last in alphabet:
        try:
            good.append(seal().open(sealed[:-1] + last))
        except NotFound:
            continue
    assert good == ["a"]


def test_an_id_tells_nothing_of_its_path_and_nothing_of_another_that_begins_alike() -> None:
    one, other = seal().seal(PATH), seal().seal(PATH[:-1] + "x")
    assert "wav" not in one
    assert sum(a == b for a, b in zip(one, other, strict=True)) < len(one) / 4


def test_the_key_is_asked_for_once_and_not_before_it_is_needed() -> None:
    asked = []

    def key() -> bytes:
        asked.append(1)
        return b"k" * 32

    sealed = Seal(key)
    assert asked == []
    sealed.open(sealed.seal(PATH))
    sealed.seal(PATH)
    assert asked == [1]


def test_what_no_file_system_would_take_for_a_path_has_no_id() -> None:
    with pytest.raises(ValueError, match="too long"):
        seal().seal("x" * (MOST + 1))
    with pytest.raises(NotFound):
        seal().open("A" * 100_000)
