"""What an exchange can do, and what it answers with.

Results are frozen and hold plain values, so that they can be shared between threads and encoded as they are.
Where a field's value is not known it is None. Durations are whole seconds, times are aware datetimes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from pbxapi.pbx.history import CallRecords, CallStatistics, Recordings
    from pbxapi.pbx.host_state import Host
    from pbxapi.pbx.live import Snapshot
    from pbxapi.pbx.provisioning import Applying, Extensions, FeatureStates, FollowMes
    from pbxapi.pbx.queueing import Agents, Queues, QueueSetup, QueueStatistician
    from pbxapi.pbx.voicemail import Voicemail

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A dataclass for what comes by the thousand: frozen to the type checker, and made in a sixth of the time."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


@record
class Contact:
    """Where a phone registered from. `state` is online, offline, unmonitored or unknown."""

    uri: str
    address: str | None
    user_agent: str | None
    state: str
    latency_ms: float | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Registration:
    """An outbound registration of a trunk, in Asterisk's own word for its state (Registered, Rejected, ...)."""

    name: str
    server: str
    client: str | None
    state: str


@record
class Peer:
    """A device or trunk. `state` is online, offline, unmonitored (there, but nobody asks it) or unknown."""

    name: str
    technology: str
    state: str
    device_state: str
    address: str | None
    user_agent: str | None
    latency_ms: float | None
    active_channels: int | None
    contacts: tuple[Contact, ...]


@record
class PeerDetail(Peer):
    """A peer with what only the question for that one peer brings."""

    context: str | None
    caller_id: str | None
    transport: str | None
    codecs: tuple[str, ...]
    call_group: str | None
    pickup_group: str | None
    mailboxes: tuple[str, ...]
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class Party:
    """A number and a name as Asterisk shows them."""

    number: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Channel:
    """One leg. `id` is Asterisk's uniqueid; `duration` counts from the channel's creation."""

    id: str
    name: str
    technology: str
    linkedid: str
    state: str
    caller: Party
    connected: Party
    context: str | None
    extension: str | None
    priority: int | None
    application: str | None
    data: str | None
    account_code: str | None
    duration: int
    bridge: str | None
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """The legs that share a linkedid, and for a call placed here also its fate, kept after its end."""

    id: str
    status: str
    direction: str | None
    caller: Party
    callee: Party
    started_at: datetime
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    duration: int
    channels: tuple[Channel, ...]
    bridge: str | None
    external_id: str | None
    leg: str | None
    cause: int | None
    reason: str | None


FINAL = frozenset({"completed", "busy", "no_answer", "failed", "canceled"})
"""The states of a call that has ended."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that was placed here, as it is kept in the store."""

    id: str
    origin: str
    to: str
    context: str
    caller_id: str | None
    external_id: str | None
    created_at: datetime
    updated_at: datetime
    status: str = "queued"
    leg: str | None = "from"
    cause: int | None = None
    reason: str | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    canceled: bool = False

    @property
    def final(self) -> bool:
        """Whether the call has ended and its record will not change any more."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class ParkedCall:
    """A call that waits in a parking space; `timeout` is what is left before it goes back, in seconds."""

    space: str
    channel: str
    channel_id: str
    caller: Party
    parked_by: str | None
    duration: int
    timeout: int | None


@dataclass(frozen=True, slots=True)
class ParkingLot:
    """A parking lot, its spaces and who waits in them; `timeout` in seconds, None for never."""

    name: str
    first_space: str
    last_space: str
    timeout: int | None
    calls: tuple[ParkedCall, ...]


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call to place: `origin` (an extension or a channel such as PJSIP/100) is rung first, then `to` is dialled."""

    origin: str
    to: str
    context: str
    caller_id: str | None = None
    timeout: int = 30
    variables: Mapping[str, str] | None = None
    auto_answer: bool = False
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was started here: the file's name inside Asterisk's recording folder."""

    channel: str
    file: str


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether a thing works on this exchange with this manager user, and if not, why."""

    name: str
    available: bool
    reason: str | None


Headers = Sequence[tuple[str, str]]


class CallKeeper(Protocol):
    """Where calls that were placed here are kept, for every worker. Each method raises Unavailable."""

    def add(self, record: CallRecord, *, keep: timedelta) -> None: ...
    def save(self, record: CallRecord) -> None: ...
    def cancel(self, call_id: str, now: datetime) -> None: ...
    def remove(self, call_id: str) -> None: ...
    def get(self, call_id: str) -> CallRecord | None: ...
    def several(self, call_ids: Iterable[str]) -> list[CallRecord]: ...
    def unfinished(self, since: datetime) -> list[CallRecord]: ...


class Peers(Protocol):
    """Devices and trunks."""

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Peer, ...]]: ...
    def get(self, name: str, technology: str | None = None) -> PeerDetail: ...
    def rows(self, technology: str) -> list[Headers]: ...


class Channels(Protocol):
    """Live legs and what can be done to one. An id is a uniqueid; NotFound when it is not live."""

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Channel, ...]]: ...
    def get(self, channel_id: str) -> Channel: ...
    def hangup(self, channel_id: str, cause: int) -> None: ...
    def transfer(self, channel_id: str, context: str, extension: str, *, attended: bool) -> Channel | None: ...
    def mute(self, channel_id: str, direction: str, *, muted: bool) -> None: ...
    def dtmf(self, channel_id: str, digits: str, duration_ms: int) -> None: ...
    def record(self, channel_id: str) -> Recording: ...
    def stop_recording(self, channel_id: str) -> None: ...
    def status_text(self, name: str | None) -> str: ...
    def totals(self) -> tuple[int, int | None]: ...


class Calls(Protocol):
    """Calls, live and those placed here, and placing one."""

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Call, ...]]: ...
    def get(self, call_id: str) -> Call: ...
    def place(self, request: CallRequest) -> Call: ...
    def hangup(self, call_id: str, cause: int) -> None: ...
    def originate(self, channel: str, context: str, extension: str, caller_id: str, timeout_ms: int) -> str: ...


class Parking(Protocol):
    """Parking lots."""

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[ParkingLot, ...]]: ...
    def park(self, channel_id: str, lot: str | None, timeout: int | None) -> ParkedCall: ...
    def text(self) -> str: ...


class Ari(Protocol):
    """Asterisk's REST interface."""

    def channels(self) -> list[dict[str, Any]]: ...


class System(Protocol):
    """The exchange itself."""

    def info(self) -> dict[str, Any]: ...
    def capabilities(self, *, fresh: bool = False) -> list[Capability]: ...
    def ready(self) -> dict[str, bool]: ...


class SipExtensions(Protocol):
    """The SIP sections of the configuration, as the old interface gives them."""

    def sections(self) -> dict[str, dict[str, str] | None]: ...


@dataclass(frozen=True)
class Credentials:
    """The manager's user name and secret."""

    username: str
    secret: str

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, secret=...)"


@dataclass(frozen=True)
class Pbx:
    """What a driver builds: None is what this exchange has not. `close` ends its sessions and threads."""

    driver: str
    technology: str
    credentials: Credentials
    peers: Peers
    channels: Channels
    calls: Calls
    parking: Parking
    system: System
    call_records: CallRecords | None
    recordings: Recordings
    call_statistics: CallStatistics | None
    zone: tzinfo
    extensions: Extensions | None
    follow_me: FollowMes | None
    features: FeatureStates | None
    applying: Applying | None
    queues: Queues
    queue_setup: QueueSetup | None
    queue_statistics: QueueStatistician | None
    agents: Agents
    voicemail: Voicemail | None
    sip_extensions: SipExtensions
    ari: Ari | None
    host: Host
    close: Callable[[], None]
