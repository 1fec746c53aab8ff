"""The SIP sections of the configuration, as the old interface gives them: by name, each option a string."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import select

from pbxapi.db.engine import connect
from pbxapi.db.platform_tables import sip
from pbxapi.pbx.asterisk_conf import ConfError, Section, read

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = logging.getLogger("pbxapi.pbx.sip_extensions")


class ConfSipExtensions:
    """Those of a configuration file and of all that it includes (pjsip.conf, sip_additional.conf)."""

    def __init__(self, path: str) -> None:
        self._path = path

    def sections(self) -> dict[str, dict[str, str] | None]:
        """Every section by name, None for one with no options; nothing at all when a file cannot be read."""
        try:
            return merge(read(self._path))
        except (OSError, ConfError) as error:
            log.error("The SIP configuration cannot be read: %s", error)  # noqa: TRY400 (a traceback tells no more)
            return {}


def merge(sections: list[Section]) -> dict[str, dict[str, str] | None]:
    """Put the sections of a name into one object: PJSIP's endpoint, auth and AOR are usually named alike.

    Of what stands there more than once the last counts, and what an endpoint says of itself counts before what its
    auth and AOR say: so `type` is `endpoint`, and `password` and `max_contacts` stand beside `context`.
    """
    merged: dict[str, dict[str, str] | None] = dict.fromkeys(section.name for section in sections)
    for section in sorted(sections, key=lambda each: each.get("type") == "endpoint"):
        if section.options:
            merged[section.name] = (merged[section.name] or {}) | dict(section.options)
    return merged


class DatabaseSipExtensions:
    """Those of FreePBX's table `sip`, where the phones of PJSIP are too."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def sections(self) -> dict[str, dict[str, str] | None]:
        """Keyword and data of every extension. Raises Unavailable and Timeout.

        The rows of trunks (`tr-peer-1`, `pjsip-1`, `-1`) are no extensions, and `secret_origional` (the GUI's own
        spelling) is a secret that no longer holds.
        """
        rows = select(sip.c.id, sip.c.keyword, sip.c.data).order_by(sip.c.id, sip.c.flags, sip.c.keyword)
        for prefix in ("tr-", "pjsip-", "-"):
            rows = rows.where(sip.c.id.not_like(f"{prefix}%"))
        found: dict[str, dict[str, str] | None] = {}
        options: dict[str, str] = {}
        with connect(self._engine) as connection:
            for extension, keyword, data in connection.execute(rows.where(sip.c.keyword != "secret_origional")):
                if extension not in found:
                    options = found[extension] = {}
                options[keyword] = data
        return found
