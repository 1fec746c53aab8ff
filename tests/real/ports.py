"""Free ports on loopback, for servers that must come back on the same ones after they were killed."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_taken: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Return ``count`` ports in a row that are free for TCP and UDP.

    They lie below the range that the kernel gives to outgoing connections: nobody takes one while its server is down.
    """
    first_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(1000):
        first = random.randrange(max(1024, first_ephemeral - 12_000), first_ephemeral - count)
        ports = list(range(first, first + count))
        if not _taken.intersection(ports) and all(map(_is_free, ports)):
            _taken.update(ports)
            return ports
    raise RuntimeError(f"found no {count} free ports below {first_ephemeral}")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
