"""Buckets that several hosts share, in Redis (5 or newer). Without an answer from it each process counts for itself."""

from __future__ import annotations

import logging
import threading
import time

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from pbxapi.http.rates import LocalBucket, Rate

log = logging.getLogger("pbxapi.limits")

TIMEOUT = 0.2
"""Seconds for each answer, and to connect."""
PAUSE = 2.0
"""Seconds in which a server that did not answer is not asked again: by one request then, not by all at once."""
LOGGED_EVERY = 60.0
# By the server's clock: those of the hosts differ. Numbers come back as whole ones, so in microseconds.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local after = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + ARGV[1]
local over = after - now - ARGV[2]
if over <= ARGV[1] / 2 then
    redis.call('SET', KEYS[1], string.format('%.6f', after), 'PX', math.max(1, math.ceil((after - now) * 1000)))
end
return math.ceil(over * 1000000)
"""


class Server:
    """A Redis server, and whether it is worth asking. Nothing is connected before it is."""

    def __init__(self, url: str) -> None:
        """Raises ValueError when redis-py does not understand the URL."""
        self.client = Redis.from_url(
            url.replace("redis+unix://", "unix://", 1),
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            # It tries three times, with pauses, if nothing is said.
            retry=Retry(NoBackoff(), 0),
        )
        self._lock = threading.Lock()
        self._answers = True
        self._ask_from = 0.0
        self._log_from = 0.0

    def may_be_asked(self) -> bool:
        """Whether it answered last time, or whether it is this request's turn to see if it does again."""
        if self._answers:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._ask_from:
                return False
            self._ask_from = now + PAUSE
            return True

    def answered(self) -> None:
        """Ask it again from now on."""
        if not self._answers:
            self._answers = True
            log.warning("the Redis server of RATE_LIMIT_STORAGE answers again")

    def failed(self, error: RedisError) -> None:
        """Leave it alone for a while. Logged, but not for every request."""
        with self._lock:
            now = time.monotonic()
            self._answers = False
            self._ask_from = now + PAUSE
            if now >= self._log_from:
                self._log_from = now + LOGGED_EVERY
                log.error(
                    "the Redis server of RATE_LIMIT_STORAGE gives no answer, each process counts by itself: %s", error
                )


class SharedBucket:
    """A bucket in Redis, and one of this process for when it does not answer."""

    def __init__(self, name: str, rate: Rate, server: Server) -> None:
        self.rate = rate
        self._prefix = f"pbxapi:limit:{name}:"
        self._server = server
        self._script = server.client.register_script(SCRIPT)
        self._alone = LocalBucket(rate)

    def take(self, name: str) -> float:
        """Count a request; see Bucket. Waits for the server, but not for long and not again and again."""
        if self._server.may_be_asked():
            try:
                over = self._script(keys=[self._prefix + name], args=[self.rate.interval, self.rate.seconds])
            except RedisError as error:
                self._server.failed(error)
            else:
                self._server.answered()
                return int(over) / 1_000_000
        return self._alone.take(name)
