"""Who calls whom: the numbers of the demo exchange, and those of the world outside.

Numbers of the outside are from the ranges that Ofcom keeps for drama: nobody has them.
"""

from __future__ import annotations

import random
from itertools import accumulate

from pbxapi.demo.channels import Party
from pbxapi.demo.phones import PHONES, Phone
from pbxapi.demo.queue import MEMBERS, QUEUES

PHONE = {phone.number: phone for phone in PHONES}
COMPANY = Party("02079460100", "Demo Company")
"""As the trunk shows who calls."""

QUEUE_OF_DID = {"02079460100": "", "02079460101": "800", "02079460102": "801"}
"""Numbers from outside that end in a queue; at the first a menu asks which."""

DIRECT_DIALS = {f"02079460{number}": number for number in ("105", "107", "109", "110", "111", "112", "114", "118")}
"""Numbers from outside that ring a phone."""

RING_GROUP, RING_GROUP_DID = "500", "02079460103"
RING_GROUP_MEMBERS = ("110", "111", "112")
FOLLOW_ME = {"113": "07700900113"}
"""The mobile phone that rings as well."""

ACCOUNTS = {number: QUEUES[queue].lower() for queue, members in MEMBERS.items() for number in members}
"""Account codes of phones."""

VOICEMAIL = ("100", "108")
"""Who has a mailbox. 108 is offline, so that calls to it end there."""

FATES = ("answers", "busy", "rings", "away")
_USUAL = (72, 6, 20, 2)
_UNUSUAL = {
    "102": (35, 50, 15, 0), "103": (20, 5, 75, 0), "104": (15, 0, 10, 75), "106": (40, 45, 15, 0),
    "108": (20, 0, 10, 70), "117": (20, 0, 10, 70),
}  # fmt: skip

_FIRST = (
    "Amir",
    "Beth",
    "Chloe",
    "Dan",
    "Erin",
    "Farah",
    "Gus",
    "Holly",
    "Ivan",
    "Lena",
    "Nia",
    "Omar",
    "Petra",
    "Zoe",
)
_LAST = ("Abbott", "Baker", "Chen", "Doyle", "Evans", "Fox", "Hall", "Iqbal", "Khan", "Lowe", "Nash", "Reid", "West")
_TRADE = ("Bakery", "Clinic", "Dental", "Garage", "Hotel", "Legal", "Plumbing", "School", "Studio", "Travel", "Windows")


def fate(number: str, rng: random.Random) -> str:
    """What happens at a phone that is called: one of FATES."""
    return rng.choices(FATES, _UNUSUAL.get(number, _USUAL))[0]


def two_phones(rng: random.Random) -> tuple[Phone, Phone]:
    """A caller who is there and somebody to call."""
    while True:
        caller, callee = rng.sample(PHONES, 2)
        if caller.registered:
            return caller, callee


class World:
    """The people outside, some of whom call often. The seed decides who they are."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"people {seed}")  # noqa: S311  (names in a toy exchange)
        numbers = [f"01632960{n:03}" for n in range(1000)] + [f"07700900{n:03}" for n in range(1000) if n != 113]
        self._people = [Party(number, _name(number, rng)) for number in rng.sample(numbers, 400)]
        self._weights = list(accumulate(1 / (rank + 8) for rank in range(len(self._people))))

    def somebody(self, rng: random.Random) -> Party:
        """One of them."""
        if rng.random() < 0.02:
            return Party("anonymous", "Anonymous")
        return self.known(rng)

    def known(self, rng: random.Random) -> Party:
        """One of them whose number is known."""
        return rng.choices(self._people, cum_weights=self._weights)[0]


def _name(number: str, rng: random.Random) -> str:
    """FreePBX shows the number in place of a name that the network does not tell."""
    kind = rng.random()
    if kind < 0.25:
        return f"{rng.choice(_LAST)} {rng.choice(_TRADE)}"
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}" if kind < 0.65 else number
