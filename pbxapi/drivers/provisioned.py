"""The parts of an exchange that provision, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbxapi.pbx.provisioning import Applying, Extensions, FeatureStates, FollowMes
    from pbxapi.pbx.queue_seats import Seats
    from pbxapi.pbx.queueing import QueueSetup


def _nothing() -> None: ...


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """None is what this exchange has not; `others` are capabilities, each saying why it is not there, or None."""

    seats: Seats
    queue_setup: QueueSetup | None = None
    extensions: Extensions | None = None
    follow_me: FollowMes | None = None
    features: FeatureStates | None = None
    applying: Applying | None = None
    others: Mapping[str, Callable[[], str | None]] = field(default_factory=dict)
    close: Callable[[], None] = _nothing
