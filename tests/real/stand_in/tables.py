"""The rows that a reload reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

Row = Mapping[str, Any]

DISABLED = 1
"""Rows with these `flags` are not written to files (FreePBX and Issabel: a trunk that is switched off)."""


@dataclass(frozen=True)
class Login:
    """Where the tables are; what the platforms read from /etc/freepbx.conf and /etc/issabelpbx.conf."""

    platform: str
    host: str
    port: int
    user: str
    name: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Login:
        return cls(**json.loads(path.read_text()))

    def connect(self) -> pymysql.Connection[pymysql.cursors.DictCursor]:
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.name,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=5,
            read_timeout=10,
            cursorclass=pymysql.cursors.DictCursor,
        )


@dataclass(frozen=True)
class Tables:
    """`keywords` are the rows of `sip` by id, in the order of `flags`; `major` is the version of core.

    `queue_details` are keywords and data of queues, by number; the keyword `member` repeats.
    """

    platform: str
    major: int
    settings: Mapping[str, str]
    users: Mapping[str, Row]
    devices: Mapping[str, Row]
    keywords: Mapping[str, Mapping[str, str]]
    follow_me: Mapping[str, Row]
    queues: Mapping[str, Row] = field(default_factory=dict)
    queue_details: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def read(cls, login: Login) -> Tables:
        with login.connect() as connection, connection.cursor() as cursor:

            def rows(statement: str) -> list[dict[str, Any]]:
                cursor.execute(statement)
                return list(cursor.fetchall())

            keywords: dict[str, dict[str, str]] = {}
            for row in rows(f"SELECT id, keyword, data FROM sip WHERE flags <> {DISABLED} ORDER BY id, flags"):
                keywords.setdefault(row["id"], {})[row["keyword"]] = row["data"]
            details: dict[str, list[tuple[str, str]]] = {}
            for row in rows("SELECT id, keyword, data FROM queues_details ORDER BY id, flags, keyword"):
                details.setdefault(row["id"], []).append((row["keyword"], row["data"]))
            settings = rows(f"SELECT keyword, value FROM {login.platform}_settings".replace("issabel_", "issabelpbx_"))
            core = rows("SELECT version FROM modules WHERE modulename = 'core'")
            return cls(
                platform=login.platform,
                major=int(core[0]["version"].split(".")[0]),
                settings={row["keyword"]: row["value"] or "" for row in settings},
                users={row["extension"]: row for row in rows("SELECT * FROM users ORDER BY extension")},
                devices={row["id"]: row for row in rows("SELECT * FROM devices ORDER BY id")},
                keywords=keywords,
                follow_me={row["grpnum"]: row for row in rows("SELECT * FROM findmefollow ORDER BY grpnum")},
                queues={row["extension"]: row for row in rows("SELECT * FROM queues_config ORDER BY extension")},
                queue_details=details,
            )

    def caller_id(self, device: str, stored: str) -> str:
        """A fixed device shows the name of its user, whatever its row `callerid` says."""
        row = self.devices.get(device, {})
        user = self.users.get(row.get("user") or "")
        return f"{user['name']} <{user['extension']}>" if user and row["devicetype"] == "fixed" else stored

    def mailbox(self, device: str, stored: str) -> str:
        """`200@device` becomes the box of the user, where there is one."""
        row = self.devices.get(device, {})
        user = self.users.get(row.get("user") or "", {})
        context = user.get("voicemail") or "novm"
        return stored if context == "novm" else stored.replace("@device", f"@{context}")
