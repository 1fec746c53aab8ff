"""Local channels: two halves joined back to back, the second of which walks through the dialplan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from pbxapi.demo.channels import Channel, Numbering, Party, State
from pbxapi.demo.dialling import Leg
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.switch import Switch


@dataclass(eq=False)
class LocalPair:
    """`one` is called and bridged like a phone; `two` is where it leads."""

    switch: Switch
    one: Channel
    two: Channel
    exten: str
    context: str
    optimised: bool = True
    on_ringing: Callable[[], None] | None = None
    on_up: Callable[[], None] | None = None

    @classmethod
    def create(
        cls,
        switch: Switch,
        numbering: Numbering,
        exten: str,
        context: str,
        *,
        linked: Channel | None = None,
        ids: tuple[str, str] = ("", ""),
        optimised: bool = True,
    ) -> Self:
        """Make both halves; `ids` are the uniqueids asked for. Not `optimised` is what /n asks for."""
        name = numbering.name(f"Local/{exten}@{context}")
        first, second = ids[0] or numbering.uniqueid(), ids[1] or numbering.uniqueid()
        linkedid = linked.linkedid if linked else first
        one, two = (
            Channel(f"{name};{half}", uniqueid, linkedid, "", Party(), numbering, switch.clock.now())
            for half, uniqueid in ((1, first), (2, second))
        )
        two.state = State.RING
        pair = cls(switch, one, two, exten, context, optimised)
        for half in (one, two):
            half.exten, half.context, half.half = exten, context, pair
            switch.add(half)
        return pair

    def run(self, dialplan: Dialplan) -> None:
        """Tell that the halves are joined and lead the second one through the dialplan."""
        optimised = ("LocalOptimization", "Yes" if self.optimised else "No")
        ends = [("Context", self.context), ("Exten", self.exten), optimised]
        headers = [*self.one.headers("LocalOne"), *self.two.headers("LocalTwo"), *ends]
        self.switch.bus.tell("LocalBridge", "call", headers)
        dialplan.run(self.two, self.context, self.exten, 1)

    def ringing(self) -> None:
        """What the second half called rings."""
        if self.one.state is State.DOWN and self.on_ringing:
            self.on_ringing()

    def up(self, channel: Channel) -> None:
        """The second half is answered, and with it the first."""
        if channel is self.two and self.on_up:
            self.on_up()

    def gone(self, channel: Channel) -> None:
        """One half is hung up, and with it the other, for the same cause."""
        self.one.half = self.two.half = None
        other = self.two if channel is self.one else self.one
        self.switch.tell("HangupRequest", other, ("Cause", str(channel.cause)))
        self.switch.hang_up(other, channel.cause)


@dataclass(eq=False, kw_only=True)
class LocalLeg(Leg):
    """A leg to a Local channel: it rings and answers as what it leads to does."""

    pair: LocalPair
    dialplan: Dialplan

    def start(self) -> None:
        """Call it."""
        super().start()
        self.pair.on_ringing, self.pair.on_up = self.ring, self.answer
        self.pair.run(self.dialplan)
