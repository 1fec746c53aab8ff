"""How often one address and one key may ask, and how often an address may guess keys.

An IPv6 address counts by its /64: whoever has one has all of it.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import TooManyRequests

from pbxapi.http.rates import Bucket, LocalBucket, Rate
from pbxapi.settings import SettingsError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from pbxapi.settings import Limits as LimitSettings

log = logging.getLogger("pbxapi.limits")

LIMITS = "pbxapi.limits"
# What a request keeps in its environ: what counts it and where it is from, and what the headers of its answer tell.
COUNTED = "pbxapi.limits.counted"
TOLD = "pbxapi.limits.told"
WELCOME = 3600.0
"""Seconds for which an address may go on with a key that it used, whatever others bring from there."""
MOST_WELCOME = 20_000
MOST_SHUT = 20_000


class Limit:
    """A limit whose state the headers of answers tell."""

    def __init__(self, name: str, bucket: Bucket) -> None:
        self.name, self.bucket, self.rate = name, bucket, bucket.rate
        self.policy = f'"{name}";q={self.rate.amount};w={self.rate.seconds}'

    def count(self, who: str, environ: WSGIEnvironment) -> None:
        """Count a request. Raises TooManyRequests."""
        over = self.bucket.take(who)
        environ[TOLD] = self, over
        if self.rate.refuses(over):
            words = f"More than {self.rate.amount} requests of this {self.name} in {self.rate.seconds} s"
            raise _too_many(words, over)

    def state(self, over: float) -> str:
        """How many more may come, and when one more may."""
        more = math.ceil(self.rate.until_more(over))
        return f'"{self.name}";r={self.rate.remaining(over)};t={max(1, more)}'


class Limits:
    """What is counted; in this process, or in Redis."""

    def __init__(self, settings: LimitSettings) -> None:
        """Raises SettingsError when the URL of Redis cannot be used, or its client is not installed."""
        make = _maker(settings.storage)
        self.address = Limit("address", make("address", Rate.of(settings.address))) if settings.address else None
        self.key = Limit("key", make("key", Rate.of(settings.key))) if settings.key else None
        self.bad_keys = make("bad-keys", Rate.of(settings.bad_keys)) if settings.bad_keys else None
        self._lock = threading.Lock()
        # When an address last came with a key that is known, by a hash of both: no key lies here.
        self._welcome: OrderedDict[int, float] = OrderedDict()
        # Until when no key of an address is looked at.
        self._shut: OrderedDict[str, float] = OrderedDict()

    def welcome(self, where: str, environ: WSGIEnvironment) -> None:
        """Note that a key of this address is known."""
        brought = _brought(where, environ)
        with self._lock:
            self._welcome[brought] = time.monotonic()
            self._welcome.move_to_end(brought)
            if len(self._welcome) > MOST_WELCOME:
                self._welcome.popitem(last=False)

    def check_open(self, where: str, environ: WSGIEnvironment) -> None:
        """Let the key be looked at, unless too many bad ones came from there. Raises TooManyRequests."""
        until = self._shut.get(where, 0.0)
        now = time.monotonic()
        if now >= until or not brings_key(environ):
            return
        if self._welcome.get(_brought(where, environ), -math.inf) < now - WELCOME:
            raise _too_many("Too many requests with keys that are not known came from this address", until - now)

    def guessed(self, where: str) -> None:
        """Count a bad key. The last one that the rate allows shuts the address until there is room for the next."""
        if self.bad_keys is None:
            return
        rate = self.bad_keys.rate
        over = self.bad_keys.take(where)
        if rate.remaining(over) == 0:
            self._shut_out(where, max(rate.until_more(over), 0.0))
        if rate.refuses(over):
            raise _too_many("Too many requests with keys that are not known came from this address", over)

    def _shut_out(self, where: str, wait: float) -> None:
        now = time.monotonic()
        with self._lock:
            before = self._shut.pop(where, -math.inf)
            self._shut[where] = max(before, now + wait)
            if len(self._shut) > MOST_SHUT:
                self._shut.popitem(last=False)
        if before < now - 60:
            log.warning("too many bad keys come from %s: only keys that it used in the last hour are looked at", where)


def install(app: Flask, settings: LimitSettings) -> None:
    """Count this application's requests. Raises SettingsError."""
    app.extensions[LIMITS] = Limits(settings)
    app.after_request(_tell)


def address(environ: WSGIEnvironment) -> None:
    """Count a request of this address, before its key is looked at. Raises TooManyRequests (429)."""
    limits: Limits = current_app.extensions[LIMITS]
    where = network_of(environ.get("REMOTE_ADDR", ""))
    environ[COUNTED] = limits, where
    if limits.address is not None:
        limits.address.count(where, environ)
    limits.check_open(where, environ)


def key(name: str) -> None:
    """Count a request of this key, once its address is counted. Raises TooManyRequests (429)."""
    environ = request.environ
    limits, where = environ[COUNTED]
    if limits.bad_keys is not None:
        limits.welcome(where, environ)
    if limits.key is not None:
        limits.key.count(name, environ)


def bad_key(environ: WSGIEnvironment) -> None:
    """Count a request whose key is not known; who brings none guesses none. Raises TooManyRequests (429)."""
    if brings_key(environ):
        limits, where = environ[COUNTED]
        limits.guessed(where)


def brings_key(environ: WSGIEnvironment) -> bool:
    """Whether there is a key to look at, known or not."""
    return bool(environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_X_API_KEY"))


@lru_cache(maxsize=4096)
def network_of(text: str) -> str:
    """What an address is counted by: itself, or its /64; an IPv4 address in IPv6's clothes is an IPv4 address."""
    try:
        found = ip_address(text)
    except ValueError:
        return text
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), 64), strict=False))


def _maker(storage: str) -> Callable[[str, Rate], Bucket]:
    """What makes buckets. Raises SettingsError."""
    if storage == "memory://":
        return lambda name, rate: LocalBucket(rate)
    try:
        from pbxapi.http.shared_rates import Server, SharedBucket  # noqa: PLC0415  (not installed where not wanted)

        server = Server(storage)
    except ImportError:
        raise SettingsError(["RATE_LIMIT_STORAGE: install the client of Redis: pip install 'pbxapi[redis]'"]) from None
    except ValueError:
        # Its text holds parts of the URL, the password may be one.
        raise SettingsError(["RATE_LIMIT_STORAGE is not a URL that the client of Redis understands"]) from None
    return lambda name, rate: SharedBucket(name, rate, server)


def _brought(where: str, environ: WSGIEnvironment) -> int:
    # Python's hash of text is keyed anew in every process, so that nobody can make two alike, or tell the key from it.
    return hash((where, environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_X_API_KEY")))


def _too_many(words: str, wait: float) -> TooManyRequests:
    seconds = max(1, math.ceil(wait))
    return TooManyRequests(f"{words}. Wait {seconds} s.", retry_after=seconds)


def _tell(response: Response) -> Response:
    """Say how many more may come (draft-ietf-httpapi-ratelimit-headers-11)."""
    told = request.environ.get(TOLD)
    if told is not None:
        limit, over = told
        # `add`, not `[]`: nothing else sets them, and to look for them takes longer than all the rest.
        response.headers.add("RateLimit-Policy", limit.policy)
        response.headers.add("RateLimit", limit.state(over))
    return response
