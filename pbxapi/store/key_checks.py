"""What keys may be called, may do, and may come from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from pbxapi.errors import Invalid
from pbxapi.scopes import SCOPES

OWNER = "API_SECRET_KEY"
"""The name of the key that the configuration holds."""
NAME = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
MOST_NETWORKS = 100
LONGEST = timedelta(days=100 * 365)

Network = IPv4Network | IPv6Network


def check_name(name: str) -> None:
    """Raise Invalid for what is no name: it must be good in a path and on a command line, and be told from others."""
    if not re.fullmatch(NAME, name):
        words = "1 to 64 letters, digits and . _ @ -, of which the first is a letter or a digit."
        raise Invalid("The key cannot have this name", {"name": [words]})
    if name.casefold() == OWNER.casefold():
        raise Invalid("The key cannot have this name", {"name": ["Is that of the key in the configuration."]})


def checked_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes, each once, in the order of SCOPES. Raises Invalid for others, and for none at all."""
    wanted = set(scopes)
    unknown = sorted(wanted.difference(SCOPES))
    if unknown or not wanted:
        words = f"There is no scope {', '.join(unknown)}: " if unknown else "At least one of "
        raise Invalid("The key cannot have these scopes", {"scopes": [f"{words}{', '.join(SCOPES)}."]})
    return tuple(scope for scope in SCOPES if scope in wanted)


def checked_networks(networks: Iterable[str]) -> tuple[str, ...]:
    """The networks as they are written, each once. Raises Invalid for what is no network."""
    wanted = tuple(networks)
    if len(wanted) > MOST_NETWORKS:
        raise Invalid("These are too many networks", {"networks": [f"{MOST_NETWORKS} at most."]})
    return tuple(dict.fromkeys(str(_network(text)) for text in wanted))


def check_expiry(expires_at: datetime | None) -> None:
    """Raise Invalid for a time that is over, or so far away that some calendar ends before it."""
    now = datetime.now(UTC)
    if expires_at is not None and not now < expires_at < now + LONGEST:
        words = f"Must be in the future, and not {LONGEST.days // 365} years away."
        raise Invalid("The key cannot expire then", {"expires_at": [words]})


@lru_cache(maxsize=4096)
def lies_in(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks. What is no address lies in none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in ip_network(network) for network in networks)


def _network(text: str) -> Network:
    try:
        found = ip_network(text.strip())
    except ValueError:
        words = f"{text[:60]!r} is no address, nor a network such as 10.0.0.0/8 whose bits after the mask are 0."
        raise Invalid("The key cannot have these networks", {"networks": [words]}) from None
    if isinstance(found, IPv6Network) and found.network_address.scope_id:
        words = f"{text[:60]!r}: a network has no zone."
        raise Invalid("The key cannot have these networks", {"networks": [words]})
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) and found.prefixlen >= 96 else None
    # IPv4 in IPv6's clothes: requests from there are compared as IPv4.
    return IPv4Network((mapped, found.prefixlen - 96)) if mapped else found
