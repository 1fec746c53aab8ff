"""The telephones of the demo exchange, by the number that reaches them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Habit(Enum):
    """What a phone does when it is called."""

    ANSWERS = "200 OK, after a while"
    BUSY = "486 Busy Here"
    DECLINES = "603 Decline"
    RINGS = "rings for ever"


RING_DELAY = 0.005  # seconds until a phone says 180
ANSWER_DELAY = 0.2  # seconds until it says 200
REPLY_DELAY = 0.01  # seconds until it says 486 or 603


@dataclass(frozen=True)
class Phone:
    """An endpoint with its AOR, its auth and, when it is registered, one contact."""

    number: str
    name: str
    habit: Habit = Habit.ANSWERS
    registered: bool = True
    user_agent: str = ""
    latency_us: int | None = None  # of the last OPTIONS; None when the contact is not qualified
    answer_after: float = ANSWER_DELAY  # seconds, for one that answers
    secret: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)  # of the endpoint, where they are other than usual
    hint: str = ""  # what lamps follow, when that is more than the phone

    @property
    def device(self) -> str:
        """As channels and device states name it."""
        return f"PJSIP/{self.number}"

    @property
    def password(self) -> str:
        """In clear, as PJSIPShowEndpoint shows it."""
        return self.secret or f"pw{self.number}"

    @property
    def auth(self) -> str:
        """The name of its auth: as a configuration names it, or its own."""
        return self.settings.get("Auth", self.number)

    @property
    def host(self) -> str:
        """An address of the range for documentation (RFC 5737)."""
        return f"192.0.2.{int(self.number) % 254 if self.number.isdecimal() else 250}"

    @property
    def uri(self) -> str:
        """The contact's URI."""
        return f"sip:{self.number}@{self.host}:5060"

    @property
    def contact_id(self) -> str:
        """As res_pjsip_registrar names a contact: the AOR and a hash of the URI."""
        return f"{self.number};@{hashlib.md5(self.uri.encode(), usedforsecurity=False).hexdigest()}"

    @property
    def qualify_frequency(self) -> int:
        """Seconds between two OPTIONS, 0 for none."""
        return 60 if self.latency_us is not None else 0


_YEALINK, _GRANDSTREAM, _SNOM = "Yealink SIP-T46S 66.86.0.15", "Grandstream GXP2170 1.0.11.79", "snomD785/10.1.175.16"
_LINPHONE, _ZOIPER = "LinphoneiOS/5.2.1 (iPhone) LinphoneSDK/5.3.30", "Zoiper rv2.10.20.4"
_POLY = "PolycomVVX-VVX_411-UA/6.4.6.2453"

PHONES = (
    Phone("100", "Ana", user_agent=_YEALINK),
    Phone("101", "Bruno", user_agent=_SNOM),
    Phone("102", "Carla", Habit.BUSY, user_agent=_GRANDSTREAM),
    Phone("103", "Diego", Habit.RINGS, user_agent=_POLY),
    Phone("104", "Elena", registered=False),
    Phone("105", "José", user_agent=_YEALINK, latency_us=18734),
    Phone("106", "Gloria", Habit.DECLINES, user_agent=_LINPHONE),
    Phone("107", "Hana Kimura", user_agent=_YEALINK, latency_us=9120),
    Phone("108", "Ines Duarte", registered=False),
    Phone("109", "Jonas Weber", user_agent=_SNOM, latency_us=24411),
    Phone("110", "Katya Orlova", user_agent=_YEALINK, latency_us=11873, answer_after=2.5),
    Phone("111", "Liam O'Connor", user_agent=_GRANDSTREAM, latency_us=30528, answer_after=4.0),
    Phone("112", "Mei Tanaka", user_agent=_YEALINK, latency_us=10264, answer_after=1.5),
    Phone("113", "Nuno Carvalho", user_agent=_ZOIPER, latency_us=86190, answer_after=6.0),
    Phone("114", "Olga Petrenko", user_agent=_SNOM, latency_us=14207, answer_after=3.0),
    Phone("115", "Pau Ferrer", user_agent=_POLY, latency_us=21955, answer_after=2.0),
    Phone("116", "Quentin Lefèvre", user_agent=_LINPHONE, latency_us=142731, answer_after=5.0),
    Phone("117", "Rosa Álvarez", registered=False),
    Phone("118", "Stefan Novák", user_agent=_YEALINK, latency_us=12640, answer_after=3.5),
    Phone("119", "Tove Nilsen", user_agent=_GRANDSTREAM, latency_us=28017, answer_after=1.0),
)
TRUNK = Phone("trunk", "", Habit.RINGS, user_agent="Asterisk PBX 22.10.1")
SCENERY = tuple(phone.number for phone in PHONES if phone.number >= "110" and phone.registered)
