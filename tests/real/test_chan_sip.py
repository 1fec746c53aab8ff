"""The old SIP stack, which only Asterisk 16 has."""

from __future__ import annotations

import contextlib

from tests.real.asterisk import Asterisk
from tests.real.sip_phone import Phone


def test_chan_sip_phones_call_each_other_beside_pjsip(asterisk16: Asterisk) -> None:
    ports = asterisk16.ports
    with (
        contextlib.closing(Phone("200", "pw200", ports.chan_sip)) as caller,
        contextlib.closing(Phone("201", "pw201", ports.chan_sip)) as called,
    ):
        assert (caller.register(), called.register()) == (200, 200)
        call = caller.call("201").wait_answered()
        assert call.sound.hears()
        call.hang_up()
        called.wait_incoming().wait_ended()
        assert (caller.unregister(), called.unregister()) == (200, 200)
