"""A SIP phone inside the test process: UDP on loopback, digest, G.711.

    phone = Phone("100", "pw100", server_port)
    phone.register()
    call = phone.call("101").wait_answered()
    call.hang_up()
    phone.close()

Datagrams do not get lost on loopback, so it sends nothing twice; what the server sends twice, it answers twice.
"""

from __future__ import annotations

import heapq
import queue
import socket
import threading
import time
import uuid

from tests.real.sip_call import Call
from tests.real.sip_message import Header, SipMessage, authorization, render


class Phone:
    """One phone. What it does with a call that comes in may be changed at any time:

    ``answer_after``  ring for so many seconds, then answer; None rings for ever
    ``reject``        refuse with this status (486 busy, 603 declined); None lets it ring
    """

    def __init__(
        self,
        number: str,
        password: str,
        server_port: int,
        *,
        answer_after: float | None = 0.2,
        reject: int | None = None,
    ) -> None:
        self.number = number
        self.password = password
        self.answer_after = answer_after
        self.reject = reject
        self.incoming: list[Call] = []
        self.notifications: list[SipMessage] = []
        self.registered = False
        self._calls: dict[str, Call] = {}
        self._arrived: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._to_answer: list[tuple[float, int, Call]] = []
        self._replies: dict[tuple[str, str], bytes] = {}
        self._registrar = f"sip:127.0.0.1:{server_port}"
        self._registration = str(uuid.uuid4())
        self._registration_number = 0
        self._registered: queue.SimpleQueue[SipMessage] = queue.SimpleQueue()
        self._server = ("127.0.0.1", server_port)
        self._closed = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.contact = f"<sip:{number}@127.0.0.1:{self.port}>"
        self._thread = threading.Thread(target=self._serve, name=f"phone-{number}", daemon=True)
        self._thread.start()

    def register(self, *, seconds: int = 3600, timeout: float = 5.0) -> int:
        """Register for so many seconds; return the final status (200; 401 for a wrong password; 0 for no answer)."""
        deadline = time.monotonic() + timeout
        response = self._send_register(seconds, deadline)
        if response is not None and response.status == 401:
            proof = authorization(response, "REGISTER", self._registrar, self.number, self.password)
            response = self._send_register(seconds, deadline, proof)
        if response is not None and response.status == 200:
            self.registered = seconds > 0
        return response.status if response else 0

    def unregister(self) -> int:
        return self.register(seconds=0)

    def _send_register(self, seconds: int, deadline: float, *proof: Header) -> SipMessage | None:
        self._registration_number += 1
        headers = [
            *(("Via", self.via()), ("From", f"<sip:{self.number}@127.0.0.1>;tag={uuid.uuid4().hex[:12]}")),
            *(("To", f"<sip:{self.number}@127.0.0.1>"), ("Call-ID", self._registration)),
            *(("CSeq", f"{self._registration_number} REGISTER"), ("Contact", self.contact), *proof),
            *(("Expires", str(seconds)), ("Max-Forwards", "70"), ("User-Agent", "pbxapi test phone")),
        ]
        self.send(render(f"REGISTER {self._registrar} SIP/2.0", headers))
        while (left := deadline - time.monotonic()) > 0:
            try:
                response = self._registered.get(timeout=left)
            except queue.Empty:
                break
            if response.number == self._registration_number:
                return response
        return None

    def call(self, extension: str) -> Call:
        """Call an extension; return at once."""
        call = Call(self)
        self._calls[call.id] = call
        call.dial(f"sip:{extension}@127.0.0.1:{self._server[1]}")
        return call

    def wait_incoming(self, timeout: float = 5.0) -> Call:
        """Return the next call that came in and was not yet returned here."""
        try:
            return self._arrived.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no call came to {self.number} in {timeout} s") from None

    def forget_calls(self) -> None:
        """Drop all calls, and the memory of those that came, without a word to the server."""
        for call in list(self._calls.values()):
            call.drop()
        self._calls.clear()
        self._replies.clear()
        self.incoming.clear()
        self.notifications.clear()
        self._arrived = queue.SimpleQueue()

    def close(self) -> None:
        self._closed = True
        self._socket.sendto(b"", ("127.0.0.1", self.port))  # wakes the thread
        self._thread.join(2)
        self.forget_calls()
        self._socket.close()

    # For its calls.

    def via(self) -> str:
        return f"SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{uuid.uuid4().hex};rport"

    def send(self, datagram: bytes) -> None:
        self._socket.sendto(datagram, self._server)

    def reply(self, request: SipMessage, status: int, reason: str, *, to: str, body: str = "") -> None:
        routes = [(name, value) for name, value in request.headers if name in ("via", "record-route")]
        headers = [
            *(*routes, ("From", request.first("from")), ("To", to), ("Call-ID", request.first("call-id"))),
            *(("CSeq", request.first("cseq")), ("Contact", self.contact)),
        ]
        datagram = render(f"SIP/2.0 {status} {reason}", headers, body)
        self._replies[(request.first("via"), request.method)] = datagram
        self.send(datagram)

    # What comes from the server.

    def _serve(self) -> None:
        while not self._closed:
            self._answer_due()
            self._socket.settimeout(max(0.001, self._to_answer[0][0] - time.monotonic()) if self._to_answer else None)
            try:
                datagram = self._socket.recv(65536)
            except TimeoutError:
                continue
            if datagram.strip():  # a blank one keeps a NAT open
                self._on_message(SipMessage.parse(datagram))

    def _answer_due(self) -> None:
        while self._to_answer and self._to_answer[0][0] <= time.monotonic():
            heapq.heappop(self._to_answer)[2].answer()

    def _on_message(self, message: SipMessage) -> None:
        call = self._calls.get(message.first("call-id"))
        if message.status:
            if message.method == "REGISTER" and message.status >= 200:
                self._registered.put(message)
            elif message.method == "INVITE" and call:
                call.on_invite_response(message)
        elif again := self._replies.get((message.first("via"), message.method)):
            self.send(again)
        elif message.method == "ACK":
            pass
        elif call:
            call.on_request(message)
        elif message.method == "INVITE":
            self._on_invite(message)
        else:
            if message.method == "NOTIFY":
                self.notifications.append(message)
            self.reply(message, 200, "OK", to=message.first("to"))

    def _on_invite(self, invite: SipMessage) -> None:
        call = Call(self, invite)
        self._calls[call.id] = call
        self.incoming.append(call)
        call.on_offer()
        if self.reject is not None:
            call.reject(self.reject)
        elif self.answer_after is not None:
            heapq.heappush(self._to_answer, (time.monotonic() + self.answer_after, id(call), call))
        self._arrived.put(call)
