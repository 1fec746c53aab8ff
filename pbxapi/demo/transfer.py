"""Attended transfer: one of two who talk asks a third, and then leaves the other with them, or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo import causes
from pbxapi.demo.channels import Bridge, Channel, State
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.local import LocalPair
from pbxapi.demo.switch import Switch
from pbxapi.demo.talk import Talk


@dataclass(eq=False)
class Consultation:
    """`transferer` talks to the number that was asked for over a Local channel, while `held` hears music."""

    switch: Switch
    transferer: Channel
    held: Channel
    bridge: Bridge
    pair: LocalPair
    talk: Talk
    done: bool = False

    @classmethod
    def begin(cls, switch: Switch, dialplan: Dialplan, talk: Talk, transferer: Channel, place: tuple[str, str]) -> None:
        """Leave the bridge, call `place` (context and extension) and talk to whoever answers."""
        bridge, held = transferer.bridge, talk.peer(transferer)
        if bridge is None or transferer.owner is not talk:
            return  # one of them has hung up in the meantime
        if not dialplan.exists(*place):
            cls._unhold(switch, transferer, held)
            return
        pair = LocalPair.create(switch, transferer.numbering, place[1], place[0], linked=transferer)
        consultation = cls(switch, transferer, held, bridge, pair, talk)
        transferer.owner = held.owner = pair.one.owner = consultation
        switch.set_variable(pair.one, "TRANSFERERNAME", transferer.name)
        switch.set_caller(pair.two, transferer.caller)
        pair.one.connected = transferer.caller
        pair.on_ringing = lambda: switch.set_state(pair.one, State.RINGING)
        pair.on_up = lambda: switch.set_state(pair.one, State.UP)
        switch.leave(transferer)
        switch.bridge(Bridge(transferer.numbering.uuid()), pair.one, transferer)
        pair.run(dialplan)

    def release(self, channel: Channel) -> Callable[[], None]:
        """One of the three leaves: the other two talk, once the Local channel between them is out of the way."""
        channel.cause = channel.cause or causes.NORMAL
        if channel is self.pair.one:
            return self._back
        remaining = self.held if channel is self.transferer else self.transferer
        if not self._has(remaining):
            return self._hang_up_all
        if self._answered() is None:
            return lambda: self._wait(remaining)
        return lambda: self._join(remaining)

    def cancel(self) -> None:
        """Give it up and go back to the one who is held."""
        self.switch.hang_up(self.pair.one, causes.NORMAL)

    def _answered(self) -> Channel | None:
        """The channel that the Local one leads to, once it is bridged with it."""
        owner = self.pair.two.owner
        return owner.peer(self.pair.two) if isinstance(owner, Talk) else None

    def _wait(self, remaining: Channel) -> None:
        """The number that was asked for still rings: whoever is left hears it and waits."""
        if remaining is self.held:
            self._stop_music()
            self.switch.leave(self.pair.one)
            self.switch.bridge(self.bridge, self.pair.one)
        # Deferred, since the half is answered just before it is bridged with who answered
        self.pair.on_up = lambda: self._later(lambda: self._join(remaining))

    def _join(self, remaining: Channel) -> None:
        answered = self._answered()
        if answered is None or not self._has(remaining):
            self._back()
            return
        self.done = True
        self._stop_music()
        for one in (self.pair.two, answered, remaining):
            one.owner = None
            self.switch.leave(one)
        self._drop_pair()
        self.switch.set_connected(remaining, answered.caller)
        self.talk.complete("transfer", "ATTENDEDTRANSFER", "BRIDGE", self.bridge.uniqueid)
        Talk(self.switch, remaining, answered).begin()
        if remaining is self.held:
            self._tell_success(answered)

    def _has(self, channel: Channel) -> bool:
        """Whether a channel is still there and nobody else has taken it in hand."""
        return not channel.gone and channel.owner is self

    def _later(self, action: Callable[[], None]) -> None:
        self.switch.clock.later(0.0, action)

    def _stop_music(self) -> None:
        if not self.held.gone:
            self.switch.tell("MusicOnHoldStop", self.held)

    def _back(self) -> None:
        """Nobody is there to talk to: the two are together again, or what is left of them is hung up."""
        if self.done:
            return
        self._drop_pair()
        if not (self._has(self.transferer) and self._has(self.held)):
            self._hang_up_all()
            return
        self._unhold(self.switch, self.transferer, self.held)
        self.switch.leave(self.transferer)
        self.talk.begin(self.bridge)

    def _hang_up_all(self) -> None:
        self.talk.complete("caller" if self.held.gone else "agent")
        self._drop_pair()
        for one in (self.transferer, self.held):
            if self._has(one):
                one.owner = None
                self.switch.hang_up(one, causes.NORMAL)

    def _drop_pair(self) -> None:
        self.done = True
        if self._has(self.pair.one):
            self.pair.one.owner = None
        self.switch.hang_up(self.pair.two, causes.NORMAL)
        self.switch.hang_up(self.pair.one, causes.NORMAL)

    def _tell_success(self, answered: Channel) -> None:
        headers = [
            ("Result", "Success"),
            *self.transferer.headers("OrigTransferer"),
            *((f"Orig{name}", value) for name, value in self.bridge.headers()),
            *self.transferer.headers("SecondTransferer"),
            *((f"Second{name}", value) for name, value in self.bridge.headers()),
            *self.held.headers("Transferee"),
            *answered.headers("TransferTarget"),
            ("IsExternal", "No"),
            ("DestType", "Bridge"),
            ("DestBridgeUniqueid", answered.bridge.uniqueid if answered.bridge else ""),
        ]
        self.switch.bus.tell("AttendedTransfer", "call", headers)

    @staticmethod
    def _unhold(switch: Switch, transferer: Channel, held: Channel) -> None:
        switch.tell("MusicOnHoldStop", held)
        switch.tell("Unhold", transferer)
