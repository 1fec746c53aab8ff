"""How the text of a configuration variable is read: each gives a value, or raises ValueError saying what it must be."""

from __future__ import annotations

import ipaddress
import re
import shlex
import zoneinfo
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

N = TypeVar("N", int, float)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def flag(text: str) -> bool:
    """Read true, false, and the usual other words for them."""
    if text.lower() in {"true", "1", "yes", "on"}:
        return True
    if text.lower() in {"false", "0", "no", "off"}:
        return False
    raise ValueError(f"must be true or false, not {text!r}")


def number(least: float, most: float, kind: Callable[[str], N]) -> Callable[[str], N]:
    """Make a reader of numbers between two bounds, both allowed."""

    def read(text: str) -> N:
        try:
            value = kind(text)
            if least <= value <= most:
                return value
        except ValueError:
            pass
        raise ValueError(f"must be a number from {least:g} to {most:g}, not {text!r}")

    return read


def choice(*choices: str) -> Callable[[str], str]:
    """Make a reader of one of these words."""

    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, not {text!r}")
        return text.lower()

    return read


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def contexts(text: str) -> tuple[str, ...]:
    """Read a comma list of dialplan contexts."""
    names = _items(text)
    for name in names:
        # AST_MAX_CONTEXT is 80, the closing NUL included (Asterisk, include/asterisk/channel.h).
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,79}", name):
            raise ValueError(f"{name!r} is not the name of a dialplan context")
    if not names:
        raise ValueError("names no dialplan context")
    return tuple(names)


def proxies(text: str) -> tuple[Network | str, ...]:
    """Read a comma list of addresses, networks, and the word `unix` for peers on a Unix socket."""
    found: list[Network | str] = []
    for item in _items(text):
        try:
            found.append("unix" if item == "unix" else ipaddress.ip_network(item))
        except ValueError:
            raise ValueError(f"{item!r} is not an address, a network such as 10.0.0.0/8, or the word unix") from None
    return tuple(found)


def origins(text: str) -> tuple[str, ...]:
    """Read a comma list of web origins, or `*`."""
    found = _items(text)
    for origin in found:
        scheme, _, host = origin.partition("://")
        exact = scheme in {"http", "https"} and host and urlsplit(origin).netloc == host
        if origin != "*" and not exact:
            raise ValueError(f"{origin!r} is not an origin such as https://crm.example.com (no path), nor *")
    return tuple(found)


def timezone(text: str) -> zoneinfo.ZoneInfo:
    """Read the name of a time zone of the IANA database."""
    try:
        return zoneinfo.ZoneInfo(text)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError(f"{text!r} is not a time zone known here, such as Europe/Berlin") from None


def database_url(text: str) -> str:
    """Read a URL such as mysql://user:password@host/asteriskcdrdb. What is wrong is said without showing it."""
    try:
        parts = urlsplit(text)
        good = parts.scheme.partition("+")[0] in {"mysql", "mariadb", "sqlite"} and (parts.port is None or parts.port)
    except ValueError:
        good = False
    if not good or "://" not in text:
        raise ValueError("is not a URL such as mysql://user:password@host/asteriskcdrdb")
    return text


def collector_url(text: str) -> str:
    """Read the address of a server that takes what is sent there. A password in it would be seen in the log."""
    if not re.fullmatch(r"https?://[^@\s/?#]+(/[^@\s?#]*)?", text):
        raise ValueError("must be such as http://127.0.0.1:4318, without a login in it")
    return text


def location(text: str) -> str:
    """Read the path of an internal location of nginx, such as /_recordings/."""
    if not re.fullmatch(r"/[A-Za-z0-9_./-]*", text) or ".." in text:
        raise ValueError(f"{text!r} is not the path of a location such as /_recordings/")
    return text.rstrip("/") + "/"


def command(text: str) -> tuple[str, ...]:
    """Read a command line as a list of arguments; no shell will ever see it."""
    try:
        found = tuple(shlex.split(text))
    except ValueError:
        raise ValueError("has a quotation mark that is not closed") from None
    if not found or not found[0].startswith("/"):
        raise ValueError("must begin with the whole path of a program")
    return found


def file_name(text: str) -> str:
    """Read the bare name of a configuration file."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}\.conf", text):
        raise ValueError(f"{text!r} is not the name of a file such as pjsip_api.conf, without a folder")
    return text


def rate(text: str) -> str:
    """Read how often something may happen: 100/second, 6000/minute, 5000/hour; empty for off."""
    if text.lower() == "off":
        return ""
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour)", text):
        raise ValueError(f"must be such as 6000/minute (second, minute, hour), or off, not {text!r}")
    return text


def limit_storage(text: str) -> str:
    """Read where limits are counted: memory://, or the URL of a Redis server. It may hold a password: not shown."""
    if text != "memory://" and not re.match(r"(redis|rediss|redis\+unix|unix)://.", text):
        raise ValueError("must be memory://, or a URL such as redis://127.0.0.1:6379/0")
    return text


def token(text: str) -> str:
    """Read a token that is not easily guessed."""
    if len(text) < 16 or not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("must be 16 characters or more, without blanks")
    return text
