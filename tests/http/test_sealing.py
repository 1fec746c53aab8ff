from __future__ import annotations

import pytest

from pbxapi.http.sealing import derived, opened, sealed

KEY = derived("a secret of ours", "purpose", "one")


@pytest.mark.parametrize("plain", [b"", b"x", b"\0\0\0", bytes(range(256)) * 5_000])
def test_what_is_sealed_can_be_opened_and_nothing_of_it_is_to_be_seen(plain: bytes) -> None:
    text = sealed(KEY, plain)
    assert opened(KEY, text) == plain
    assert len(text) == len(plain) + 28
    assert len(plain) < 3 or plain[:8] not in text


def test_the_same_never_looks_the_same() -> None:
    assert sealed(KEY, b"the same") != sealed(KEY, b"the same")


@pytest.mark.parametrize("place", [0, 11, 12, 19, 20, 35])
def test_what_was_changed_is_not_opened(place: int) -> None:
    text = bytearray(sealed(KEY, b"a secret"))
    text[place] ^= 1
    assert opened(KEY, bytes(text)) is None


@pytest.mark.parametrize("text", [b"", b"x" * 11, b"x" * 27, b"x" * 28])
def test_what_was_never_sealed_is_not_opened(text: bytes) -> None:
    assert opened(KEY, text) is None


def test_another_key_opens_nothing() -> None:
    others = [derived("another secret", "purpose", "one"), derived("a secret of ours", "purpose", "two")]
    assert [opened(other, sealed(KEY, b"a secret")) for other in others] == [None, None]
    # What the parts are is part of it.
    assert derived("s", "ab", "c") != derived("s", "a", "bc")
