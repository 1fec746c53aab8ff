"""One call of a phone of the tests, seen from that phone: a SIP dialog and its sound."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

from tests.real.rtp import Sound
from tests.real.sip_message import Header, SipMessage, authorization, described_media, render, session_description

if TYPE_CHECKING:
    from tests.real.sip_phone import Phone

MIRRORED = {"sendonly": "recvonly", "recvonly": "sendonly"}
REASONS = {100: "Trying", 180: "Ringing", 200: "OK", 486: "Busy Here", 487: "Request Terminated", 603: "Decline"}


class Call:
    """Made by ``Phone.call`` or by an INVITE that came in; ``invite`` is that INVITE, with its headers."""

    def __init__(self, phone: Phone, invite: SipMessage | None = None) -> None:
        self.phone = phone
        self.invite = invite
        self.status = 0
        self.sound = Sound()
        self.ringing = threading.Event()
        self.answered = threading.Event()
        self.ended = threading.Event()
        self.id = invite.first("call-id") if invite else str(uuid.uuid4())
        self._number = 1
        self._reinvited = threading.Event()
        self._canceled = False
        tag = f";tag={uuid.uuid4().hex[:12]}"
        if invite:
            self._local, self._remote = invite.first("to") + tag, invite.first("from")
            self._target = invite.contact
        else:
            self._local = f"<sip:{phone.number}@127.0.0.1>{tag}"

    def wait_ringing(self, seconds: float = 5.0) -> Call:
        return self._wait(self.ringing, "ring", seconds)

    def wait_answered(self, seconds: float = 5.0) -> Call:
        return self._wait(self.answered, "be answered", seconds)

    def wait_ended(self, seconds: float = 5.0) -> Call:
        return self._wait(self.ended, "end", seconds)

    def _wait(self, event: threading.Event, what: str, seconds: float) -> Call:
        if not event.wait(seconds):
            raise AssertionError(
                f"the call of {self.phone.number} did not {what} in {seconds} s (status {self.status})"
            )
        return self

    # What the person at the phone does.

    def answer(self) -> None:
        """Pick up."""
        if self.invite and not self.answered.is_set() and not self.ended.is_set():
            self.status = 200
            self._reply(self.invite, 200, session_description(self.sound.port))
            self._media(self.invite)
            self.answered.set()  # after the reply: who waits for it may hang up at once

    def reject(self, status: int) -> None:
        """Refuse a call that rings: 486 busy, 603 declined."""
        if self.invite and not self.answered.is_set() and not self.ended.is_set():
            self._end(status)  # before the reply: the caller's end may look at once
            self._reply(self.invite, status)

    def hang_up(self) -> None:
        """End the call, in whatever state it is."""
        if self.ended.is_set():
            return
        if self.answered.is_set():
            self._number += 1
            self.phone.send(self._request("BYE"))
            self._end(200)
        elif self.invite:
            self.reject(603)
        else:
            self._canceled = True
            self.phone.send(self._request("CANCEL", via=self._invite_via))

    def hold(self) -> None:
        """Put the other side on hold, by a re-INVITE; wait until it agreed."""
        self._reinvite("sendonly")

    def unhold(self) -> None:
        self._reinvite("sendrecv")

    def _reinvite(self, direction: str) -> None:
        self._reinvited.clear()
        self._number += 1
        self._invite_via = self.phone.via()
        description = session_description(self.sound.port, direction)
        self.phone.send(self._request("INVITE", via=self._invite_via, body=description))
        if not self._reinvited.wait(5):
            raise AssertionError(f"the re-INVITE of {self.phone.number} was not answered")

    def dial(self, uri: str) -> None:
        """Send the INVITE of a call that this phone makes."""
        self._target, self._remote = uri, f"<{uri}>"
        self._send_invite()

    def _send_invite(self, *headers: Header) -> None:
        self._invite_via = self.phone.via()
        description = session_description(self.sound.port)
        self.phone.send(self._request("INVITE", *headers, via=self._invite_via, body=description))

    # What comes from the server.

    def on_invite_response(self, response: SipMessage) -> None:
        if response.status < 200:
            if response.status in (180, 183):
                self.ringing.set()
            return
        if response.status >= 300:
            self._acknowledge(response, via=self._invite_via)
            self._on_refusal(response)
            return
        self._remote, self._target = response.first("to"), response.contact
        self._acknowledge(response, via=self.phone.via())
        self._media(response)
        if self.answered.is_set():
            self._reinvited.set()
            return
        self.status = 200
        self.answered.set()
        if self._canceled:  # the answer and our CANCEL have crossed
            self.hang_up()

    def _on_refusal(self, response: SipMessage) -> None:
        if response.number != self._number or self.answered.is_set():
            return
        if response.status in (401, 407) and self._number == 1:
            self._number += 1
            phone = self.phone
            self._send_invite(authorization(response, "INVITE", self._target, phone.number, phone.password))
        else:
            self._end(response.status)

    def on_request(self, request: SipMessage) -> None:
        """Take a request inside this dialog."""
        if request.method == "INVITE":
            described = described_media(request.body)
            direction = described[1] if described else "sendrecv"
            self._media(request)
            self._reply(request, 200, session_description(self.sound.port, MIRRORED.get(direction, direction)))
            return
        self._reply(request, 200)
        if request.method == "BYE":
            self._end(self.status)
        elif request.method == "CANCEL" and self.invite and not self.answered.is_set() and not self.ended.is_set():
            self._end(487)
            self._reply(self.invite, 487)

    def on_offer(self) -> None:
        """Let it ring: the first answer to the INVITE that made this call."""
        if self.invite:
            self._reply(self.invite, 180)
            self.ringing.set()

    def drop(self) -> None:
        """Forget the call without a word to the server."""
        self._end(self.status)
        self.sound.close()

    def _end(self, status: int) -> None:
        self.status = status
        self.sound.end()
        self.ended.set()

    def _media(self, message: SipMessage) -> None:
        described = described_media(message.body)
        if described and not self.ended.is_set():
            target, direction = described
            self.sound.send_to(target if direction in ("sendrecv", "recvonly") else None)

    def _acknowledge(self, response: SipMessage, *, via: str) -> None:
        headers = [
            *(("Via", via), ("From", self._local), ("To", response.first("to")), ("Call-ID", self.id)),
            *(("CSeq", f"{response.number} ACK"), ("Max-Forwards", "70")),
        ]
        self.phone.send(render(f"ACK {self._target} SIP/2.0", headers))

    def _request(self, method: str, *headers: Header, via: str = "", body: str = "") -> bytes:
        own = [
            *(("Via", via or self.phone.via()), ("From", self._local), ("To", self._remote), ("Call-ID", self.id)),
            *(("CSeq", f"{self._number} {method}"), ("Contact", self.phone.contact), ("Max-Forwards", "70")),
        ]
        return render(f"{method} {self._target} SIP/2.0", [*own, *headers], body)

    def _reply(self, request: SipMessage, status: int, body: str = "") -> None:
        to = request.first("to") if "tag=" in request.first("to") else self._local
        self.phone.reply(request, status, REASONS[status], to=to, body=body)
