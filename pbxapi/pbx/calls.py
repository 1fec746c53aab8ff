"""Calls: the legs that share a linkedid, and placing one (click-to-call)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pbxapi.ami import AmiDenied, AmiRefused, AmiTimeout, AmiUnavailable, Client
from pbxapi.errors import Invalid, NotFound, NotSupported, Refused, Timeout, Unavailable
from pbxapi.pbx.call_progress import CallProgress
from pbxapi.pbx.call_view import ended_call, make_call
from pbxapi.pbx.call_watcher import SILENCE, CallWatcher
from pbxapi.pbx.channels import EXTERNAL_ID, AmiChannels
from pbxapi.pbx.history import CallRecords
from pbxapi.pbx.interfaces import Call, CallKeeper, CallRecord, CallRequest, Channel, Peers
from pbxapi.pbx.live import Shared, Snapshot
from pbxapi.pbx.text import CHANNEL, CONTEXT, EXTENSION, LOCAL, check_variables, one_line, variable_header

UNSEEN = timedelta(seconds=3 * SILENCE)
"""How long a call may go unwritten before it is taken for one whose worker has died."""

_ON_ITS_WAY = "The call may be on its way: /calls/{} tells"

TECHNOLOGIES = {"pjsip": "PJSIP", "sip": "SIP", "iax2": "IAX2"}


class AmiCalls:
    """Calls over AMI: Status for what is live, Originate to place one, the store for what became of it."""

    def __init__(
        self, ami: Client, channels: AmiChannels, peers: Peers, store: CallKeeper, *, contexts: Sequence[str],
        keep: timedelta, ttl: float, past: CallRecords | None = None,
    ) -> None:  # fmt: skip
        self._ami = ami
        self._channels = channels
        self._peers = peers
        self._store = store
        self._contexts = frozenset(contexts)
        self._keep = keep
        self._past = past
        self._watcher = CallWatcher(ami, store, lambda: channels.all(fresh=True).value, self._device_state)
        self._live: Shared[tuple[Call, ...]] = Shared(self._fetch, ttl=ttl)
        channels.on_change(self._live.drop)

    def close(self) -> None:
        """Follow no call any more."""
        self._watcher.close()

    # -- reading -----------------------------------------------------------------------------------------------------

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Call, ...]]:
        """Every call that is live, and every one placed here that has not ended; the oldest first."""
        return self._live.get(fresh=fresh)

    def _fetch(self) -> tuple[Call, ...]:
        now = datetime.now(UTC)
        legs: dict[str, list[Channel]] = {}
        channels = self._channels.all(fresh=True).value
        for channel in channels:
            legs.setdefault(channel.linkedid, []).append(channel)
        placed = [self._bury(r, channels) for r in self._store.unfinished(now - timedelta(hours=24))]
        records = {r.id: r for r in placed if not r.final}
        calls = [make_call(legs.get(i, []), records.get(i), now) for i in legs.keys() | records.keys()]
        return tuple(sorted(calls, key=lambda call: (call.started_at, call.id)))

    def get(self, call_id: str) -> Call:
        """One call: live, placed here and ended, or one of the call records. Raises NotFound."""
        record = self._store.get(call_id)
        if record is not None and record.final:
            return make_call([], record, datetime.now(UTC))
        legs = [c for c in self._channels.all().value if c.linkedid == call_id]
        if record is not None and not legs:
            record = self._bury(record)
        if record is None and not legs:
            if self._past is None:
                raise NotFound("No such call: neither live nor placed here")
            return ended_call(self._past.call(call_id))
        return make_call(legs, record, datetime.now(UTC))

    def _bury(self, record: CallRecord, channels: Sequence[Channel] | None = None) -> CallRecord:
        """End a call whose worker has died: nobody has written of it for long and it is not on the exchange."""
        now = datetime.now(UTC)
        if now - record.updated_at < UNSEEN:
            return record
        if channels is None:
            channels = self._channels.all(fresh=True).value
        if any(record.id in (c.id, c.linkedid) for c in channels):
            return record
        progress = CallProgress(record, lambda leg: "UNKNOWN")
        progress.lost(now)
        self._store.save(progress.record)
        return self._store.get(record.id) or progress.record

    # -- placing -----------------------------------------------------------------------------------------------------

    def place(self, request: CallRequest) -> Call:
        """Ring `origin`, then dial `to` for it; give the call as queued. Its id is the first channel's uniqueid.

        Raises Invalid for what may not or cannot be dialled, NotSupported when the manager user may not originate,
        Refused in Asterisk's words. Timeout and Unavailable name the call when it may be on its way: its record stays.
        """
        channel = self._check(request)
        now = datetime.now(UTC)
        call_id = new_id()
        record = CallRecord(
            id=call_id, origin=request.origin, to=request.to, context=request.context, caller_id=request.caller_id,
            external_id=request.external_id, created_at=now, updated_at=now, reason="Waiting for the exchange",
        )  # fmt: skip
        self._store.add(record, keep=self._keep)
        try:
            self._watcher.follow(record)
            self._ami.request("Originate", self._fields(request, channel, call_id, request.timeout * 1000))
        except AmiTimeout as error:
            raise Timeout(f"The exchange did not answer in time. {_ON_ITS_WAY.format(call_id)}") from error
        except BaseException as error:
            if isinstance(error, AmiUnavailable) and error.may_have_run:
                text = f"The exchange was lost. {_ON_ITS_WAY.format(call_id)}"
                raise Unavailable(text, part="ami", retry_after=error.retry_after) from error
            self._watcher.forget(call_id)
            self._store.remove(call_id)
            if isinstance(error, AmiRefused):
                raise _refusal(error) from error
            raise
        finally:
            self._channels.changed()
        return make_call([], record, now)

    def _check(self, request: CallRequest) -> str:
        """The channel to ring. Raises Invalid before anything is sent."""
        if not CONTEXT.match(request.context) or request.context not in self._contexts:
            raise Invalid("This context may not be dialled", {"context": ["Not among the allowed contexts."]})
        if not EXTENSION.match(request.to):
            raise Invalid("This cannot be dialled", {"to": ["Digits, letters and * # + _ . - only."]})
        for field in ("caller_id", "external_id"):
            one_line(getattr(request, field) or "", field)
        check_variables(request.variables or {})
        return self._channel(request.origin)

    def _channel(self, origin: str) -> str:
        local = LOCAL.match(origin)
        if local:
            if local["context"] not in self._contexts:
                raise Invalid("This context may not be dialled", {"from": ["Its context is not among the allowed."]})
            return origin
        device = CHANNEL.match(origin)
        name, technology = (device["name"], device["technology"].lower()) if device else (origin, None)
        for peer in self._peers.all().value:
            if peer.name == name and technology in (None, peer.technology):
                return f"{TECHNOLOGIES[peer.technology]}/{name}"
        shape = "an extension (200), a device (PJSIP/200) or Local/200@context"
        raise Invalid("No such device to call from", {"from": [f"Not a device of this exchange; give {shape}."]})

    def _fields(self, request: CallRequest, channel: str, call_id: str, timeout_ms: int) -> list[tuple[str, str]]:
        fields = [
            ("Channel", channel), ("Context", request.context), ("Exten", request.to), ("Priority", "1"),
            ("Timeout", str(timeout_ms)), ("Async", "true"), ("ChannelId", call_id),
        ]  # fmt: skip
        if channel.startswith("Local/"):
            fields.append(("OtherChannelId", f"{call_id}-2"))
        if request.caller_id:
            fields.append(("CallerID", request.caller_id))
        fields += [variable_header(name, value) for name, value in (request.variables or {}).items()]
        if request.external_id:
            fields.append(variable_header("__" + EXTERNAL_ID, request.external_id))
        if request.auto_answer:
            fields += auto_answer(channel)
        return fields

    def originate(self, channel: str, context: str, extension: str, caller_id: str, timeout_ms: int) -> str:
        """Originate as the old interface does: queued or refused, nothing is followed. Gives the call's id.

        Raises Invalid for what may not be dialled, Refused in Asterisk's words.
        """
        request = CallRequest(channel, extension, context, caller_id or None)
        call_id = new_id()
        fields = self._fields(request, self._check(request), call_id, timeout_ms)
        try:
            self._ami.request("Originate", fields)
        except AmiRefused as error:
            raise Refused(f"Originate was refused: {error.words}") from error
        finally:
            self._channels.changed()
        return call_id

    def hangup(self, call_id: str, cause: int) -> None:
        """Hang up every leg of a call. Raises NotFound when it is not live."""
        legs = [c for c in self._channels.all(fresh=True).value if call_id in (c.linkedid, c.id)]
        if not legs:
            raise NotFound("No such call, or it has ended")
        self._store.cancel(call_id, datetime.now(UTC))
        for leg in sorted(legs, key=lambda c: c.id != call_id):
            try:
                self._channels.hangup(leg.id, cause)
            except NotFound:
                continue

    def _device_state(self, record: CallRecord, leg: str) -> str:
        if leg == "from":
            device = self._channel(record.origin)
            if device.startswith("Local/"):
                return "UNKNOWN"
        else:
            reply = self._ami.request("ExtensionState", [("Exten", record.to), ("Context", record.context)])
            # AST_EXTENSION_UNAVAILABLE; a hint knows better than we which device stands behind a number.
            if reply.response.get("Status") == "4":
                return "UNAVAILABLE"
            try:
                device = self._channel(record.to)
            except Invalid:
                return "UNKNOWN"
        return self._ami.request("Getvar", [("Variable", f"DEVICE_STATE({device})")]).response.get("Value")


def new_id() -> str:
    """An id for a call, which becomes its first channel's uniqueid; not to be guessed, and never used before.

    With the `-2` of a Local channel's other half it fits into the 32 characters of cdr.uniqueid on FreePBX and Issabel:
    a strict database would refuse the record of a longer one.
    """
    return f"pbxapi-{secrets.token_hex(11)}"


def auto_answer(channel: str) -> list[tuple[str, str]]:
    """The variables that make most phones pick up by themselves (Call-Info, and Alert-Info for the others)."""
    info, alert = "<sip:pbxapi>\\;answer-after=0", "info=alert-autoanswer"
    if channel.startswith("SIP/"):
        return [("Variable", f"SIPADDHEADER51=Call-Info: {info}"), ("Variable", f"SIPADDHEADER52=Alert-Info: {alert}")]
    return [
        ("Variable", f"PJSIP_HEADER(add,Call-Info)={info}"), ("Variable", f"PJSIP_HEADER(add,Alert-Info)={alert}"),
    ]  # fmt: skip


def _refusal(error: AmiRefused) -> Exception:
    if isinstance(error, AmiDenied):
        return NotSupported("The manager user may not originate calls: it needs write = originate")
    if "does not exist" in error.words:
        return Invalid("No such extension", {"to": ["Does not exist in this context."]})
    return Refused(f"Originate was refused: {error.words}")
