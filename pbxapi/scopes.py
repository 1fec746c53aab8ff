"""What keys can be made for."""

from __future__ import annotations

SCOPES = {
    "read": "peers, extensions without their secrets, calls, queues, system information",
    "cdr": "call detail records",
    "recordings": "recordings of calls",
    "calls": "place, transfer and hang up calls",
    "agents": "log agents in and out of queues, and pause them",
    "provision": "extensions, follow-me and queues, and what `agents` may",
    "secrets": "see SIP secrets",
    "system": "apply the configuration",
    "admin": "keys and the audit log",
}
